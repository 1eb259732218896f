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


import datetime
import json
import os
import pathlib

import fixtures
import testtools

from gpubroker.agent import observations

AT = datetime.datetime(2026, 11, 2, 8, 0, 0, 123000, datetime.UTC)


def seen(
    number: int, code: int = 79, boot: str = "b1"
) -> observations.Observation:
    return observations.Observation(
        id=f"{boot}:{number}",
        kind="xid",
        pci_address="0000:07:00.0",
        code=code,
        text=f"line {number}",
        at=AT,
    )


class JournalTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = folder / "made" / "agent.json"
        self.journal = self.open()
        self.journal.begin("b1")

    def open(self) -> observations.Journal:
        return observations.Journal(self.path)

    def ids(self, journal: observations.Journal | None = None) -> list[str]:
        return [each.id for each in (journal or self.journal).observations]

    def test_a_restart_keeps_everything(self) -> None:
        self.journal.note(seen(5), 5)
        self.journal.note(seen(9), 9)
        self.journal.told([seen(5)])
        self.journal.save()
        again = self.open()
        again.begin("b1")
        self.assertEqual(self.journal.observations, again.observations)
        self.assertEqual(9, again.sequence)
        self.assertEqual(["b1:5", "b1:9"], self.ids(again))

    def test_the_same_line_twice_is_one_observation(self) -> None:
        self.journal.note(seen(5), 5)
        self.journal.note(seen(5), 5)
        self.assertEqual(["b1:5"], self.ids())

    def test_a_reboot_forgets_what_was_told_only(self) -> None:
        self.journal.note(seen(1), 1)
        self.journal.note(seen(2), 2)
        self.journal.told([seen(1)])
        self.journal.save()
        again = self.open()
        again.begin("b2")
        self.assertEqual(["b1:2"], self.ids(again))
        self.assertEqual(-1, again.sequence)

    def test_counts_are_noted_when_they_grow(self) -> None:
        counter = "0000:07:00.0:fatal"
        note = self.journal.note_count
        self.assertIs(True, note(seen(100), counter, 1))
        self.assertIs(False, note(seen(100), counter, 1))
        self.journal.save()
        again = self.open()
        again.begin("b1")
        self.assertIs(False, again.note_count(seen(100), counter, 1))
        self.assertIs(True, again.note_count(seen(101), counter, 2))

    def test_a_storm_does_not_push_out_the_line_that_matters(self) -> None:
        self.journal.note(seen(0, code=79), 0)
        for number in range(1, 500):
            self.journal.note(seen(number, code=13), number)
        self.assertEqual(observations.MOST, len(self.ids()))
        self.assertEqual("b1:0", self.ids()[0])
        self.assertEqual("b1:499", self.ids()[-1])
        self.assertEqual(499, self.journal.sequence)

    def test_what_was_told_goes_first(self) -> None:
        for number in range(observations.MOST):
            self.journal.note(seen(number, code=number), number)
        self.journal.told([seen(7, code=7)])
        self.journal.note(seen(1000, code=13), 1000)
        self.assertNotIn("b1:7", self.ids())
        self.assertEqual(observations.MOST, len(self.ids()))

    def test_a_damaged_file_is_a_fresh_start(self) -> None:
        self.journal.note(seen(5), 5)
        self.journal.save()
        whole = self.path.read_text()
        damaged = [whole[:-20], "", "[]", "null", '{"boot_id": 1}', "\x00"]
        damaged.append(json.dumps({**json.loads(whole), "observations": [1]}))
        damaged.append(json.dumps({**json.loads(whole), "counts": []}))
        for text in damaged:
            self.path.write_text(text)
            self.assertEqual([], self.ids(self.open()), text)

    def test_a_folder_that_can_not_be_written_is_a_problem(self) -> None:
        self.path.mkdir(parents=True)
        self.journal.note(seen(5), 5)
        self.journal.save()
        self.assertIn(str(self.path), self.journal.problem or "")
        self.assertEqual(["b1:5"], self.ids())
        self.assertEqual([self.path], list(self.path.parent.iterdir()))
        self.path.rmdir()
        self.journal.save()
        self.assertIsNone(self.journal.problem)

    def test_nothing_is_written_when_nothing_has_changed(self) -> None:
        self.journal.note(seen(5), 5)
        self.journal.save()
        os.unlink(self.path)
        self.journal.told([])
        self.journal.save()
        self.assertFalse(self.path.exists())


class TextTest(testtools.TestCase):
    def test_times_are_utc(self) -> None:
        self.assertEqual("2026-11-02T08:00:00.123Z", seen(1).as_json()["at"])

    def test_a_line_becomes_fit_to_print(self) -> None:
        self.assertEqual("a b c", observations.printable(" a\x00b\x1bc\x7f\n"))
        self.assertEqual(500, len(observations.printable("x" * 9999)))
