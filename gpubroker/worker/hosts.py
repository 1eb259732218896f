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

import functools

from gpubroker.services import broker
from gpubroker.services import reconcile
from gpubroker.worker import jobs
from gpubroker.worker import loop
from gpubroker.worker import turns


class HostLoop:
    """Finds hosts, and reconciles those of this worker's pools, each period
    and when somebody rings."""

    def __init__(
        self,
        core: broker.Broker,
        mine: turns.Turns,
        interval: float,
        threads: int,
    ) -> None:
        self._core = core
        self._mine = mine
        self._interval = interval
        self._listed = float("-inf")
        self.loop = loop.Loop("host", interval, self._pass)
        self._jobs = jobs.Jobs(
            "Host",
            functools.partial(reconcile.reconcile_host, core),
            threads,
            core.clock.monotonic,
            ready=self.loop.wake,
        )

    def ring(self, host: str) -> None:
        """This host now; one not known yet: look for it now."""
        if not self._jobs.ring(host):
            self._listed = float("-inf")
        self.loop.wake()

    def stop(self, timeout: float) -> bool:
        return self._jobs.stop(timeout)

    def _pass(self) -> float:
        now = self._core.clock.monotonic()
        if now - self._listed >= self._interval:
            self._listed = now
            self._list()
        return self._jobs.give_turns()

    def _list(self) -> None:
        pools = self._mine.pools()
        if not pools:
            self._jobs.keep({})
            return
        reconcile.discover(self._core)
        with self._core.store.read() as tx:
            names = [h.name for pool in pools for h in tx.hosts.all(pool)]
        self._jobs.keep(dict.fromkeys(names, self._interval))
