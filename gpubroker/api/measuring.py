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

"""WSGI middleware that counts requests, and how long each took."""

from __future__ import annotations

from typing import Any

from gpubroker.api import dispatch
from gpubroker.api import middleware
from gpubroker.services import ports

_HEALTH = "/healthcheck"


class Measured:
    """:param clock: seconds that never go back."""

    def __init__(
        self,
        inner: middleware.Application,
        meter: ports.Meter,
        clock: ports.Clock,
    ) -> None:
        self._inner = inner
        self._meter = meter
        self._clock = clock

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        began = self._clock.monotonic()
        # What nobody has answered, the web server answers so.
        status = "500"

        def started(line: str, *more: Any) -> Any:
            nonlocal status
            status = line
            return start_response(line, *more)

        try:
            return self._inner(environ, started)
        finally:
            self._meter.answered(
                _route(environ),
                environ.get("REQUEST_METHOD", ""),
                int(status[:3]),
                self._clock.monotonic() - began,
            )


def _route(environ: dict[str, Any]) -> str:
    """Never a path as it was asked for: anybody can make up any number."""
    if environ.get("PATH_INFO", "").rstrip("/") == _HEALTH:
        return _HEALTH
    return str(environ.get(dispatch.ROUTE, ""))
