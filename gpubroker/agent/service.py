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


"""The agent's one loop: look, report, wait for news."""

from __future__ import annotations

import select
import signal
import types
from collections.abc import Callable
from typing import Any

from oslo_log import log

from gpubroker import errors
from gpubroker.agent import api_client
from gpubroker.agent import kernel_log
from gpubroker.agent import nvml
from gpubroker.agent import pci
from gpubroker.agent import report
from gpubroker.agent import schedule as schedules
from gpubroker.agent import survey as surveys
from gpubroker.services import ports

LOG = log.getLogger(__name__)

# How often a kernel log is looked at that can not be waited for, and a child
# that has not said anything.
_LOOK_SECONDS = 0.25


class _Stop(BaseException):
    """SIGTERM or SIGINT; raised in the middle of whatever is being done, so
    that not even a silent API delays the end."""


class Agent:
    """Reports until it is told to stop."""

    def __init__(
        self,
        survey: surveys.Survey,
        prober: nvml.Prober,
        kernel: kernel_log.KernelLog,
        api: api_client.ApiClient,
        schedule: schedules.Schedule,
        clock: ports.Clock,
        nvml_interval: float,
    ) -> None:
        self._survey = survey
        self._prober = prober
        self._kernel = kernel
        self._api = api
        self._schedule = schedule
        self._clock = clock
        self._nvml_interval = nvml_interval
        self._probe_at = 0.0
        self._urgent = False
        self._trouble = ""
        self._heard = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT; ends within a second."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        try:
            while True:
                self._turn()
        except _Stop:
            LOG.info("stopping")
        finally:
            self._prober.stop()
            self._kernel.close()

    def once(self) -> bool:
        """One report; whether the API took it."""
        return self._report()

    def _turn(self) -> None:
        try:
            wait = self._schedule.wait(self._clock.monotonic(), self._urgent)
            if wait == 0:
                self._report()
                return
            self._wait(min(wait, _LOOK_SECONDS) if self._impatient else wait)
            self._listen()
        except Exception:
            # Whatever this host shows: an agent that is down sees nothing.
            LOG.exception("this turn failed")
            self._schedule.failed(self._clock.monotonic())
            self._clock.sleep(_LOOK_SECONDS)

    @property
    def _impatient(self) -> bool:
        """Something can only be noticed by looking again."""
        return self._kernel.fileno() is None or self._prober.busy

    def _listen(self) -> None:
        if self._survey.follow():
            self._urgent = True
        was_busy = self._prober.busy
        self._prober.poll()
        if was_busy and not self._prober.busy:
            # What the cards say may matter as much as the kernel log.
            self._urgent = True

    def _wait(self, seconds: float) -> None:
        poll = select.poll()
        for number in (self._kernel.fileno(), self._prober.fileno()):
            if number is not None:
                poll.register(number, select.POLLIN)
        poll.poll(max(1, int(seconds * 1000)))

    def _report(self) -> bool:
        # Failures are logged after the except clauses: within them oslo.log
        # would add the exception to a line that says it already.
        sent: tuple[report.Facts, api_client.Reply] | None = None
        trouble = ""
        try:
            facts = self._survey.facts()
            body = report.encode(report.build(facts))
            sent = facts, self._api.report(body)
        except pci.SysfsUnreadable as error:
            trouble = f"there is nothing to report: {error}"
        except errors.Forbidden as error:
            trouble = f"this host may not report, is it enrolled? {error}"
        except errors.GpubrokerError as error:
            trouble = f"the report did not get through: {error}"
        if sent is None:
            self._failed(trouble)
            return False
        self._succeeded(*sent)
        return True

    def _succeeded(self, facts: report.Facts, reply: api_client.Reply) -> None:
        self._urgent = False
        self._survey.told(facts, reply.claimed)
        now = self._clock.monotonic()
        self._schedule.succeeded(now, reply.interval)
        if self._trouble or not self._heard:
            LOG.info(
                "reports get through%s", " again" if self._trouble else ""
            )
        self._trouble, self._heard = "", True
        LOG.debug("the report was taken; claimed: %s", reply.claimed)
        if now >= self._probe_at:
            self._probe_at = now + self._nvml_interval
            self._survey.probe()

    def _failed(self, trouble: str) -> None:
        delay = self._schedule.failed(self._clock.monotonic())
        level: Callable[..., Any] = LOG.debug
        if trouble != self._trouble:
            level = LOG.warning
            self._trouble = trouble
        level("%s; trying again in %.0f s", trouble, delay)


def _stop(_number: int, _frame: types.FrameType | None) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise _Stop
