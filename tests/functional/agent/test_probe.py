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


"""The unmodified binding, in a process of its own, against the library that
is compiled here."""

import ctypes
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import fixtures
import pynvml
import testtools

from sandbox import errors
from sandbox.simulator import nvml
from tests.fixtures import simulated_host

FIRST = "0000:07:00.0"

# NVIDIA's nvml.h; version words are made of them.
SIZES = {
    "nvmlPciInfo_t": 68,
    "c_nvmlMemory_v2_t": 40,
    "c_nvmlFieldValue_t": 40,
    "c_nvmlEventData_t": 32,
    "c_nvmlTemperature_v1_t": 12,
    "c_nvmlEccSramErrorStatus_v1_t": 104,
    "c_nvmlGpuFabricInfo_v3_t": 40,
    "c_nvmlProcessInfo_v3_t": 24,
    "c_nvmlRowRemapperHistogramValues": 20,
    "c_nvmlGpuInstanceProfileInfo_v2_t": 152,
}


class BindingTest(testtools.TestCase):
    def test_structures_are_those_that_the_library_is_compiled_with(
        self,
    ) -> None:
        for name, size in SIZES.items():
            structure = getattr(pynvml, name, None)
            self.assertIsNotNone(structure, name)
            self.assertEqual(size, ctypes.sizeof(structure), name)


class CompilerTest(testtools.TestCase):
    def test_no_compiler_is_a_failure_that_says_what_to_install(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable("PATH", str(folder)))
        error = self.assertRaises(
            errors.SandboxError, nvml.compile_library, folder / nvml.SONAME
        )
        self.assertIn("install gcc", str(error))

    def test_a_source_without_warnings(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            strict = ["-Wall", "-Wextra", "-Werror", "-O1"]
            target = ["-shared", "-fPIC", "-o", f"{folder}/x.so"]
            done = subprocess.run(
                ["cc", *strict, *target, str(nvml.SOURCE)],
                capture_output=True,
                text=True,
            )
        self.assertEqual((0, ""), (done.returncode, done.stderr))


class ProbeTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.simulated = self.useFixture(simulated_host.SimulatedHost())
        self.host = self.simulated.host

    def probe(
        self, *addresses: str, library: str | None = None
    ) -> list[dict[str, object]]:
        path = library or str(self.host.library.path)
        module = [sys.executable, "-m", "gpubroker.agent.nvml_probe"]
        done = subprocess.run(
            [*module, "--library", path, *addresses],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_what_a_card_says(self) -> None:
        card = self.host.cards[0]
        self.assertEqual(
            [
                {"begin": FIRST},
                {
                    "card": FIRST,
                    "serial": card.serial,
                    "uuid": card.uuid,
                    "name": card.name,
                    "memory_mib": 81920,
                    "errors": [],
                },
                {"end": True},
            ],
            self.probe(FIRST),
        )

    def test_nothing_but_the_given_cards_is_touched(self) -> None:
        self.probe(FIRST)
        touched = {address for _call, address in self.host.library.calls()}
        self.assertEqual({"-", FIRST}, touched)

    def test_a_lost_card_is_asked_once(self) -> None:
        self.host.fall_off_bus(FIRST)
        (_begin, said, _end) = self.probe(FIRST)
        self.assertEqual(
            [["nvmlDeviceGetHandleByPciBusId", 15]], said["errors"]
        )

    def test_a_card_that_is_lost_on_the_way(self) -> None:
        self.host.nvml_error(FIRST, "nvmlDeviceGetUUID", 15)
        (_begin, said, _end) = self.probe(FIRST)
        self.assertEqual([["nvmlDeviceGetUUID", 15]], said["errors"])
        self.assertIsNotNone(said["serial"])
        self.assertIsNone(said["name"])

    def test_a_card_that_the_driver_does_not_have(self) -> None:
        self.host.set_driver(FIRST, "vfio-pci")
        (_begin, said, _end) = self.probe(FIRST)
        self.assertEqual(
            [["nvmlDeviceGetHandleByPciBusId", 6]], said["errors"]
        )

    def test_an_old_driver_knows_the_old_way_only(self) -> None:
        self.host.nvml_error(FIRST, "nvmlDeviceGetMemoryInfo_v2", 13)
        (_begin, said, _end) = self.probe(FIRST)
        self.assertEqual((81920, []), (said["memory_mib"], said["errors"]))

    def test_a_serial_number_that_is_not_text(self) -> None:
        state = self.simulated.folder / "nvml" / "state"
        lines = state.read_bytes().replace(
            self.host.cards[0].serial.encode(), b"\xff\xfe"
        )
        state.write_bytes(lines)
        (_begin, said, _end) = self.probe(FIRST)
        self.assertIsNone(said["serial"])
        self.assertIsNotNone(said["uuid"])

    def test_no_card_bound_means_no_driver(self) -> None:
        for card in self.host.cards:
            self.host.set_driver(card.address, None)
        (host, _end) = self.probe(FIRST)
        self.assertEqual(["nvmlInit", 9, "driver not loaded"], host["host"])

    def test_a_library_of_another_name_is_not_taken_for_it(self) -> None:
        other = str(self.simulated.folder / "libother.so")
        source = str(self.simulated.folder / "other.c")
        pathlib.Path(source).write_text("int other;\n")
        # What the test needs of a linker: another SONAME.
        soname = "-Wl,-soname,libother.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", soname, "-o", other, source],
            check=True,
        )
        (host, _end) = self.probe(FIRST, library=other)
        self.assertIn("dlopen", str(host["host"]))
        self.assertEqual([], self.host.library.calls())

    def test_a_crash_leaves_what_was_said_before(self) -> None:
        second = self.host.cards[1].address
        self.host.inject("crash", "nvmlDeviceGetSerial", second, 1)
        said = self.probe(FIRST, second)
        self.assertEqual({"begin": second}, said[-1])
        self.assertEqual(FIRST, said[1]["card"])
        self.assertFalse(os.path.exists("core"))
