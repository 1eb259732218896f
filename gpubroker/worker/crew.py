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

"""All loops of one worker, and the alarm that wakes them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from gpubroker.metrics import standing
from gpubroker.services import broker
from gpubroker.worker import censuses
from gpubroker.worker import hosts
from gpubroker.worker import leases
from gpubroker.worker import plans
from gpubroker.worker import purges
from gpubroker.worker import sweeps
from gpubroker.worker import turns

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds, days and threads; see the options of [worker].

    :param census_interval: none: nobody asks for one.
    """

    plan_interval: float
    lease_interval: float
    check_interval: float
    reconcile_interval: float
    sweep_interval: float
    threads: int
    reconcile_threads: int
    purge_after_days: int = 0
    census_interval: float | None = None


class Crew:
    """The loops. An alarm (``ports.Bell``) by itself: what is rung here
    wakes the loops of this process.

    :ivar loops: all of them, in the order of their start.
    """

    def __init__(self, core: broker.Broker, owner: str, pace: Pace) -> None:
        mine = self._mine = turns.Turns(core, owner, self._others)
        self._heartbeat_timeout = core.settings.heartbeat_timeout
        self._plans = plans.PlanLoop(core, mine, pace.plan_interval)
        self._leases = leases.LeaseLoop(
            core,
            mine,
            pace.lease_interval,
            pace.check_interval,
            pace.threads,
        )
        self._hosts = hosts.HostLoop(
            core, mine, pace.reconcile_interval, pace.reconcile_threads
        )
        sweep = sweeps.SweepLoop(core, mine, pace.sweep_interval)
        purge = purges.PurgeLoop(core, mine, pace.purge_after_days)
        self.loops = [
            mine.loop,
            self._leases.loop,
            self._plans.loop,
            self._hosts.loop,
            sweep.loop,
            purge.loop,
        ]
        self._censuses: censuses.CensusLoop | None = None
        if pace.census_interval is not None:
            self._censuses = censuses.CensusLoop(core, pace.census_interval)
            self.loops.append(self._censuses.loop)

    def pool(self, name: str) -> None:
        self._plans.ring(name)

    def lease(self, lease_id: str) -> None:
        self._leases.ring(lease_id)

    def host(self, name: str) -> None:
        self._hosts.ring(name)

    def standing(self) -> standing.Standing:
        """How things stand, as this worker last saw them; asks nobody."""
        return standing.Standing(
            census=self._censuses.last if self._censuses else None,
            pools=self._mine.known,
            behind=self._mine.behind,
            compared=self._hosts.compared(),
            heartbeat_timeout=self._heartbeat_timeout,
        )

    def _others(self) -> None:
        """This worker looks after other pools than before."""
        self._plans.loop.wake()
        self._leases.look()
        self._hosts.look()

    def start(self) -> None:
        for loop in self.loops:
            loop.start()

    def stop(self, timeout: float) -> bool:
        """Begin nothing more, and wait for what is under way.

        :returns: False when something had to be left; whoever comes next
            does it again.
        """
        until = time.monotonic() + timeout
        for loop in self.loops:
            loop.stop()
        over = [
            jobs.stop(max(0.0, until - time.monotonic()))
            for jobs in (self._leases, self._hosts)
        ]
        over += [
            loop.join(max(0.0, until - time.monotonic()))
            for loop in self.loops
        ]
        self._mine.leave()
        return all(over)
