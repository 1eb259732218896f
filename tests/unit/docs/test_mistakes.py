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

"""The table of what gpubroker-status finds, and that all of it was found."""

from __future__ import annotations

import csv
import itertools
import pathlib
import re

import testtools

from gpubroker.cmd import status_checks
from gpubroker.services.checks.mistakes import Mistake

ROOT = pathlib.Path(__file__).resolve().parents[3]

#: Where mistakes are planted, and what the command tells of them is read.
TESTS = ("tests/cloud", "tests/unit/cmd")


class MistakesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        table = ROOT / "doc/source/install/mistakes.csv"
        with open(table, newline="") as text:
            self.rows = list(csv.DictReader(text))

    def test_the_table_has_each_mistake_in_order(self) -> None:
        self.assertEqual(
            [str(mistake) for mistake in Mistake],
            [row["Mistake"] for row in self.rows],
        )
        self.assertTrue(all(all(row.values()) for row in self.rows))

    def test_the_table_has_the_rows_of_the_command_in_order(self) -> None:
        told = [
            title
            for title, _ in itertools.groupby(
                row["Check"] for row in self.rows
            )
        ]
        self.assertEqual([*status_checks.CHECKS, *status_checks.FILES], told)

    def test_each_is_told_by_one_place_in_the_code(self) -> None:
        text = self.sources("gpubroker/cmd", "gpubroker/services/checks")
        self.assertEqual(
            set(),
            {m for m in Mistake if f"Mistake.{m.name}" not in text},
        )

    def test_each_is_planted_and_told_by_the_command(self) -> None:
        text = self.sources(*TESTS)
        self.assertEqual(
            set(),
            {m for m in Mistake if f"Mistake.{m.name}" not in text},
        )

    @staticmethod
    def sources(*folders: str) -> str:
        return "\n".join(
            re.sub(r"\s+", " ", path.read_text())
            for folder in folders
            for path in sorted((ROOT / folder).rglob("*.py"))
            if path.name != "mistakes.py"
        )
