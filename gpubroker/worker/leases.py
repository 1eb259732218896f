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

"""The loop that drives leases."""

from __future__ import annotations

from gpubroker.domain import leases
from gpubroker.services import broker
from gpubroker.services import drive
from gpubroker.services import expire
from gpubroker.worker import rounds
from gpubroker.worker import turns
from gpubroker.worker import wall

_BUSY = (leases.State.STARTING, leases.State.ENDING)
#: Seconds between looks at one that waits for its user's rights; it says
#: itself when it wants the next one.
_HELD = 30.0


class LeaseLoop(rounds.Rounds):
    """Ends what is over, and gives each lease that needs it its turn.

    :param interval: seconds between two looks for such leases.
    :param check: seconds between two looks at an active lease.
    """

    def __init__(
        self,
        core: broker.Broker,
        mine: turns.Turns,
        interval: float,
        check: float,
        threads: int,
    ) -> None:
        super().__init__("lease", core, drive.step, interval, threads)
        self._mine = mine
        self._wall = wall.Wall(core.machine)
        self._check = check
        self._listed_active = float("-inf")
        self._pools: tuple[str, ...] = ()

    def _look(self, now: float) -> None:
        # Who has no pools may not know whether the database remembers all.
        if self._mine.pools() and self._wall.steady():
            expire.expire(self._core)
        self._find(now)

    def _find(self, now: float) -> None:
        """Find the leases to drive; the many active ones less often."""
        pools = self._mine.pools()
        every = (
            now - self._listed_active >= self._check / 2
            or pools != self._pools
        )
        if every:
            self._listed_active, self._pools = now, pools
        found: dict[str, float] = {}
        with self._core.store.read() as tx:
            for pool in pools:
                for lease in tx.leases.in_state(_BUSY, pool):
                    found[lease.id] = self._interval
                if every:
                    for lease in tx.leases.held_for_rights(pool):
                        found[lease.id] = _HELD
                    for lease in tx.leases.in_state(
                        [leases.State.ACTIVE], pool
                    ):
                        found[lease.id] = self._check
        self._jobs.keep(found, known=not every)
