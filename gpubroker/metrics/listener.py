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

"""A small web server of its own, so that nobody who reaches the API reaches
the metrics, and a worker needs none."""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref import simple_server

LOG = logging.getLogger(__name__)

Application = Callable[..., Iterable[bytes]]

#: Seconds after which a client that says nothing is hung up on.
_PATIENCE = 10.0

PATH = "/metrics"


class _Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    """A thread for each request: one that hangs holds up no other."""

    daemon_threads = True

    def server_bind(self) -> None:
        # HTTPServer's would look its own name up in the DNS, and wait.
        socketserver.TCPServer.server_bind(self)
        name, port = self.socket.getsockname()[:2]
        self.server_name, self.server_port = str(name), int(port)
        self.setup_environ()


class _Shared(_Server):
    allow_reuse_port = True


class _Handler(simple_server.WSGIRequestHandler):
    timeout = _PATIENCE

    def log_message(self, format: str, *args: Any) -> None:
        """Prometheus comes every few seconds: that is no news."""


class Listener:
    """:param shared: whether other processes of the same service may listen
    on the same port; the kernel gives each request to one of them.

    :raises OSError: the port is taken, or there is no such address.
    """

    def __init__(
        self, application: Application, host: str, port: int, shared: bool
    ) -> None:
        kind = _Shared if shared else _Server
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        served = type(kind.__name__, (kind,), {"address_family": family})
        self._server = served(address[:2], _Handler)
        self._server.set_app(_only_metrics(application))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _only_metrics(application: Application) -> Application:
    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if environ.get("PATH_INFO") == PATH:
            return application(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [f"See {PATH}.\n".encode()]

    return answer


def listen(
    application: Application, host: str, port: int, *, shared: bool = False
) -> Listener | None:
    """Nothing else stands still where there can be no metrics."""
    try:
        found = Listener(application, host, port, shared)
    except OSError as error:
        LOG.error(
            "No metrics: can not listen on %s port %d ([metrics]): %s",
            host,
            port,
            error.strerror or error,
        )
        return None
    LOG.info("Metrics: http://%s:%d%s", host, found.port, PATH)
    return found
