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


"""Every HTTP request that this process sends, whichever library sends it.

``http.client`` tells Python's audit hooks of all it sends
(https://docs.python.org/3/library/audit_events.html); requests and urllib3
stand on it. Nothing is replaced and nothing has to cooperate.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n")
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_SHAPE = re.compile(r"gpubroker-[0-9a-f]{8}-(?=[0-9a-f]{32}-)")
_TICKET = re.compile(r"CUSTOM_GPUBROKER_\w+")


@dataclass(frozen=True, slots=True)
class Request:
    """:param service: what listens on the port, or the port.
    :param at: seconds of a monotonic clock.
    """

    service: str
    method: str
    path: str
    at: float

    def __str__(self) -> str:
        """Ids left out, so that the same request twice reads the same."""
        path = _SHAPE.sub("gpubroker-", self.path.partition("?")[0])
        path = _UUID.sub("ID", path)
        return f"{self.service} {self.method} {_TICKET.sub('TICKET', path)}"


class Recorder:
    """Records from now on; a process can have many, and none ends.

    :param services: names of services by their ports.
    """

    def __init__(self, services: Mapping[int, str]) -> None:
        self._services = services
        self._found: list[Request] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event != "http.client.send":
            return
        connection, data = args
        line = _LINE.match(data) if isinstance(data, bytes) else None
        if line is None:
            # The body of a request whose head was sent before.
            return
        port = int(connection.port)
        self._found.append(
            Request(
                service=self._services.get(port, str(port)),
                method=line[1].decode(),
                path=line[2].decode(),
                at=time.monotonic(),
            )
        )

    def take(self) -> Sequence[Request]:
        """What was sent since this was last asked."""
        found, self._found = self._found, []
        return found
