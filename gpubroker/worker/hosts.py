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

"""The loop that compares hosts with Placement."""

from __future__ import annotations

import threading
import time

from gpubroker import errors
from gpubroker.services import broker
from gpubroker.services import discovery
from gpubroker.services import reconcile
from gpubroker.worker import jobs
from gpubroker.worker import rounds
from gpubroker.worker import turns

#: The one job of its kind: to look at Nova's computes.
_ALL = "of hosts"


class HostLoop(rounds.Rounds):
    """Reconciles the hosts of this worker's pools, each period and when
    somebody rings; one worker also finds those that are new.

    Finding them is a job of its own: it asks Nova, which may hang, and no
    fence waits for Nova.
    """

    def __init__(
        self,
        core: broker.Broker,
        mine: turns.Turns,
        interval: float,
        threads: int,
    ) -> None:
        super().__init__("host", core, self._reconcile, interval, threads)
        self._mine = mine
        #: host -> its pool, and when it was last compared; 0: not yet.
        self._compared: dict[str, tuple[str, float]] = {}
        self._told: set[str] = set()
        self._rung: set[str] = set()
        self._lock = threading.Lock()
        self._search = jobs.Jobs(
            "Discovery",
            self._discover,
            min(threads, 1),
            core.clock.monotonic,
            ready=self.loop.wake,
            meter=core.meter,
        )

    def ring(self, host: str) -> None:
        """This host now; one not known yet: look for it now. Every worker
        hears every ring: one for a host of another's pool is nothing."""
        if not self._jobs.ring(host):
            with self._lock:
                self._rung.add(host)
        self.loop.wake()

    def stop(self, timeout: float) -> bool:
        until = time.monotonic() + timeout
        over = [
            found.stop(max(0.0, until - time.monotonic()))
            for found in (self._jobs, self._search)
        ]
        return all(over)

    def _pass(self) -> float:
        if self._news():
            self._looked = float("-inf")
        return min(super()._pass(), self._search.give_turns())

    def _news(self) -> bool:
        """Whether a host was rung for that is, or may be, this worker's."""
        with self._lock:
            rung, self._rung = self._rung, set()
        pools = self._mine.pools() if rung else ()
        mine = [name for name in rung if pools and self._concerns(name)]
        if mine:
            self._search.ring(_ALL)
        return bool(mine)

    def _concerns(self, name: str) -> bool:
        with self._core.store.read() as tx:
            try:
                return tx.hosts.get(name).pool in self._mine.pools()
            except errors.NotFound:
                return True

    def compared(self) -> dict[tuple[str, str], float]:
        """(pool, host) -> seconds since 1970 when this worker, who looks
        after it, last compared it with Placement; 0: not yet."""
        with self._lock:
            return {
                (pool, name): at for name, (pool, at) in self._compared.items()
            }

    def _reconcile(self, core: broker.Broker, name: str) -> float | None:
        wait = reconcile.reconcile_host(core, name)
        with self._lock:
            if name in self._compared:
                pool, _before = self._compared[name]
                now = core.clock.now().timestamp()
                self._compared[name] = pool, now
        return wait

    def _look(self, now: float) -> None:
        pools = self._mine.pools()
        with self._core.store.read() as tx:
            mine = {h.name: p for p in pools for h in tx.hosts.all(p)}
        with self._lock:
            self._compared = {
                name: (pool, self._compared.get(name, ("", 0.0))[1])
                for name, pool in mine.items()
            }
        self._jobs.keep(dict.fromkeys(mine, self._interval))
        self._search.keep({_ALL: self._interval} if self._mine.chief else {})

    def _discover(self, _all: str) -> None:
        discovery.discover(self._core, self._told)
        # A host that was just made is reconciled at once.
        self._looked = float("-inf")
