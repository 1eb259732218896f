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


import os
import pathlib
import socket

import fixtures
import testtools

from gpubroker.agent import kernel_log


class FileTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = folder / "kmsg"
        self.log = kernel_log.KernelLog(str(self.path))
        self.addCleanup(self.log.close)

    def write(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        with open(self.path, "ab") as file:
            file.write(data)

    def texts(self) -> list[str]:
        return [record.text for record in self.log.read()]

    def test_records_and_what_comes_later(self) -> None:
        self.write("6,10,5000,-;first\n4,11,6000,-,caller=T1;second; half\n")
        self.assertEqual(
            [
                kernel_log.Record(10, 5000, "first"),
                kernel_log.Record(11, 6000, "second; half"),
            ],
            self.log.read(),
        )
        self.assertEqual([], self.log.read())
        self.write("4,12,7000,-;third\n")
        self.assertEqual(["third"], self.texts())

    def test_a_record_that_is_still_being_written(self) -> None:
        self.write("4,1,1,-;ha")
        self.assertEqual([], self.texts())
        self.write("lf\n")
        self.assertEqual(["half"], self.texts())

    def test_second_parts_and_damage_are_left_out(self) -> None:
        self.write("4,1,1,-;one\n SUBSYSTEM=pci\n DEVICE=+pci:0000:07:00.0\n")
        self.write(b"\xff\xfe\n;\n4;x\n4,a,b,-;x\n\n4,2,2,-;\xfftwo\n")
        self.assertEqual(["one", "\N{REPLACEMENT CHARACTER}two"], self.texts())

    def test_rotation_loses_nothing(self) -> None:
        self.write("4,1,1,-;one\n")
        self.assertEqual(["one"], self.texts())
        self.write("4,2,2,-;two\n")
        self.path.rename(self.path.with_suffix(".1"))
        self.write("4,3,3,-;three\n")
        self.assertEqual(["two", "three"], self.texts())

    def test_between_two_files(self) -> None:
        self.write("4,1,1,-;one\n")
        self.texts()
        self.path.unlink()
        self.assertEqual([], self.texts())
        self.write("4,2,2,-;two\n")
        self.assertEqual(["two"], self.texts())

    def test_truncation_begins_anew(self) -> None:
        self.write("4,1,1,-;a long first record\n")
        self.texts()
        self.path.write_text("4,0,1,-;short\n")
        self.assertEqual(["short"], self.texts())

    def test_a_log_that_is_not_there_yet(self) -> None:
        self.assertEqual([], self.log.read())
        self.assertIn("No such file", self.log.problem or "")
        self.write("4,1,1,-;one\n")
        self.assertEqual(["one"], self.texts())
        self.assertIsNone(self.log.problem)

    def test_a_log_that_can_not_be_read(self) -> None:
        self.path.mkdir()
        self.assertEqual([], self.log.read())
        self.assertIn("Is a directory", self.log.problem or "")

    def test_a_plain_file_can_not_be_waited_for(self) -> None:
        self.write("4,1,1,-;one\n")
        self.log.read()
        self.assertIsNone(self.log.fileno())


class DeviceTest(testtools.TestCase):
    """A real ring of records needs the kernel; what it does is told in the
    documentation of /dev/kmsg, and played here where it can be."""

    def test_a_stream_can_be_waited_for(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        os.mkfifo(folder / "kmsg")
        log = kernel_log.KernelLog(str(folder / "kmsg"))
        self.addCleanup(log.close)
        self.assertEqual([], log.read())
        with open(folder / "kmsg", "wb") as writer:
            writer.write(b"4,7,1,-;one\n")
        self.assertEqual([7], [record.sequence for record in log.read()])
        self.assertIsNotNone(log.fileno())

    def test_records_that_were_overwritten_are_counted(self) -> None:
        here, there = socket.socketpair()
        self.addCleanup(there.close)
        here.setblocking(False)
        log = _Overrun(here.detach())
        self.addCleanup(log.close)
        there.send(b"4,9,1,-;after the gap\n")
        self.assertEqual([9], [record.sequence for record in log.read()])
        self.assertEqual(1, log.overruns)
        self.assertIsNone(log.problem)


class _Overrun(kernel_log.KernelLog):
    """Reads from a socket, after one EPIPE as /dev/kmsg gives it."""

    def __init__(self, file: int) -> None:
        super().__init__("/dev/kmsg")
        self._file = file
        self._broken = True

    def _next_chunk(self, file: int) -> bytes:
        if self._broken:
            self._broken = False
            raise BrokenPipeError(32, "Broken pipe")
        return super()._next_chunk(file)
