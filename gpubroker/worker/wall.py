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

"""Whether the wall clock can be believed."""

from __future__ import annotations

import logging

from gpubroker.services import ports

LOG = logging.getLogger(__name__)

#: Seconds by which the two clocks may differ between two looks. Above what
#: a daemon that keeps the time slews away, below what an expiry may suffer.
MAX_JUMP = 60.0
#: Seconds without a jump after which a new time is taken for the right one.
#: A machine that slept is right at once; one whose clock broke is to be seen
#: to by then, since nothing in it can tell the two apart.
PATIENCE = 300.0


class Wall:
    """Compares the wall clock with the monotonic one from look to look."""

    def __init__(self, clock: ports.Clock) -> None:
        self._clock = clock
        self._last = (clock.now(), clock.monotonic())
        self._doubt_until = float("-inf")

    def steady(self) -> bool:
        """False, with a warning, from a jump on for ``PATIENCE`` seconds."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        last_wall, last_monotonic = self._last
        self._last = (wall, monotonic)
        jump = (wall - last_wall).total_seconds()
        jump -= monotonic - last_monotonic
        if abs(jump) > MAX_JUMP:
            self._doubt_until = monotonic + PATIENCE
            LOG.warning(
                "The clock of this machine jumped by %.0f s: no lease is "
                "ended for its time in the next %.0f s",
                jump,
                PATIENCE,
            )
        return monotonic >= self._doubt_until
