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

"""The loop that removes what no open lease owns, and counts the time that
the database has lived through."""

from __future__ import annotations

from gpubroker.services import broker
from gpubroker.services import delegate
from gpubroker.services import memory
from gpubroker.services import sweep
from gpubroker.worker import loop
from gpubroker.worker import turns


class SweepLoop:
    """Removes what two looks in a row found, so that nothing in the making
    is taken for a leftover."""

    def __init__(
        self, core: broker.Broker, mine: turns.Turns, interval: float
    ) -> None:
        self._core = core
        self._mine = mine
        self._before = sweep.Leftovers()
        self.loop = loop.Loop("sweep", interval, self._pass, core.meter)

    def _pass(self) -> None:
        self._mine.doubt()
        self._mine.pools()
        if not self._mine.chief:
            self._before = sweep.Leftovers()
            return
        memory.live(self._core)
        delegate.sweep(self._core)
        found = sweep.find(self._core)
        removed = sweep.remove(self._core, found.also_in(self._before))
        self._core.meter.swept(removed)
        self._before = found
