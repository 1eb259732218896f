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

"""A thread that looks again and again, and at once when it is woken."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from gpubroker import errors
from gpubroker.services import ports
from gpubroker.worker import backoff

LOG = logging.getLogger(__name__)


class Loop:
    """:param act: one pass; returns seconds after which the next one is
    due, at most ``period``; ``None`` = ``period``. A pass that raises is
    logged and repeated, with growing pauses.

    :param meter: counts the passes.
    """

    def __init__(
        self,
        name: str,
        period: float,
        act: Callable[[], float | None],
        meter: ports.Meter | None = None,
    ) -> None:
        self.name = name
        self._meter = meter or ports.Uncounted()
        self._period = period
        self._act = act
        self._woken = threading.Event()
        self._stopping = False
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """The next pass comes at once; also while one is under way."""
        self._woken.set()

    @property
    def woken(self) -> bool:
        """Whether the next pass is to come at once."""
        return self._woken.is_set()

    def stop(self) -> None:
        """No pass begins any more."""
        self._stopping = True
        self._woken.set()

    def join(self, timeout: float) -> bool:
        """:returns: whether the thread is over."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.wait(self.turn())

    def turn(self) -> float:
        """One pass.

        :returns: seconds until the next one is due, if nobody wakes it.
        """
        # Before it, so that whoever rings meanwhile has another one made.
        self._woken.clear()
        if self._stopping:
            return 0.0
        began = time.monotonic()
        outcome, wait = self._try()
        took = time.monotonic() - began
        self._meter.passed(self.name, outcome, took)
        return wait

    def _try(self) -> tuple[ports.Outcome, float]:
        try:
            wait = self._act()
        except errors.OutsideError as error:
            # Known: it is down. Tried again at the usual pace.
            LOG.warning("The %s loop waits: %s", self.name, error.message)
            return ports.Outcome.UNANSWERED, self._period
        except Exception:
            self._failures += 1
            LOG.exception("The %s loop failed", self.name)
            return ports.Outcome.FAILED, backoff.pause(self._failures)
        self._failures = 0
        if wait is None:
            return ports.Outcome.DONE, self._period
        return ports.Outcome.DONE, max(0.0, min(wait, self._period))
