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
import time

import fixtures
import testtools

from gpubroker.agent import registers


class ReaderTest(testtools.TestCase):
    """A named pipe stands for a card that does not answer: whoever opens it
    waits, as a reader of a card under reset does."""

    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def card(self, name: str, config: bytes | None) -> str:
        folder = self.root / name
        folder.mkdir()
        if config is None:
            os.mkfifo(folder / "config")
        else:
            (folder / "config").write_bytes(config)
        (folder / "current_link_width").write_text("16\n")
        return str(folder)

    def test_reads_header_and_link(self) -> None:
        card = self.card("a", bytes(range(256)))
        found = registers.Reader(5).read([card])
        self.assertEqual(bytes(range(64)), found[card].header)
        self.assertEqual({"current_link_width": "16"}, found[card].files)

    def test_a_missing_file_is_none(self) -> None:
        card = self.card("a", b"x" * 64)
        os.unlink(f"{card}/config")
        os.unlink(f"{card}/current_link_width")
        found = registers.Reader(5).read([card, str(self.root / "gone")])
        self.assertIsNone(found[card].header)
        self.assertEqual({}, found[card].files)
        self.assertIsNone(found[str(self.root / "gone")].header)

    def test_a_card_that_hangs_costs_only_itself(self) -> None:
        well = self.card("well", b"x" * 64)
        hung = self.card("hung", None)
        reader = registers.Reader(1.5)
        # However long a busy machine takes to end a process.
        self.patch(registers, "_GRACE_SECONDS", 30.0)
        found = reader.read([hung, well])
        self.assertEqual([well], list(found))
        # A process that only sleeps can be killed; it is not left behind.
        self.assertEqual(frozenset(), reader.stuck)
        self.assertRaises(ChildProcessError, os.waitpid, -1, os.WNOHANG)

    def test_a_card_that_hangs_for_ever_is_left_alone(self) -> None:
        well = self.card("well", b"x" * 64)
        hung = self.card("hung", None)
        reader = _InTheKernel(1.0)
        self.assertEqual([well], list(reader.read([hung, well])))
        self.assertEqual(frozenset({hung}), reader.stuck)
        self.assertEqual([well], list(reader.read([hung, well])))
        self.assertEqual(1, reader.refused)
        # The card answers at last: whoever waits for it goes on.
        with open(f"{hung}/config", "wb") as config:
            config.write(b"y" * 64)
        until = time.monotonic() + 30
        while hung in reader.stuck:
            self.assertLess(time.monotonic(), until)
            reader.read([well])
        os.unlink(f"{hung}/config")
        pathlib.Path(hung, "config").write_bytes(b"z" * 64)
        self.assertEqual({hung, well}, set(reader.read([hung, well])))

    def test_no_pipe_is_left_open(self) -> None:
        card = self.card("a", b"x" * 64)
        reader = registers.Reader(5)
        reader.read([card])
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            reader.read([card])
        self.assertEqual(before, len(os.listdir("/proc/self/fd")))


class _InTheKernel(registers.Reader):
    """Its children wait where no signal reaches them."""

    refused = 0

    def _kill(self, pid: int) -> None:
        self.refused += 1
