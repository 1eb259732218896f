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


import contextlib
import io
import json
import pathlib

import fixtures
import testtools

from sandbox import hardware
from sandbox import layout as layouts
from sandbox.simulator import __main__ as command
from sandbox.simulator import host as hosts
from tests.fixtures import simulated_host

FIRST = "0000:07:00.0"


class HostTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        simulated = self.useFixture(simulated_host.SimulatedHost())
        self.folder = simulated.folder
        self.host = simulated.host

    def lines(self) -> list[str]:
        text = self.host.kernel_log.read_text()
        return [line.partition(";")[2] for line in text.splitlines()]

    def config(self) -> bytes:
        return (self.host.sysfs.folder(FIRST) / "config").read_bytes()

    def test_faults_outlive_the_process_that_made_them(self) -> None:
        self.host.fall_off_bus(FIRST)
        self.assertEqual({0xFF}, set(self.config()))
        hosts.SimulatedHost(self.folder).restore(FIRST)
        self.assertEqual(b"\xde\x10\xb2\x20", self.config()[:4])
        state = (self.folder / "nvml" / "state").read_text()
        self.assertNotIn(".err=", state)

    def test_what_the_kernel_says_depends_on_the_driver(self) -> None:
        self.host.fall_off_bus(FIRST)
        self.assertIn("NVRM: Xid (PCI:0000:07:00): 79,", self.lines()[-2])
        second = self.host.cards[1].address
        self.host.set_driver(second, "vfio-pci")
        self.host.fall_off_bus(second)
        self.assertTrue(self.lines()[-1].startswith(f"vfio-pci {second}:"))

    def test_sequence_numbers_are_never_used_twice(self) -> None:
        for _ in range(3):
            self.host.log("x")
        self.host.rotate_kernel_log()
        self.host.log("y")
        (line,) = self.host.kernel_log.read_text().splitlines()
        self.assertEqual("4", line.split(",")[1])

    def test_a_reboot_mends_and_forgets(self) -> None:
        before = (self.host.proc / "sys/kernel/random/boot_id").read_text()
        self.host.remove(FIRST)
        self.host.set_driver(self.host.cards[1].address, None)
        self.host.reboot()
        self.assertEqual([], self.host.removed)
        self.assertEqual({"nvidia"}, set(self.host.drivers.values()))
        self.assertEqual(1, len(self.lines()))
        after = (self.host.proc / "sys/kernel/random/boot_id").read_text()
        self.assertNotEqual(before, after)

    def test_a_card_that_is_not_there(self) -> None:
        for act in (
            self.host.fall_off_bus,
            self.host.remove,
            self.host.restore,
        ):
            self.assertRaises(FileNotFoundError, act, "0000:ff:00.0")


class CommandTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.host = hosts.SimulatedHost(
            self.folder / "data" / "hosts" / "gpu-l40s-1"
        )

    def run_command(self, *words: str, host: str = "gpu-l40s-1") -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = command.main(
                ["--state", str(self.folder), "--host", host, *words]
            )
        self.assertEqual(0, status)
        return said.getvalue()

    def refused(self, *words: str, host: str = "gpu-l40s-1") -> str:
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = command.main(
                ["--state", str(self.folder), "--host", host, *words]
            )
        self.assertEqual(2, status)
        return said.getvalue()

    def test_every_fault_from_a_shell(self) -> None:
        self.run_command("build")
        card = hardware.host("gpu-l40s-1").gpus[0]
        self.run_command("xid", card.address, "79")
        self.run_command("log", "hello")
        self.run_command("driver", card.address, "none")
        self.run_command("fall-off-bus", card.address)
        self.run_command("restore", card.address)
        self.run_command("remove", card.address)
        shown = self.run_command("show")
        self.assertIn(f"{card.address}  NVIDIA L40S", shown)
        self.assertIn(f"{card.serial}  removed", shown)
        self.assertEqual(4, len(shown.splitlines()))
        self.run_command("restore", card.address)
        self.run_command("nvml", "err", "nvmlInit", "9")
        self.run_command(
            "nvml", "err", "nvmlDeviceGetUUID", "15", "--card", card.address
        )
        state = (self.host.folder / "nvml" / "state").read_text()
        self.assertIn("\nerr.nvmlInit=9\n", state)
        self.assertIn("\n0.err.nvmlDeviceGetUUID=15\n", state)
        self.run_command("nvml-clear")
        self.run_command("reboot")
        log = self.host.kernel_log.read_text()
        self.assertNotIn("Xid", log)

    def test_nova_sees_what_is_plugged_in(self) -> None:
        self.run_command("build")
        layout = layouts.Layout.at(self.folder)
        hardware.write(layout)
        path = hardware.hardware_file(layout, "gpu-l40s-1")

        def addresses() -> list[str]:
            return [
                gpu["address"] for gpu in json.loads(path.read_text())["gpus"]
            ]

        before = addresses()
        self.run_command("fall-off-bus", before[0])
        self.assertEqual(before, addresses())
        self.run_command("remove", before[0])
        self.assertEqual(before[1:], addresses())
        self.run_command("restore", before[0])
        self.assertEqual(before, addresses())

    def test_a_host_that_is_not_there(self) -> None:
        self.assertIn("no simulated host", self.refused("show"))
        self.assertIn("gpu-a100-1", self.refused("build", host="nobody"))

    def test_a_card_that_is_not_there(self) -> None:
        self.run_command("build")
        self.assertIn("ff", self.refused("fall-off-bus", "0000:ff:00.0"))
