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


"""What the documents say about the rules is what the rules are."""

from __future__ import annotations

import ast
import csv
import enum
import pathlib
import re

import testtools

from gpubroker import conf
from gpubroker import versions
from gpubroker.audit import checks
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import health
from gpubroker.domain import leases

SOURCE = pathlib.Path(__file__).resolve().parents[3] / "doc" / "source"


def terms(text: str) -> list[str]:
    """The terms of the definition lists on a page: ````term````."""
    return re.findall(r"^``(\w+)``$", text, re.M)


class LeasesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.page = (SOURCE / "reference/leases.rst").read_text()

    def test_table_of_moves(self) -> None:
        with open(SOURCE / "reference/lease-moves.csv", newline="") as text:
            rows = list(csv.DictReader(text))
        told = [(r["State"], r["Next state"], r["Target"]) for r in rows]
        moves = {
            (str(state), str(after), str(target))
            for state, ways in leases.MOVES.items()
            for after, target in ways
        }
        self.assertEqual(moves, set(told))
        self.assertEqual(len(moves), len(told))
        self.assertTrue(all(row["When"] for row in rows))

    def test_every_state_and_every_end_is_explained(self) -> None:
        words: list[type[enum.StrEnum]] = [leases.State, leases.EndCause]
        self.assertEqual(
            [str(member) for word in words for member in word],
            terms(self.page),
        )

    def test_final_states(self) -> None:
        final = re.search(r"``(\w+)`` and ``(\w+)`` are final", self.page)
        assert final is not None
        self.assertEqual(set(leases.FINAL), set(final.groups()))


class FencesTest(testtools.TestCase):
    def test_every_reason_is_explained(self) -> None:
        page = (SOURCE / "admin/fences.rst").read_text()
        told = re.findall(r"^   \* - ``(\w+)``$", page, re.M)
        self.assertEqual([str(reason) for reason in fences.Reason], told)


class HealthTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.page = (SOURCE / "admin/health.rst").read_text()

    def test_every_rule_that_fences_is_told(self) -> None:
        told = re.findall(r"^   \* - ``([a-z_0-9]+)``$", self.page, re.M)
        self.assertEqual(sorted(health.BAD_RULES), sorted(told))

    def test_every_health_is_told(self) -> None:
        told = re.findall(r"^   \* - ``([A-Z]+)``$", self.page, re.M)
        self.assertEqual([str(one) for one in devices.Health], told)

    def test_xids_that_are_called_harmless_are(self) -> None:
        said = re.search(r"\(([0-9, ]+), \.\.\.\) change nothing", self.page)
        assert said is not None
        self.assertLessEqual(
            {int(code) for code in said[1].split(", ")}, health.QUIET_XIDS
        )


class AuditTest(testtools.TestCase):
    def test_every_finding_is_told_under_its_severity(self) -> None:
        page = (SOURCE / "admin/audit.rst").read_text()
        told: dict[str, set[str]] = {"error": set(), "warning": set()}
        kind = ""
        for line in page.splitlines():
            if line in ("Errors", "Warnings", "Notes"):
                kind = line.lower().removesuffix("s")
            elif code := re.match(r"   \* - ``([a-z-]+)``$", line):
                told.setdefault(kind, set()).add(code[1])
        self.assertEqual(_findings(), told)


def _findings() -> dict[str, set[str]]:
    """Severity -> the codes of what the auditor may find."""
    found: dict[str, set[str]] = {}
    folder = pathlib.Path(checks.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func.value) == "findings"
                and node.func.attr in ("error", "warning", "note")
            ):
                code = ast.literal_eval(node.args[0])
                found.setdefault(node.func.attr, set()).add(code)
    return found


class OptionsTest(testtools.TestCase):
    def test_options_that_the_documents_name_exist(self) -> None:
        known = {
            group: {option.dest for option in options}
            for group, options in conf.list_opts()
            if options
        }
        named = {
            (group, option)
            for page in SOURCE.rglob("*.rst")
            for group, option in re.findall(
                r"``\[(\w+)\]\s+(\w+)", page.read_text()
            )
            if group in known
        }
        self.assertGreater(len(named), 5)
        self.assertEqual(
            set(), {(g, o) for g, o in named if o not in known[g]}
        )


class VersionsTest(testtools.TestCase):
    def test_every_microversion_has_a_section(self) -> None:
        page = (SOURCE / "reference/rest_api_version_history.rst").read_text()
        told = re.findall(r"^(\d+\.\d+)\n=+$", page, re.M)
        self.assertEqual(versions.VERSIONS, told)
