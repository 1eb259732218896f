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


"""WSGI middleware of our own, between the libraries' and the application."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import microversion_parse
import webob
from keystoneauth1 import exceptions as ksa_exceptions
from webob import dec

from gpubroker import errors
from gpubroker import versions
from gpubroker.api import dispatch
from gpubroker.api import errors as api_errors

LOG = logging.getLogger(__name__)

Application = Callable[..., Any]

#: Paths that anyone may read, as GET or HEAD.
OPEN = frozenset({"", "/", "/v1", "/v1/", "/v1/openapi.json"})


#: Of a text that may be the caller's own megabyte.
_LONGEST = 300

_OURS = b'{"errors":'


class JsonErrors:
    """Gives the errors of all that lies inside the one JSON shape.

    The libraries' middleware answers in text, HTML or JSON of its own.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    @dec.wsgify  # type: ignore[untyped-decorator]
    def __call__(self, request: webob.Request) -> webob.Response:
        request_id = dispatch.request_id(request.environ)
        try:
            _check_path(request.environ)
            response = request.get_response(self._inner)
        except Exception as error:
            return api_errors.render(error, request_id)
        if (
            response.status_int < 400
            or response.body.startswith(_OURS)
            or request.path_info.startswith("/healthcheck")
        ):
            return response
        return api_errors.from_http(response, request_id)


def _check_path(environ: Mapping[str, Any]) -> None:
    """:raises Invalid: for a path that is not UTF-8, which everything
    inside would stumble over in its own way.
    """
    try:
        # WSGI hands bytes over as latin-1 (PEP 3333).
        environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise errors.Invalid("The path is not valid UTF-8.") from None


class Microversion:
    """Finds the microversion asked for and says which one it was.

    No header means the oldest. Own code instead of microversion_parse's
    middleware, whose errors follow the Accept header.
    """

    def __init__(self, inner: Application) -> None:
        self._inner = inner

    @dec.wsgify  # type: ignore[untyped-decorator]
    def __call__(self, request: webob.Request) -> webob.Response:
        header = microversion_parse.STANDARD_HEADER
        try:
            version = microversion_parse.extract_version(
                request.headers, versions.SERVICE_TYPE, versions.VERSIONS
            )
        except (ValueError, TypeError) as error:
            response = api_errors.render(
                _refusal(error), dispatch.request_id(request.environ)
            )
        else:
            request.environ[dispatch.VERSION] = version
            response = request.get_response(self._inner)
            response.headers[header] = f"{versions.SERVICE_TYPE} {version}"
        response.headers.add("Vary", header)
        return response


def _refusal(error: Exception) -> errors.GpubrokerError:
    # extract_version's own contract: TypeError for a header that is no
    # version, ValueError for a version that is not offered.
    words = f"Microversion: {error}"[:_LONGEST]
    if isinstance(error, ValueError):
        return api_errors.NotAcceptable(words)
    return errors.Invalid(words)


class OpenPaths:
    """Lets version documents and the API's description through untokened."""

    def __init__(self, guarded: Application, unguarded: Application) -> None:
        self._guarded = guarded
        self._unguarded = unguarded

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO", "") in OPEN:
            return self._unguarded(environ, start_response)
        try:
            return self._guarded(environ, start_response)
        except ksa_exceptions.ClientException as error:
            # keystonemiddleware looks its own Keystone up before it says
            # 401, and lets what goes wrong there through.
            LOG.exception("Keystone did not answer")
            raise errors.Unavailable("Keystone did not answer.") from error


class HealthPaths:
    """Answers ``/healthcheck`` and what lies below, and nothing else.

    ``/healthcheck`` itself is oslo.middleware's: this process serves, and
    no operator has taken it out of the balancer. Database and messaging have
    addresses of their own: a balancer that took every API process out
    because the database blinked would turn an error into an outage.

    :param checks: name -> a function that raises when it is not well.
    """

    def __init__(
        self,
        inner: Application,
        process: Application,
        checks: Mapping[str, Callable[[], None]],
    ) -> None:
        self._inner = inner
        self._process = process
        self._checks = checks

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "").rstrip("/")
        if path == "/healthcheck":
            return self._process(environ, start_response)
        prefix, _, name = path.rpartition("/")
        if prefix == "/healthcheck" and name in self._checks:
            response = self._check(name)
            return response(environ, start_response)
        return self._inner(environ, start_response)

    def _check(self, name: str) -> webob.Response:
        status, reason = 200, "OK"
        try:
            self._checks[name]()
        except Exception as error:
            # Without a token nobody learns more than that it is down.
            LOG.warning("The check of %s failed: %s", name, error)
            status, reason = 503, "not answering"
        return webob.Response(
            status=status,
            content_type="application/json",
            charset="UTF-8",
            body=json.dumps({"name": name, "reason": reason}).encode(),
        )
