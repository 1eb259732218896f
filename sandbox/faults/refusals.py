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

"""How each service says no: its own body, which the broker reads.

Pure. As the services answer of themselves; what only something before them
says (429, mostly) comes in the same form.
"""

from __future__ import annotations

import http
import json
import re
from collections.abc import Callable
from typing import Any

from sandbox.faults import rules

Headers = list[tuple[str, str]]

#: The first pattern that is found in "METHOD path", of an answer with 409
#: (placement/handlers; its microversion 1.23 and later).
_PLACEMENT_CONFLICTS = (
    (r"/(inventories|allocations|traits|aggregates)", "concurrent_update"),
    (r"^DELETE /resource_providers/", "resource_provider.inuse"),
    (r" /resource_providers", "duplicate_name"),
)

#: ``Fault._fault_names`` (nova/api/openstack/wsgi.py).
_NOVA_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}

#: gpubroker/api/errors.py.
_GPUBROKER_CODES = {
    401: "unauthenticated",
    409: "conflict",
    429: "too_many_requests",
    500: "internal",
}

_NO_TOKEN = "The request you have made requires authentication."
_SECONDS = "1"


def refusal(
    request: rules.Request, status: int, accept: str = ""
) -> tuple[Headers, bytes]:
    """The headers and the body of the answer.

    :param accept: the header of the request.
    """
    headers, body = _answer(request, status, accept)
    if status in (429, 503):
        headers.append(("Retry-After", _SECONDS))
    return headers, body


def _answer(
    request: rules.Request, status: int, accept: str
) -> tuple[Headers, bytes]:
    if status == 401 and request.service != "gpubroker":
        # All of them have keystonemiddleware before them, which answers as
        # Keystone itself.
        headers = _json_type()
        headers.append(("WWW-Authenticate", "Keystone"))
        return headers, _json(_keystone(request, status))
    if request.service == "glance":
        return _glance(status, accept)
    made = _BODIES.get(request.service, _keystone)(request, status)
    return _json_type(), _json(made)


def _json_type() -> Headers:
    return [("Content-Type", "application/json")]


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _title(status: int) -> str:
    return http.HTTPStatus(status).phrase


def _keystone(_request: rules.Request, status: int) -> dict[str, Any]:
    """``_handle_keystone_exception`` (keystone/server/flask)."""
    title = _title(status)
    words = _NO_TOKEN if status == 401 else title
    return {"error": {"code": status, "title": title, "message": words}}


def _placement(request: rules.Request, status: int) -> dict[str, Any]:
    """``json_error_formatter`` (placement/util.py)."""
    title = _title(status)
    code = f"placement.{_placement_code(request, status)}"
    entry = {"status": status, "title": title, "detail": title, "code": code}
    return {"errors": [entry]}


def _placement_code(request: rules.Request, status: int) -> str:
    where = f"{request.method} {request.path}"
    if status == 409:
        for pattern, code in _PLACEMENT_CONFLICTS:
            if re.search(pattern, where):
                return code
    return "undefined_code"


def _nova(_request: rules.Request, status: int) -> dict[str, Any]:
    fault = {"code": status, "message": _title(status)}
    if status in (413, 429):
        fault["retryAfter"] = _SECONDS
    return {_NOVA_NAMES.get(status, "computeFault"): fault}


def _neutron(_request: rules.Request, status: int) -> dict[str, Any]:
    """``get_exception_data`` (neutron/api/api_common.py)."""
    title = _title(status)
    kind = title.replace(" ", "")
    return {"NeutronError": {"type": kind, "message": title, "detail": ""}}


def _glance(status: int, accept: str) -> tuple[Headers, bytes]:
    """Webob's own pages: JSON for who asks for it, HTML for who takes that,
    plain text for all others."""
    title = _title(status)
    whole = f"{status} {title}"
    if "application/json" in accept:
        words = f"{title}.<br /><br />\n\n\n"
        body = {"message": words, "code": whole, "title": title}
        return _json_type(), _json(body)
    if "html" in accept or "*/*" in accept:
        page = (
            f"<html>\n <head>\n  <title>{whole}</title>\n </head>\n"
            f" <body>\n  <h1>{whole}</h1>\n  {title}.<br /><br />\n\n\n\n"
            " </body>\n</html>"
        )
        return [("Content-Type", "text/html; charset=UTF-8")], page.encode()
    text = f"{whole}\n\n{title}.\n\n   "
    return [("Content-Type", "text/plain; charset=UTF-8")], text.encode()


def _gpubroker(_request: rules.Request, status: int) -> dict[str, Any]:
    """To its agents."""
    title = _title(status)
    code = f"gpubroker.{_GPUBROKER_CODES.get(status, 'unavailable')}"
    entry = {"status": status, "title": title, "detail": title, "code": code}
    return {"errors": [{**entry, "request_id": "", "links": []}]}


_BODIES: dict[str, Callable[[rules.Request, int], dict[str, Any]]] = {
    "gpubroker": _gpubroker,
    "keystone": _keystone,
    "neutron": _neutron,
    "nova": _nova,
    "placement": _placement,
}
