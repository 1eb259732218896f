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

"""The bell that use cases ring: casts, sent from a thread of its own.

A use case rings after its commit and goes on at once, also while RabbitMQ
hangs. A ring that can not be sent is written into the log and forgotten.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
from collections.abc import Callable

from oslo_config import cfg

from gpubroker.rpc import broker

LOG = logging.getLogger(__name__)

#: Rings that wait to be sent; more are dropped, the loops come round anyway.
_WAITING = 1000


class Bell:
    """``ports.Bell`` on oslo.messaging."""

    def __init__(self, client: Callable[[], broker.Client]) -> None:
        self._connect = client
        self._client: broker.Client | None = None
        self._rings: queue.Queue[Callable[[broker.Client], None]] = (
            queue.Queue(_WAITING)
        )
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failing = False

    def pool(self, name: str) -> None:
        self._ring(functools.partial(broker.Client.wake_pool, name=name))

    def lease(self, lease_id: str) -> None:
        self._ring(
            functools.partial(broker.Client.wake_lease, lease_id=lease_id)
        )

    def host(self, name: str) -> None:
        self._ring(functools.partial(broker.Client.wake_host, name=name))

    def _ring(self, ring: Callable[[broker.Client], None]) -> None:
        # Not in __init__: a web server may fork after it has loaded us, and
        # no thread survives a fork.
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._send, name="bell", daemon=True
                )
                self._thread.start()
        try:
            self._rings.put_nowait(ring)
        except queue.Full:
            LOG.debug("A ring was dropped: %d wait already", _WAITING)

    def _send(self) -> None:
        while True:
            ring = self._rings.get()
            try:
                if self._client is None:
                    self._client = self._connect()
                ring(self._client)
            except Exception as error:
                # Every driver has errors of its own; none of them matters
                # more than the thread going on.
                self._tell(error)
            else:
                self._tell(None)

    def _tell(self, error: Exception | None) -> None:
        """Once when it begins to fail, and once when it works again."""
        failing = error is not None
        if failing and not self._failing:
            LOG.warning("Rings are lost, loops come by later: %s", error)
        if self._failing and not failing:
            LOG.info("Rings arrive again")
        self._failing = failing


def build(conf: cfg.ConfigOpts) -> Bell:
    """Connects when it is rung for the first time."""
    return Bell(lambda: broker.Client(broker.transport(conf)))
