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

"""Which pools this worker looks after.

The owner of a pool plans it, drives its leases and compares its hosts with
Placement. One compare-and-swap for all of it: no table more, and a worker
that is stopped hard is replaced after ``ownership_seconds``. It is there for
thrift, not for safety: claims, generations and tickets keep two workers
apart that both believe to be the owner.
"""

from __future__ import annotations

import logging
import threading

from gpubroker import errors
from gpubroker.services import broker
from gpubroker.services import plan

LOG = logging.getLogger(__name__)


class Turns:
    """:param owner: a name unlike any other worker's."""

    def __init__(self, core: broker.Broker, owner: str) -> None:
        self.owner = owner
        self._core = core
        self._lock = threading.Lock()
        self._until = 0.0
        self._left = False
        self.known: tuple[str, ...] = ()

    def pools(self) -> tuple[str, ...]:
        """Become or stay the owner of every pool that can be had."""
        with self._lock:
            now = self._core.clock.monotonic()
            if self._left:
                return ()
            if now >= self._until:
                self.known = self._take()
                # Renewed well before it runs out, also by slow loops.
                self._until = now + self._core.settings.ownership_seconds / 4
            return self.known

    def leave(self) -> None:
        """Take no pool any more and let go of those it has, so that the next
        worker need not wait until they run out."""
        with self._lock:
            self._left = True
            self.known = ()
            try:
                plan.disown(self._core, self.owner)
            except errors.OutsideError as error:
                LOG.warning("The pools of this worker: %s", error.message)

    def _take(self) -> tuple[str, ...]:
        with self._core.store.read() as tx:
            names = [pool.name for pool in tx.pools.all()]
        return tuple(
            name for name in names if plan.own(self._core, name, self.owner)
        )
