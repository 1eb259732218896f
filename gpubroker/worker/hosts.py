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

from gpubroker.services import broker
from gpubroker.services import reconcile
from gpubroker.worker import rounds
from gpubroker.worker import turns


class HostLoop(rounds.Rounds):
    """Finds hosts, and reconciles those of this worker's pools, each period
    and when somebody rings."""

    def __init__(
        self,
        core: broker.Broker,
        mine: turns.Turns,
        interval: float,
        threads: int,
    ) -> None:
        super().__init__(
            "host", core, reconcile.reconcile_host, interval, threads
        )
        self._mine = mine
        self._told: set[str] = set()

    def _look(self, now: float) -> None:
        pools = self._mine.pools()
        if not pools:
            self._jobs.keep({})
            return
        reconcile.discover(self._core, self._told)
        with self._core.store.read() as tx:
            names = [h.name for pool in pools for h in tx.hosts.all(pool)]
        self._jobs.keep(dict.fromkeys(names, self._interval))
