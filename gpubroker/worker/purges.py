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

"""The loop that forgets what is over for long enough."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterator

from gpubroker import errors
from gpubroker.domain import purge as domain
from gpubroker.services import broker
from gpubroker.services import purge
from gpubroker.worker import loop
from gpubroker.worker import turns

LOG = logging.getLogger(__name__)

#: Seconds between two purges.
_PERIOD = 3600.0
#: Seconds between two of its transactions, for others to come in between.
_BETWEEN = 0.1


class PurgeLoop:
    """One transaction a pass, so that a worker that is told to stop does.

    :param days: how long things are kept; 0: for ever.
    """

    def __init__(
        self, core: broker.Broker, mine: turns.Turns, days: int
    ) -> None:
        self._core = core
        self._mine = mine
        self._age = datetime.timedelta(days=days)
        self._under_way: Iterator[domain.Purged] | None = None
        self._done = domain.Purged()
        self.loop = loop.Loop("purge", _PERIOD, self._pass, core.meter)

    def _pass(self) -> float | None:
        self._mine.pools()
        if not self._age or not self._mine.chief:
            self._under_way = None
            return None
        # Cut short, the next pass begins anew; what is deleted stays so.
        under_way, self._under_way = self._under_way, None
        under_way = under_way or self._begin()
        if under_way is None:
            return None
        try:
            self._done += next(under_way)
        except StopIteration:
            self._end()
            return None
        self._under_way = under_way
        return _BETWEEN

    def _begin(self) -> Iterator[domain.Purged] | None:
        store, clock = self._core.store, self._core.machine
        try:
            before = purge.cutoff(store, clock, self._age)
        except errors.Conflict as error:
            LOG.warning("Nothing is purged: %s", error.message)
            return None
        self._done = domain.Purged()
        return purge.batches(store, before)

    def _end(self) -> None:
        LOG.info("Purged: %s", self._done.words)
        for lease in self._done.kept:
            LOG.warning(
                "Lease %s is over and is not purged: %s", lease.id, lease.left
            )
