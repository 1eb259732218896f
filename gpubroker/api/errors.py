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


"""The one place that turns errors into HTTP answers.

The body follows the API-SIG guideline::

    {"errors": [{"status": 409, "code": "gpubroker.in_use",
                 "title": "Conflict", "detail": "...", "request_id": "req-..",
                 "links": []}]}

``field`` is there when one field of the body or one query parameter is at
fault. Codes are part of the API: once set, they stay.
"""

from __future__ import annotations

import http
import json
import logging
from collections.abc import Mapping
from typing import Any

import webob
from webob import exc as http_errors

from gpubroker import errors
from gpubroker import versions

LOG = logging.getLogger(__name__)

#: The most special class comes first where two would match.
STATUS: tuple[tuple[type[errors.GpubrokerError], int], ...] = (
    (errors.Invalid, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.PreconditionFailed, 412),
    (errors.Rejected, 400),
    (errors.RightsGone, 403),
    (errors.IdentityLost, 403),
    (errors.OutsideError, 503),
)

#: Codes of answers that HTTP itself, not a use case, asks for.
HTTP_CODES = {
    400: "gpubroker.invalid",
    401: "gpubroker.unauthenticated",
    403: "gpubroker.forbidden",
    404: "gpubroker.not_found",
    405: "gpubroker.method_not_allowed",
    406: "gpubroker.not_acceptable",
    413: "gpubroker.too_large",
    415: "gpubroker.unsupported_media_type",
    429: "gpubroker.too_many_requests",
    500: "gpubroker.internal",
    503: "gpubroker.unavailable",
}


#: What keystonemiddleware means, in better words than HTTP's own.
_WORDS = {
    401: "The request carries no token that Keystone knows.",
    503: "Keystone does not answer, or does not let this service ask, so "
    "nobody can be let in. The log of the service says which.",
}


class MethodNotAllowed(errors.GpubrokerError):
    """:param allow: the methods that the path does have."""

    code = HTTP_CODES[405]


class NotAcceptable(errors.GpubrokerError):
    code = HTTP_CODES[406]


class UnsupportedMediaType(errors.GpubrokerError):
    code = HTTP_CODES[415]


class TooManyRequests(errors.GpubrokerError):
    """:param seconds: after which the next one is taken."""

    code = HTTP_CODES[429]


class BadAnswer(Exception):
    """An answer of ours does not match its own schema: a bug of ours."""


def status_of(error: errors.GpubrokerError) -> int:
    """The HTTP status of an error that was raised on purpose."""
    if isinstance(error, MethodNotAllowed):
        return 405
    if isinstance(error, NotAcceptable):
        return 406
    if isinstance(error, UnsupportedMediaType):
        return 415
    if isinstance(error, TooManyRequests):
        return 429
    for kind, status in STATUS:
        if isinstance(error, kind):
            return status
    return 500


def document(
    status: int, code: str, detail: str, request_id: str, **more: Any
) -> dict[str, Any]:
    """The body of an error answer."""
    entry = {
        "status": status,
        "code": code,
        "title": http.HTTPStatus(status).phrase,
        "detail": detail,
        "request_id": request_id,
        "links": [],
        **more,
    }
    return {"errors": [entry]}


def answer(
    status: int,
    body: dict[str, Any],
    headers: Mapping[str, str] | None = None,
) -> webob.Response:
    """An error as a response; ``headers`` come on top."""
    response = webob.Response(
        status=status,
        content_type="application/json",
        charset="UTF-8",
        body=json.dumps(body).encode(),
    )
    response.headers.update(headers or {})
    return response


def render(error: Exception, request_id: str) -> webob.Response:
    """The answer to a request that ended in ``error``.

    Words of an unexpected error stay in the log: they may hold a host name,
    a statement or a credential.
    """
    if isinstance(error, errors.GpubrokerError) and status_of(error) != 500:
        return _expected(error, request_id)
    if isinstance(error, http_errors.HTTPException):
        return from_http(error, request_id)
    LOG.error("Request %s failed", request_id, exc_info=error)
    return answer(
        500,
        document(
            500,
            HTTP_CODES[500],
            "An error of the service itself; its log has more under this "
            "request id.",
            request_id,
        ),
    )


def _expected(error: errors.GpubrokerError, request_id: str) -> webob.Response:
    status = status_of(error)
    more: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if "field" in error.fields:
        more["field"] = str(error.fields["field"])
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.fields["allow"])
    if isinstance(error, NotAcceptable):
        # The microversion guideline asks for the range in the entry.
        more["min_version"] = versions.MIN_VERSION
        more["max_version"] = versions.MAX_VERSION
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.fields["seconds"])
    if status == 503:
        headers["Retry-After"] = "5"
    body = document(status, error.code, error.message, request_id, **more)
    return answer(status, body, headers)


def from_http(response: webob.Response, request_id: str) -> webob.Response:
    """The same status and headers as ``response``, with a body of ours."""
    status = response.status_int
    detail = getattr(response, "detail", None) or getattr(
        response, "explanation", ""
    )
    kept = {
        name: value
        for name, value in response.headers.items()
        if name.lower() not in ("content-type", "content-length")
    }
    body = document(
        status,
        HTTP_CODES.get(status, "gpubroker.error"),
        _WORDS.get(status)
        or str(detail).strip()
        or http.HTTPStatus(status).description,
        request_id,
    )
    return answer(status, body, kept)
