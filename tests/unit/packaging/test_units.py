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

"""The systemd units in ``etc/systemd`` are what systemd takes them for."""

from __future__ import annotations

import configparser
import pathlib
import re
import subprocess
import tomllib

import fixtures
import testscenarios
import testtools

from gpubroker import conf as configuration

ROOT = pathlib.Path(__file__).resolve().parents[3]
UNITS = sorted((ROOT / "etc" / "systemd").glob("*.service"))
PROGRAMS = "/opt/gpubroker/bin/"


def read(path: pathlib.Path) -> configparser.RawConfigParser:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    return unit


class UnitTest(testscenarios.WithScenarios, testtools.TestCase):
    scenarios = [(path.stem, {"path": path}) for path in UNITS]  # noqa: RUF012
    path: pathlib.Path

    def test_systemd_finds_nothing_wrong(self) -> None:
        # It looks whether the programs are there, too.
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        copy = folder / self.path.name
        copy.write_text(self.path.read_text().replace(PROGRAMS, "/bin/"))
        for name in ("gunicorn", "gpubroker-worker", "gpubroker-agent"):
            text = copy.read_text().replace(f"/bin/{name} ", "/bin/true ")
            copy.write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(copy)],
            capture_output=True,
            text=True,
        )
        said = [line for line in done.stderr.splitlines() if copy.name in line]
        self.assertEqual((0, []), (done.returncode, said), done.stderr)

    def test_program_is_ours_or_gunicorn(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        known = {*project["project"]["scripts"], "gunicorn"}
        program = read(self.path)["Service"]["ExecStart"].split()[0]
        self.assertEqual(PROGRAMS, program[: len(PROGRAMS)])
        self.assertIn(program[len(PROGRAMS) :], known)

    def test_documents_show_it(self) -> None:
        pages = (ROOT / "doc" / "source" / "install").glob("*.rst")
        text = "".join(page.read_text() for page in pages)
        self.assertIn(f"etc/systemd/{self.path.name}", text)

    def test_runs_as_nobody_else(self) -> None:
        service = read(self.path)["Service"]
        self.assertEqual("gpubroker", service["User"])
        self.assertEqual("yes", service["NoNewPrivileges"])
        self.assertEqual("strict", service["ProtectSystem"])


class UnitsTest(testtools.TestCase):
    def test_every_process_has_one(self) -> None:
        self.assertEqual(
            ["gpubroker-agent", "gpubroker-api", "gpubroker-worker"],
            [path.stem for path in UNITS],
        )

    def test_worker_has_time_to_drain(self) -> None:
        conf = configuration.load([], files=[])
        service = self._service("worker")
        # cotyledon itself gives its children a minute.
        given = int(service["TimeoutStopSec"])
        self.assertTrue(max(60, conf.worker.drain_seconds) < given)
        self.assertEqual("mixed", service["KillMode"])

    def test_only_what_says_so_is_waited_for(self) -> None:
        """gunicorn tells systemd that it is ready; ours do not."""
        types = {
            name: self._service(name)["Type"]
            for name in ("api", "worker", "agent")
        }
        self.assertEqual(
            {"api": "notify", "worker": "exec", "agent": "exec"}, types
        )
        sources = "".join(
            path.read_text() for path in (ROOT / "gpubroker").rglob("*.py")
        )
        self.assertNotIn("NOTIFY_SOCKET", sources)

    def test_agent_keeps_what_it_looks_at(self) -> None:
        text = (
            ROOT / "etc" / "systemd" / "gpubroker-agent.service"
        ).read_text()
        set_ = set(re.findall(r"^(\w+)=", text, re.M))
        taken_away = {"PrivateDevices", "ProtectKernelLogs", "ProcSubset"}
        self.assertEqual(set(), set_ & taken_away)
        self.assertIn("DeviceAllow=/dev/kmsg r\n", text)
        self.assertIn("CapabilityBoundingSet=CAP_SYSLOG\n", text)

    def _service(self, name: str) -> configparser.SectionProxy:
        path = ROOT / "etc" / "systemd" / f"gpubroker-{name}.service"
        return read(path)["Service"]
