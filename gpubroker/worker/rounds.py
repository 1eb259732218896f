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

"""A loop that goes its rounds: finds jobs, and gives each its turn."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable

from gpubroker.services import broker
from gpubroker.worker import jobs
from gpubroker.worker import loop


class Rounds(abc.ABC):
    """Looks for jobs each period, and when one is rung for that is not
    known; gives each its turn when that is due or when somebody rings.

    :param noun: what a job is.
    :param work: one turn of a job; see ``jobs.Jobs``.
    :param interval: seconds between two looks for jobs.
    """

    def __init__(
        self,
        noun: str,
        core: broker.Broker,
        work: Callable[[broker.Broker, str], float | None],
        interval: float,
        threads: int,
    ) -> None:
        self._core = core
        self._interval = interval
        self._looked = float("-inf")
        self.loop = loop.Loop(noun, interval, self._pass, core.meter)
        self._jobs = jobs.Jobs(
            noun.capitalize(),
            functools.partial(work, core),
            threads,
            core.clock.monotonic,
            ready=self.loop.wake,
            meter=core.meter,
        )

    def ring(self, key: str) -> None:
        """This one now; one not known yet: look for it now."""
        if self._jobs.ring(key):
            self.loop.wake()
        else:
            self.look()

    def look(self) -> None:
        """Look now what jobs there are."""
        self._looked = float("-inf")
        self.loop.wake()

    def stop(self, timeout: float) -> bool:
        """:returns: whether every turn has ended."""
        return self._jobs.stop(timeout)

    def _pass(self) -> float:
        now = self._core.clock.monotonic()
        if now - self._looked >= self._interval:
            self._looked = now
            self._look(now)
        return self._jobs.give_turns()

    @abc.abstractmethod
    def _look(self, now: float) -> None:
        """Say by ``self._jobs.keep`` what jobs there are."""
