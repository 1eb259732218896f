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


"""When the next report is due."""

from __future__ import annotations

import random

_SHORTEST_INTERVAL = 1.0
_LONGEST_INTERVAL = 600.0

# A thousand agents that were started or cut off together must not stay
# together.
_JITTER = 0.1

_FIRST_RETRY = 1.0

# Between two reports of lines in the kernel log, so that a storm of them is
# told in few; while the API does not answer, a little more.
_URGENT_GAP = 0.5
_URGENT_GAP_FAILING = 3.0


class Schedule:
    """Knows seconds of a clock that never goes back, and nothing else."""

    def __init__(self, interval: float, chance: random.Random) -> None:
        self._interval = interval
        self._chance = chance
        self._failures = 0
        self._last: float | None = None
        self._next: float | None = None

    def wait(self, now: float, urgent: bool) -> float:
        """Seconds until the next report; 0 when it is due.

        :param urgent: there is news that can not wait for the interval.
        """
        if self._last is None or self._next is None:
            return 0.0
        due = self._next
        if urgent:
            gap = _URGENT_GAP_FAILING if self._failures else _URGENT_GAP
            due = min(due, self._last + gap)
        return max(0.0, due - now)

    def succeeded(self, now: float, interval: float | None) -> None:
        """:param interval: what the API asks for, if it does."""
        if interval is not None:
            self._interval = min(
                max(interval, _SHORTEST_INTERVAL), _LONGEST_INTERVAL
            )
        self._failures = 0
        self._again(now, self._interval * self._around(1 - _JITTER, 1))

    def failed(self, now: float) -> float:
        """Try again later and later, never later than an interval.

        :returns: the seconds until then.
        """
        delay = min(_FIRST_RETRY * 2.0**self._failures, self._interval)
        self._failures = min(self._failures + 1, 20)
        delay *= self._around(0.5, 1)
        self._again(now, delay)
        return delay

    def _again(self, now: float, delay: float) -> None:
        self._last = now
        self._next = now + delay

    def _around(self, least: float, most: float) -> float:
        return self._chance.uniform(least, most)
