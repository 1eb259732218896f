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


"""From a Pecan request to a handler, and from its result to a response.

The only module that knows Pecan.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

import microversion_parse
import pecan
import webob
from pecan import hooks
from webob import multidict

from gpubroker import context
from gpubroker import errors
from gpubroker import versions
from gpubroker.api import call as calls
from gpubroker.api import errors as api_errors
from gpubroker.api import operation
from gpubroker.api import reading
from gpubroker.api import routing

LOG = logging.getLogger(__name__)

VERSION = f"{versions.SERVICE_TYPE}.microversion"
_MATCH = "gpubroker.match"
#: The template of the request's path, for who counts.
ROUTE = "gpubroker.route"

#: Items of a list that are checked where faults are only logged.
_SAMPLE = 2

_ETAG = re.compile(r'(?:W/)?"[^"]*"|\*')
_ETAGS = re.compile(rf"(?:{_ETAG.pattern})(?:\s*,\s*(?:{_ETAG.pattern}))*")


class Request(pecan.Request):  # type: ignore[misc]
    """A request of which Pecan sees neither query nor body.

    It would merge both into the arguments of handlers, and parse the body
    before anybody could object to it.
    """

    GET = property(lambda self: multidict.MultiDict())
    params = property(lambda self: multidict.MultiDict())
    json = property(lambda self: {})
    # Answers are JSON, whatever is asked for; Pecan would look for a renderer
    # of text/html only and refuse "Accept: application/json" with 406.
    accept = property(lambda self: None)


class RenderErrors(hooks.PecanHook):  # type: ignore[misc]
    """Every error of routing and of handlers, in the one shape."""

    def on_error(self, state: Any, error: Exception) -> webob.Response:
        environ = state.request.environ
        return api_errors.render(error, request_id(environ))


def request_id(environ: Mapping[str, Any]) -> str:
    return str(environ.get("openstack.request_id", ""))


class Root:
    """Pecan's way into our own routing."""

    def __init__(self, site: calls.Site, tree: routing.Node) -> None:
        self._site = site
        self._tree = tree

    @pecan.expose()  # type: ignore[untyped-decorator]
    def _route(
        self, args: list[str], request: Any = None
    ) -> tuple[Any, list[str]]:
        # Before anything is refused: what is refused counts as well.
        rule = None
        try:
            match = routing.match(self._tree, request.method, args)
            promise = operation.of(match.handler)
            rule = promise.rule if promise else None
        finally:
            ctx = context.RequestContext.from_environ(request.environ)
            self._site.count(ctx, rule)
        request.environ[_MATCH] = match
        request.environ[ROUTE] = match.template
        return self.respond, []

    @pecan.expose()  # type: ignore[untyped-decorator]
    def respond(self) -> webob.Response:
        request = pecan.request
        match: routing.Match = request.environ[_MATCH]
        promise = operation.of(match.handler)
        version = request.environ[VERSION]
        if promise is None or not promise.offered(version):
            raise errors.NotFound("There is nothing at this address.")
        call = _call(self._site, request, match, promise)
        if promise.rule is not None and not promise.row:
            call.authorize()
        _read(call, request, promise, version)
        result = match.handler(call)
        if promise.rule is not None and not call.asked:
            raise RuntimeError(f"{match.handler} never asked its policy")
        return _answer(self._site, promise, version, result)


def _call(
    site: calls.Site,
    request: Any,
    match: routing.Match,
    promise: operation.Operation,
) -> calls.Call:
    return calls.Call(
        site=site,
        ctx=context.RequestContext.from_environ(request.environ),
        rule=promise.rule,
        url=request.path_url,
        root=request.application_url,
        args=match.args,
        if_match=_entity_tags(request.headers.get("If-Match")),
    )


def _entity_tags(header: str | None) -> tuple[str, ...]:
    """:raises Invalid: for a header that would be a condition, were it
    written well: to overlook it could overwrite somebody's change.
    """
    if header is None:
        return ()
    if not _ETAGS.fullmatch(header.strip()):
        raise errors.Invalid("If-Match: is no list of entity tags")
    return tuple(_ETAG.findall(header))


def _holding(
    schemas: tuple[operation.Versioned, ...],
    version: microversion_parse.Version,
) -> operation.Versioned | None:
    for schema in schemas:
        if schema.holds(version):
            return schema
    return None


def _read(
    call: calls.Call,
    request: Any,
    promise: operation.Operation,
    version: microversion_parse.Version,
) -> None:
    query = _holding(promise.queries, version)
    if query is not None:
        call.query = reading.query(
            request.environ.get("QUERY_STRING", ""), query.validator.schema
        )
        query.validator.check(call.query)
    body = _holding(promise.bodies, version)
    if body is not None:
        call.body = reading.body(
            request.body, request.headers.get("Content-Type", "")
        )
        body.validator.check(call.body)


def _answer(
    site: calls.Site,
    promise: operation.Operation,
    version: microversion_parse.Version,
    result: Any,
) -> webob.Response:
    schema = _holding(promise.answers, version)
    if schema is None:
        return webob.Response(status=promise.status, content_type=None)
    if site.response_validation != "ignore":
        _check_answer(site, schema, result)
    response = webob.Response(
        status=promise.status,
        content_type="application/json",
        charset="UTF-8",
        body=json.dumps(result, separators=(",", ":")).encode(),
    )
    # What may be one caller's to see is nobody else's to keep.
    response.cache_control = "no-cache"
    if isinstance(result, dict):
        _headers(response, promise, result)
    return response


def _headers(
    response: webob.Response,
    promise: operation.Operation,
    result: Mapping[str, Any],
) -> None:
    if "generation" in result:
        response.headers["ETag"] = f'"{result["generation"]}"'
    if promise.status in (201, 202):
        for link in result.get("links", ()):
            if link["rel"] == "self":
                response.headers["Location"] = link["href"]


def _check_answer(
    site: calls.Site, schema: operation.Versioned, result: Any
) -> None:
    strict = site.response_validation == "error"
    fault = schema.validator.fault(result if strict else _sample(result))
    if fault is None:
        return
    if strict:
        raise api_errors.BadAnswer(fault)
    LOG.warning("An answer does not match its schema: %s", fault)


def _sample(result: Any) -> Any:
    """The start of a long list: its items all come from one function, and
    checking a hundred of them costs more than finding them."""
    if not isinstance(result, dict):
        return result
    return {
        name: value[:_SAMPLE] if isinstance(value, list) else value
        for name, value in result.items()
    }


def application(site: calls.Site, tree: routing.Node) -> Any:
    """The innermost WSGI application."""
    return pecan.make_app(
        Root(site, tree),
        hooks=[RenderErrors()],
        guess_content_type_from_ext=False,
        force_canonical=False,
        request_cls=Request,
    )
