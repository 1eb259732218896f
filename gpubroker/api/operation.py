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


"""What an operation of the API promises, next to the code that keeps it.

::

    @operation(
        "lease:create", status=202, body=leases.CREATE, answer=leases.LEASE
    )
    def create(self, call: Call) -> dict[str, Any]:

A schema is either one for all microversions or a tuple of ``between(...)``.
The OpenAPI document, the matrix of policies and the tests of completeness are
made from these promises.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import microversion_parse

from gpubroker import versions
from gpubroker.api import validation
from gpubroker.api.schemas import types

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Versioned:
    """A schema and the microversions it holds in, both ends included."""

    validator: validation.Validator
    since: str = versions.MIN_VERSION
    until: str = versions.MAX_VERSION

    def holds(self, version: microversion_parse.Version) -> bool:
        return bool(version.matches(_parsed(self.since), _parsed(self.until)))


Schemas = types.Schema | tuple[Versioned, ...] | None


def between(since: str, until: str, schema: types.Schema) -> Versioned:
    """A schema for some microversions."""
    return Versioned(validation.Validator(schema), since, until)


def _parsed(version: str) -> microversion_parse.Version:
    return microversion_parse.parse_version_string(version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """:param rule: name of the policy, without ``gpubroker:``; ``None`` for
        documents that need no token.
    :param row: the policy looks at the row, so the handler asks for it, once
        it has the row; the dispatcher makes sure that it did.
    :param bodies: empty = a body is not read.
    :param answers: empty = the answer has no body.
    :param statuses: further statuses, beyond those that any operation may
        end with.
    """

    rule: str | None
    status: int
    row: bool
    bodies: tuple[Versioned, ...]
    queries: tuple[Versioned, ...]
    answers: tuple[Versioned, ...]
    statuses: tuple[int, ...]
    since: str
    until: str
    summary: str = ""
    description: str = ""

    def offered(self, version: microversion_parse.Version) -> bool:
        """Whether there is such an operation in this microversion."""
        return bool(version.matches(_parsed(self.since), _parsed(self.until)))


def _versioned(schemas: Schemas) -> tuple[Versioned, ...]:
    if schemas is None:
        return ()
    if isinstance(schemas, tuple):
        return schemas
    return (Versioned(validation.Validator(schemas)),)


def operation(
    rule: str | None,
    *,
    status: int = 200,
    body: Schemas = None,
    query: Schemas = types.NO_QUERY,
    answer: Schemas = None,
    statuses: tuple[int, ...] = (),
    row: bool = False,
    since: str = versions.MIN_VERSION,
    until: str = versions.MAX_VERSION,
) -> Callable[[F], F]:
    """Mark a method of a controller as an operation of the API."""
    promise = Operation(
        rule=rule,
        status=status,
        row=row,
        bodies=_versioned(body),
        queries=_versioned(query),
        answers=_versioned(answer),
        statuses=statuses,
        since=since,
        until=until,
    )

    def mark(handler: F) -> F:
        words = inspect.getdoc(handler) or ""
        summary, _, description = words.partition("\n\n")
        # typing has no way to say "this function, with an attribute".
        handler.operation = dataclasses.replace(  # type: ignore[attr-defined]
            promise,
            summary=" ".join(summary.split()),
            description=description,
        )
        return handler

    return mark


def of(handler: Any) -> Operation | None:
    """The promise of a handler, when it is one."""
    found = getattr(handler, "operation", None)
    return found if isinstance(found, Operation) else None
