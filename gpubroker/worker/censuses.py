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

"""The loop that counts what there is, for whoever asks."""

from __future__ import annotations

from gpubroker.domain import census
from gpubroker.services import broker
from gpubroker.services import census as service
from gpubroker.worker import loop


class CensusLoop:
    """Apart from those who ask, so that nobody waits for the database, and
    it has as much to do with one of them as with ten.

    Every worker takes one, whatever pools it has: nobody would count for
    pools that no worker looks after.
    """

    def __init__(self, core: broker.Broker, interval: float) -> None:
        self._core = core
        #: None until the first one is taken.
        self.last: census.Census | None = None
        self.loop = loop.Loop("census", interval, self._pass, core.meter)

    def _pass(self) -> None:
        self.last = service.take(self._core)
