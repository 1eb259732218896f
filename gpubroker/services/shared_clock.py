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

"""The time that all processes of the broker share: the database's.

An age is judged by another process than the one that wrote down its
beginning, and much of what follows from it can not be undone: a server that
nobody looks for any more, a lease that failed, a trust that is forgotten. By
the clocks of two machines such an age is wrong by what these are off.
"""

from __future__ import annotations

import datetime

from gpubroker.services import ports

#: Seconds for which a measured difference is good.
_GOOD = 10.0
#: Seconds by which the machine's two clocks may part meanwhile: more, and
#: its clock was set, or it slept.
_STEADY = 1.0


class SharedClock:
    """``ports.Clock`` by the database's time.

    Measures now and then by how much the machine's own clock is off, so that
    to ask for the time is not to ask the database.

    :param machine: this machine's own clock.
    """

    def __init__(self, store: ports.Store, machine: ports.Clock) -> None:
        self.machine = machine
        self._store = store
        #: What to add, and this machine's clocks when that was measured;
        #: replaced as a whole, since many threads look at it.
        self._measured: (
            tuple[datetime.timedelta, datetime.datetime, float] | None
        ) = None

    def now(self) -> datetime.datetime:
        """:raises Unavailable: when the database does not answer."""
        here, monotonic = self.machine.now(), self.machine.monotonic()
        if self._measured is not None:
            add, wall, since = self._measured
            age = monotonic - since
            drift = (here - wall).total_seconds() - age
            if age <= _GOOD and abs(drift) <= _STEADY:
                return here + add
        return self._measure()

    def monotonic(self) -> float:
        return self.machine.monotonic()

    def sleep(self, seconds: float) -> None:
        self.machine.sleep(seconds)

    def _measure(self) -> datetime.datetime:
        there = self._store.now()
        # Read after the answer: what takes long, a connection, comes before
        # the database looks at its clock.
        here, monotonic = self.machine.now(), self.machine.monotonic()
        self._measured = there - here, here, monotonic
        return there
