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

"""The loop that plans pools."""

from __future__ import annotations

import logging

from gpubroker import errors
from gpubroker.services import broker
from gpubroker.services import plan
from gpubroker.worker import loop
from gpubroker.worker import turns

LOG = logging.getLogger(__name__)


class PlanLoop:
    """Plans every pool that this worker looks after, each period and when
    somebody rings."""

    def __init__(
        self, core: broker.Broker, mine: turns.Turns, interval: float
    ) -> None:
        self._core = core
        self._mine = mine
        self.loop = loop.Loop("plan", interval, self._pass, core.meter)

    def ring(self, pool: str) -> None:
        if pool in self._mine.known:
            self.loop.wake()

    def _pass(self) -> None:
        for pool in self._mine.pools():
            if pool not in self._mine.known:
                # Let go while another one was planned; to plan it would be
                # to take it again.
                continue
            try:
                self._plan(pool)
            except errors.NotFound:
                LOG.info("Pool %s was deleted meanwhile", pool)
            except errors.GpubrokerError as error:
                # The other pools do not wait for it.
                LOG.warning("Pool %s is not planned: %s", pool, error.message)

    def _plan(self, pool: str) -> None:
        clock = self._core.clock
        began = clock.monotonic()
        plan.plan_pool(self._core, pool, self._mine.owner)
        self._core.meter.planned(pool, clock.monotonic() - began)
