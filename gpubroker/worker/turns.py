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
Placement. One compare-and-swap for all of it: a worker that is stopped hard
is replaced after ``ownership_seconds``. It is there for thrift, not for
safety: claims, generations and tickets keep two workers apart that both
believe to be the owner.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from gpubroker import errors
from gpubroker.services import broker
from gpubroker.services import memory
from gpubroker.services import share
from gpubroker.worker import loop

LOG = logging.getLogger(__name__)

#: Looks in the time for which a pool is owned: it is renewed well before
#: that is over, also when a look or two are late.
_LOOKS = 4
_LEAST_PERIOD = 0.1
#: Seconds between looks of a worker whose database has forgotten something:
#: an operator has to be told, and to act.
_DOUBT = 10.0


class Turns:
    """:param owner: a name unlike any other worker's.
    :param changed: called after its pools have become others.
    """

    def __init__(
        self,
        core: broker.Broker,
        owner: str,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.owner = owner
        self._core = core
        self._changed = changed
        self._period = max(
            core.settings.ownership_seconds / _LOOKS, _LEAST_PERIOD
        )
        self._lock = threading.Lock()
        self._until = float("-inf")
        self._left = False
        self._share = share.Share()
        self._remembers = False
        self._behind = False
        # How far the database had counted; it never counts back.
        self._count = 0
        self.loop = loop.Loop("turns", self._period, self._pass, core.meter)

    @property
    def known(self) -> tuple[str, ...]:
        """Its pools when it looked last."""
        return self._share.pools

    @property
    def chief(self) -> bool:
        """Whether this worker does what one has to do for all pools."""
        return self._share.chief

    @property
    def behind(self) -> bool:
        """Whether this worker stands still because the database is older
        than what was done with it."""
        return self._behind

    def pools(self) -> tuple[str, ...]:
        """Its part of the pools; it looks for that when it is time."""
        before = self.known
        with self._lock:
            now = self._core.clock.monotonic()
            if not self._left and now >= self._until:
                self._share, seconds = self._take()
                self._until = now + seconds
            found = self.known
        if found != before:
            LOG.info("Pools of this worker: %s", ", ".join(found) or "none")
            self._changed()
        return found

    def doubt(self) -> None:
        """Look again whether the database is as it was: an operator may have
        put another in its place.

        Not under the lock, and whoever gets no answer works on: a Placement
        that is down stops nothing that goes without it.

        :raises Unavailable: there is no answer.
        """
        try:
            memory.check(self._core)
        except errors.Forgotten:
            with self._lock:
                self._remembers = False
                self._until = float("-inf")

    def _take(self) -> tuple[share.Share, float]:
        """No pools as long as the database may have forgotten something.

        With each look it is compared with what this worker knows of it; with
        Placement at first, and from a doubt on until that is gone.

        :returns: its part, and for how many seconds to leave it so.
        """
        try:
            if not self._sure():
                return share.Share(), self._period
            mine = share.take(self._core, self.owner, self._count)
        except errors.Forgotten as error:
            self._remembers = False
            self._behind = True
            LOG.error("This worker does nothing: %s", error.message)
            return share.Share(), _DOUBT
        self._behind = False
        self._count = mine.count
        return mine, self._period

    def _sure(self) -> bool:
        """:raises Forgotten: the database is behind Placement."""
        try:
            if not self._remembers:
                memory.check(self._core)
        except errors.Forgotten:
            raise
        except errors.OutsideError as error:
            LOG.warning(
                "This worker waits until it is known whether the database "
                "remembers all: %s",
                error.message,
            )
            return False
        self._remembers = True
        return True

    def leave(self) -> None:
        """Take no pool any more and let go of those it has, so that the next
        worker need not wait until they run out."""
        with self._lock:
            self._left = True
            self._share = share.Share()
            try:
                share.leave(self._core, self.owner)
            except errors.OutsideError as error:
                LOG.warning("The pools of this worker: %s", error.message)

    def _pass(self) -> None:
        self.pools()
