# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.


"""Exact REST routing for Pecan.

Pecan looks path segments up as attributes, lets ``_method`` change the verb
and merges the keys of a body into arguments. None of that happens here: a
request is routed by its HTTP method and by path segments that are listed in
``children`` and ``members``, and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gpubroker import errors
from gpubroker.api import errors as api_errors
from gpubroker.api import operation

#: No name or id of ours has another form, so no database has to look.
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}")

Handler = Callable[..., Any]


class Node:
    """A path that has operations of its own but no members."""

    children: ClassVar[Mapping[str, Node]] = {}
    ON_SELF: ClassVar[Mapping[str, str]] = {
        "GET": "show",
        "PUT": "replace",
        "DELETE": "delete",
    }
    ON_MEMBER: ClassVar[Mapping[str, str]] = {}

    key: ClassVar[str] = ""
    members: ClassVar[Mapping[str, Node]] = {}

    def handlers(self, table: Mapping[str, str]) -> dict[str, Handler]:
        """HTTP method -> handler, for the methods that are offered."""
        found: dict[str, Handler] = {}
        for method, name in table.items():
            handler = getattr(self, name, None)
            if handler is not None and operation.of(handler) is not None:
                found[method] = handler
        return found


class Collection(Node):
    """A list and its members; ``key`` names the path parameter."""

    ON_SELF: ClassVar[Mapping[str, str]] = {
        "GET": "list_all",
        "POST": "create",
    }
    ON_MEMBER: ClassVar[Mapping[str, str]] = {
        "GET": "show",
        "PUT": "replace",
        "PATCH": "update",
        "DELETE": "delete",
    }
    key: ClassVar[str] = "id"


@dataclass(frozen=True, slots=True)
class Match:
    """:param args: path parameters by name.
    :param template: the path with their names instead, as ``walk`` has it.
    """

    handler: Handler
    args: Mapping[str, str]
    template: str


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the route table."""

    method: str
    path: str
    handler: Handler
    operation: operation.Operation


def match(root: Node, method: str, segments: Sequence[str]) -> Match:
    """The handler of a request.

    A slash at the end makes no difference.

    :raises NotFound: for a path that does not exist.
    :raises MethodNotAllowed: for a path that does not have this method.
    """
    parts = list(segments)
    if parts and not parts[-1]:
        parts.pop()
    args: dict[str, str] = {}
    template: list[str] = []
    table = _walk_down(root, parts, args, template)
    # A server drops the body of the answer to a HEAD by itself.
    handler = table.get("GET" if method == "HEAD" else method)
    if handler is None:
        raise api_errors.MethodNotAllowed(
            f"{method} is not possible here.", allow=allowed(table)
        )
    return Match(handler, args, "/" + "/".join(template))


def allowed(table: Mapping[str, Handler]) -> list[str]:
    """The methods that a path has, for the Allow header."""
    return sorted({*table, *(["HEAD"] if "GET" in table else [])})


def _walk_down(
    node: Node,
    parts: Sequence[str],
    args: dict[str, str],
    template: list[str],
) -> dict[str, Handler]:
    table: dict[str, Handler] = {}
    if not parts:
        table = node.handlers(node.ON_SELF)
    elif parts[0] in node.children:
        template.append(parts[0])
        child = node.children[parts[0]]
        return _walk_down(child, parts[1:], args, template)
    elif node.key and _KEY.fullmatch(parts[0]):
        args[node.key] = parts[0]
        template.append(f"{{{node.key}}}")
        if len(parts) == 1:
            table = node.handlers(node.ON_MEMBER)
        elif parts[1] in node.members:
            template.append(parts[1])
            member = node.members[parts[1]]
            return _walk_down(member, parts[2:], args, template)
    if not table:
        raise errors.NotFound("There is nothing at this address.")
    return table


def walk(node: Node, path: str = "") -> Iterator[Route]:
    """The route table below a node, as (method, path template)."""
    yield from _routes(path or "/", node.handlers(node.ON_SELF))
    for name, child in node.children.items():
        yield from walk(child, f"{path}/{name}")
    if not node.key:
        return
    member = f"{path}/{{{node.key}}}"
    yield from _routes(member, node.handlers(node.ON_MEMBER))
    for name, child in node.members.items():
        yield from walk(child, f"{member}/{name}")


def _routes(path: str, table: Mapping[str, Handler]) -> Iterator[Route]:
    for method, handler in table.items():
        promise = operation.of(handler)
        if promise is not None:
            yield Route(method, path, handler, promise)
