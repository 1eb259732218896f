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

"""The broker's way to the cloud, on which things can go wrong.

One listener for each service of the cloud. A request is passed on as it is,
unless a rule says otherwise; each is written down.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import http.server
import json
import os
import signal
import socket
import struct
import threading
import time
from typing import Any

from sandbox.faults import callers
from sandbox.faults import refusals
from sandbox.faults import rules

HOST = "127.0.0.1"

#: Of the hop alone (RFC 9110, 7.6.1), and what http.server writes itself.
_NOT_PASSED = frozenset(
    ("connection", "keep-alive", "transfer-encoding", "content-length",
     "server", "date")
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One request, as the journal tells it.

    :param began: Unix time in seconds.
    :param status: of the service's answer; ``None`` where it was not asked.
    :param killed: the process that was killed for it, if one was.
    :param again: a rule by which this happens once more.
    """

    number: int
    began: float
    service: str
    method: str
    path: str
    kind: str
    client: str
    status: int | None
    fault: str
    killed: int | None
    again: dict[str, Any] | None


class Journal:
    """All requests since it was cleared, by the time of their end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def add(
        self,
        request: rules.Request,
        began: float,
        status: int | None,
        hit: rules.Hit | None,
        killed: int | None = None,
    ) -> None:
        with self._lock:
            self._entries.append(
                Entry(
                    number=len(self._entries) + 1,
                    began=began,
                    service=request.service,
                    method=request.method,
                    path=request.path,
                    kind=request.kind,
                    client=request.client,
                    status=status,
                    fault=hit.rule.fault if hit else "",
                    killed=killed,
                    again=hit.again.data() if hit else None,
                )
            )

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dataclasses.asdict(entry) for entry in self._entries]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Broken(Exception):
    """The client gets no answer."""


class Listener(http.server.ThreadingHTTPServer):
    """Stands before one service."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        service: str,
        port: int,
        behind: int,
        judge: rules.Rules,
        journal: Journal,
    ) -> None:
        """:param behind: the service's own port."""
        super().__init__((HOST, port), Handler)
        self.service = service
        self.behind = behind
        self.judge = judge
        self.journal = journal

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone is nothing to tell of here."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; its connection is closed after it, as the sandbox's
    services do."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def log_message(self, format: str, *args: Any) -> None:
        """The journal tells more."""

    def _serve(self) -> None:
        self.close_connection = True
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        pid = callers.pid_of(self.client_address[1], self.server.server_port)
        request = rules.Request(
            service=self.server.service,
            method=self.command,
            path=self.path,
            client=callers.role_of(pid),
        )
        began = time.time()
        hit = self.server.judge.judge(request)
        way = _Way(self, request, body, hit, pid)
        try:
            answer = way.go()
            self._answer(answer)
        except (Broken, OSError):
            self._reset()
        finally:
            self.server.journal.add(
                request,
                began,
                way.status,
                hit,
                way.killed,
            )

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def ask(self, body: bytes) -> Answer:
        """Pass the request on.

        Its Host stays, so that links in the answer lead here again.
        """
        connection = http.client.HTTPConnection(
            HOST, self.server.behind, timeout=120
        )
        with contextlib.closing(connection):
            connection.putrequest(
                self.command, self.path, skip_host=True,
                skip_accept_encoding=True,
            )  # fmt: skip
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "keep-alive"):
                    connection.putheader(name, value)
            connection.putheader("Connection", "close")
            connection.endheaders(body or None)
            found = connection.getresponse()
            content = found.read()
        headers = [
            (name, value)
            for name, value in found.getheaders()
            if name.lower() not in _NOT_PASSED
        ]
        return Answer(found.status, headers, content)

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _reset(self) -> None:
        """RST instead of FIN: the other side sees a broken connection."""
        with contextlib.suppress(OSError):
            self.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            self.connection.close()


class _Way:
    """What one request goes through.

    :ivar status: of the service, once it answered.
    :ivar killed: who asked, once it was killed.
    """

    def __init__(
        self,
        handler: Handler,
        request: rules.Request,
        body: bytes,
        hit: rules.Hit | None,
        pid: int | None,
    ) -> None:
        self._handler = handler
        self._request = request
        self._body = body
        self._rule = hit.rule if hit else None
        self._pid = pid
        self.status: int | None = None
        self.killed: int | None = None

    def go(self) -> Answer:
        """:raises Broken: nothing is to be answered."""
        rule = self._rule
        if rule is None:
            return self._ask()
        match rule.fault:
            case rules.Fault.STATUS:
                return self._refuse(rule.status)
            case rules.Fault.RESET:
                raise Broken
            case rules.Fault.LOST | rules.Fault.HANG:
                self._ask()
                time.sleep(rule.seconds)
                raise Broken
            case rules.Fault.SLOW:
                answer = self._ask()
                time.sleep(rule.seconds)
                return answer
            case rules.Fault.GARBLED:
                return _garbled(self._ask())
            case rules.Fault.FORGET:
                return _without(self._ask(), rule.forget)
            case _:
                return self._kill(rule.fault)

    def _ask(self) -> Answer:
        answer = self._handler.ask(self._body)
        self.status = answer.status
        return answer

    def _refuse(self, status: int) -> Answer:
        """As the service itself would."""
        accept = self._handler.headers.get("Accept", "")
        headers, body = refusals.refusal(self._request, status, accept)
        return Answer(status, headers, body)

    def _kill(self, fault: rules.Fault) -> Answer:
        if fault is rules.Fault.KILL_BEFORE:
            self._shoot()
        elif fault is rules.Fault.KILL_DURING:
            killer = threading.Timer(0.005, self._shoot)
            killer.start()
            self._ask()
            killer.join()
        else:
            self._ask()
            self._shoot()
        raise Broken

    def _shoot(self) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
                self.killed = self._pid


def _garbled(answer: Answer) -> Answer:
    """As a load balancer answers whose backend does not; where there was
    nothing to read, nothing is."""
    if not answer.body:
        return answer
    body = b"<html><body>The service is temporarily unavailable</body></html>"
    return dataclasses.replace(answer, body=body)


def _without(answer: Answer, service_type: str) -> Answer:
    """A token whose catalogue does not know a type of service."""
    try:
        body = json.loads(answer.body)
        catalogue = body["token"]["catalog"]
    except (ValueError, KeyError, TypeError):
        return answer
    body["token"]["catalog"] = [
        entry for entry in catalogue if entry["type"] != service_type
    ]
    return dataclasses.replace(answer, body=json.dumps(body).encode())
