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


"""What an agent costs its host, and how fast it tells a fault.

``python -m benchmarks.agent [--seconds 60]`` runs the real agent on a
simulated host with 8 GPUs against a played API and prints, with the budget
beside it: resident memory, the share of one core between two probes with
reports every 30 s, what one report and one probe of 8 cards cost, handles on
cards between probes, and the time from a fatal line in the kernel log to the
request at the API. Exits 1 when a budget is exceeded.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import sys
import time
from collections.abc import Callable

import fixtures

from benchmarks import figures
from tests.fixtures import agent_process
from tests.fixtures import report_api
from tests.fixtures import simulated_host

CARD = "0000:07:00.0"
LAST = "0000:cb:00.0"

_TICKS = os.sysconf("SC_CLK_TCK")


class Run(fixtures.Fixture):
    """An agent at work on a host with 8 GPUs."""

    def __init__(self, **options: object) -> None:
        self._options = options

    def _setUp(self) -> None:
        self.simulated = self.useFixture(simulated_host.SimulatedHost())
        self.api = self.useFixture(report_api.ReportApi())
        self.agent = self.useFixture(
            agent_process.AgentProcess(
                self.simulated, self.api.auth_options, **self._options
            )
        )

    def start(self) -> None:
        """Return when the first probe is over and reported."""
        self.agent.start()
        self.api.wait_for(lambda report: report.device(LAST)["serial"], 60)
        while self.agent.children():
            time.sleep(0.1)

    def cpu_seconds(self) -> float:
        """Its own and that of its children that have ended."""
        path = pathlib.Path(f"/proc/{self.agent.pid}/stat")
        fields = path.read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / _TICKS

    def xid(self, code: int) -> None:
        """Let a card have an error of this number."""
        self.simulated.host.xid(CARD, code)

    def memory_mib(self, name: str) -> float:
        path = pathlib.Path(f"/proc/{self.agent.pid}/status")
        for line in path.read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
        raise LookupError(name)


def at_rest(seconds: float) -> list[figures.Figure]:
    """Memory, handles and CPU with reports every 30 s and no probe."""
    with Run(interval=30, nvml_interval=3600) as run:
        run.api.interval = 30
        run.start()
        return rest(run, seconds)


def rest(run: Run, seconds: float) -> list[figures.Figure]:
    began, cpu = time.monotonic(), run.cpu_seconds()
    handles = 0
    while time.monotonic() - began < seconds:
        time.sleep(1)
        handles = max(handles, len(run.agent.holders()))
    share = (run.cpu_seconds() - cpu) / (time.monotonic() - began)
    return [
        figures.Figure("resident memory", run.memory_mib("VmRSS"), "MiB", 60),
        figures.Figure(
            "resident memory, peak", run.memory_mib("VmHWM"), "MiB"
        ),
        figures.Figure("CPU between probes", 100 * share, "% of a core", 0.5),
        figures.Figure("handles on a GPU between probes", handles, "", 0),
    ]


def cost(what: str, count: int, run: Run) -> figures.Figure:
    """CPU of one report, or of one report and the probe after it."""
    with run:
        run.api.interval = 1
        run.start()
        run.api.forget()
        cpu = run.cpu_seconds()
        run.api.wait_for(lambda _report: len(run.api.reports) >= count, 300)
        spent = (run.cpu_seconds() - cpu) / len(run.api.reports)
        return figures.Figure(what, 1000 * spent, "ms CPU")


def fatal_line(count: int, run: Run) -> list[figures.Figure]:
    """From the line in the kernel log to the request."""
    with run:
        run.start()
        found = []
        for number in range(count):
            time.sleep(0.7 + 0.03 * number)
            code = 1000 + number
            began = time.monotonic()
            run.xid(code)
            found.append(run.api.wait_for(_has(code)).at - began)
        return [
            figures.Figure(
                "fatal line to report, median",
                1000 * statistics.median(found),
                "ms",
            ),
            figures.Figure(
                "fatal line to report, worst", 1000 * max(found), "ms", 1000
            ),
        ]


def _has(code: int) -> Callable[[report_api.Report], bool]:
    return lambda report: code in report.codes


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    return figures.report(lambda: measure(seconds))


def measure(seconds: float) -> list[figures.Figure]:
    return [
        *at_rest(seconds),
        cost("one report of 8 GPUs", 20, Run(interval=1, nvml_interval=3600)),
        cost(
            "one report and one probe of 8 GPUs",
            10,
            Run(interval=1, nvml_interval=1),
        ),
        *fatal_line(20, Run(interval=30, nvml_interval=3600)),
    ]


if __name__ == "__main__":
    sys.exit(main())
