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


"""What the agent does on this machine's own GPUs.

``python -m benchmarks.real_gpu [--seconds 60] [--report FILE]`` runs the real
agent on this machine's sysfs, kernel log and NVIDIA library against a played
API, as root, and prints what it costs here with the budget beside it. Every
GPU has to be told with serial number and UUID, and none may be held open
between two probes. With ``--faults`` it writes Xid lines of its own into this
machine's kernel log, where whatever else reads that log finds them too, and
prints how soon each was told. Needs at least one GPU that is bound to the
``nvidia`` driver and that nothing else uses; exits 2 where there is none.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import time
from collections.abc import Mapping
from typing import Any

import fixtures

from benchmarks import agent as simulated
from benchmarks import figures
from tests.fixtures import agent_process
from tests.fixtures import report_api

_NVIDIA = "nvidia"


class ThisMachine(fixtures.Fixture):
    """The machine itself, where a simulated host is used elsewhere."""

    device_files = "/dev/nvidia"

    def _setUp(self) -> None:
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def agent_options(self) -> Mapping[str, object]:
        return {}


class Run(simulated.Run):
    """An agent at work on this machine.

    :ivar first_probe: seconds from its start to the report with what the
        library said.
    """

    def _setUp(self) -> None:
        self.machine = self.useFixture(ThisMachine())
        self.api = self.useFixture(report_api.ReportApi())
        self.agent = self.useFixture(
            agent_process.AgentProcess(
                self.machine,
                self.api.auth_options,
                nvml_deadline=30,
                **self._options,
            )
        )

    def xid(self, code: int) -> None:
        address = _gpus(self.last.document)[0]["pci_address"]
        # The driver leaves the function away.
        where = address.rpartition(".")[0]
        # Nobody is shown a line without an end until the next one begins.
        line = f"NVRM: Xid (PCI:{where}): {code}, gpubroker benchmark\n"
        with open("/dev/kmsg", "w", encoding="ascii") as log:
            log.write(line)

    def start(self) -> None:
        began = time.monotonic()
        self.agent.start()
        self.last = self.api.wait_for(_told, 90)
        self.first_probe = self.last.at - began
        while self.agent.children():
            time.sleep(0.1)


def _told(report: report_api.Report) -> bool:
    cards = _gpus(report.document)
    return bool(cards) and all(card["uuid"] for card in cards)


def _gpus(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The cards that the library can be asked about."""
    return [card for card in document["devices"] if card["driver"] == _NVIDIA]


def measure(
    seconds: float, report: pathlib.Path | None, faults: bool
) -> list[figures.Figure]:
    found = [
        *_at_rest(seconds, report),
        simulated.cost(
            "one report", 20, run=Run(interval=1, nvml_interval=3600)
        ),
        simulated.cost(
            "one report and one probe", 5, run=Run(interval=1, nvml_interval=1)
        ),
    ]
    if faults:
        run = Run(interval=30, nvml_interval=3600)
        found += simulated.fatal_line(20, run)
    return found


def _at_rest(
    seconds: float, report: pathlib.Path | None
) -> list[figures.Figure]:
    with Run(interval=30, nvml_interval=3600) as run:
        run.api.interval = 30
        run.start()
        document = run.last.document
        if report is not None:
            report.write_text(json.dumps(document, indent=2), "utf-8")
        cards = _gpus(document)
        unnamed = sum(not card["serial"] for card in cards)
        return [
            figures.Figure("GPUs told", len(cards), ""),
            figures.Figure("GPUs without a serial number", unnamed, "", 0),
            figures.Figure(
                "conditions of the host", len(document["conditions"]), "", 0
            ),
            figures.Figure("start to first probe told", run.first_probe, "s"),
            *simulated.rest(run, seconds),
        ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--report", type=pathlib.Path, help="where to write what is told"
    )
    parser.add_argument(
        "--faults", action="store_true", help="write into the kernel log"
    )
    options = parser.parse_args()
    if not pathlib.Path("/proc/driver/nvidia/gpus").is_dir():
        print("no GPU here is bound to the nvidia driver", file=sys.stderr)
        return 2
    return figures.report(
        lambda: measure(options.seconds, options.report, options.faults)
    )


if __name__ == "__main__":
    sys.exit(main())
