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

from __future__ import annotations

import json

import testtools

from gpubroker.audit import looking
from gpubroker.audit import report
from tests.unit.audit import builders


class LookingTwice(testtools.TestCase):
    """What is found only once was on its way."""

    def setUp(self) -> None:
        super().setUp()
        self.slept: list[float] = []
        self.told: list[str] = []

    def audit(self, *looks: builders.Small, grace: float = 60):
        left = iter(looks)
        found = looking.audit(
            lambda: next(left).snapshot(),
            builders.Small.patience(grace),
            self.slept.append,
            self.told.append,
        )
        self.assertEqual([], list(left), "every look was taken")
        return [f.code for f in found.found if f.code != "cards-used-around"]

    def spoiled(self, kind, name, **changes):
        small = builders.Small()
        small.change(kind, name, **changes)
        return small

    def test_a_clean_cloud_is_looked_at_once(self):
        self.assertEqual([], self.audit(builders.Small()))
        self.assertEqual([], self.slept)

    def test_what_is_found_twice_is_told(self):
        open_card = self.spoiled("cards", "g1-0", reserved=0)
        found = self.audit(open_card, open_card)
        self.assertEqual(["fence-open"], found)

    def test_a_cell_that_was_down_in_one_of_two_looks_is_told(self):
        """What was found, or would have been, may have been in it."""
        cell_down = self.spoiled("services", "g1", hidden=True)
        closed = self.spoiled("cards", "g1-4", reserved=1)
        closed_then = self.spoiled("services", "g1", hidden=True)
        closed_then.change("cards", "g1-4", reserved=1)
        for first, second, found in (
            (closed_then, builders.Small(), ["cell-down"]),
            (closed, cell_down, ["cell-down"]),
            (closed, closed_then, ["cell-down", "fence-unknown"]),
        ):
            self.assertEqual(found, sorted(self.audit(first, second)))

    def test_what_is_found_once_is_not(self):
        closed = self.spoiled("cards", "g1-4", reserved=1)
        self.assertEqual([], self.audit(closed, builders.Small()))
        self.assertEqual([60.0], self.slept, "nobody knows how old it is")
        self.assertIn("1 found at first", self.told[0])

    def test_nor_what_came_meanwhile(self):
        closed = self.spoiled("cards", "g1-4", reserved=1)
        other = self.spoiled("cards", "g2-1", reserved=1)
        self.assertEqual([], self.audit(closed, other))

    def test_what_is_known_to_be_old_needs_no_long_wait(self):
        gone = self.spoiled("servers", "run", status="ERROR")
        self.assertEqual(["lease-server-error"], self.audit(gone, gone))
        self.assertEqual([2.0], self.slept)

    def test_what_may_have_begun_just_now_is_waited_for(self):
        """The lease is old; its server may be gone for a second."""
        gone = self.spoiled("servers", "run", status="DELETED")
        self.assertEqual(["lease-server-gone"], self.audit(gone, gone))
        self.assertEqual([60.0], self.slept)

    def test_without_a_grace_the_second_look_comes_soon(self):
        closed = self.spoiled("cards", "g1-4", reserved=1)
        found = self.audit(closed, closed, grace=0)
        self.assertEqual(["fence-unknown"], found)
        self.assertEqual([2.0], self.slept)

    def test_what_can_not_be_on_its_way_needs_one_look(self):
        flavor = self.spoiled(
            "flavors",
            "plain",
            extra_specs={"pci_passthrough:alias": "a100:1"},
        )
        self.assertEqual(["flavor-around"], self.audit(flavor))


class Report(testtools.TestCase):
    def audit(self) -> looking.Audit:
        small = builders.Small()
        small.change("services", "g1", up=False)
        small.change("servers", "run", status="ERROR")
        small.change("devices", "g1-2", lease_id=None, claimed=False)
        return looking.Audit(small.snapshot(), tuple(small.everything()))

    def test_text_is_grouped_by_severity(self):
        lines = report.text(self.audit(), 1.26).splitlines()
        self.assertEqual(
            ["Errors", "Notes"],
            [line for line in lines if line and not line.startswith(" ")][:-1],
        )
        codes = [line.split(":")[0].strip() for line in lines if ": " in line]
        self.assertLess(
            codes.index("claim-lost"), codes.index("lease-server-error")
        )
        self.assertEqual(
            "2 errors, 0 warnings, 2 notes; looked at 3 leases, 3 servers, "
            "7 cards, 2 hosts, 2 flavors, 2 trusts, 2 tickets, 1 port in "
            "1.3 s.",
            lines[-1],
        )

    def test_json_tells_the_same(self):
        found = json.loads(report.as_json(self.audit(), 1.26))
        self.assertEqual(
            {"error": 2, "warning": 0, "note": 2}, found["counts"]
        )
        first = found["findings"][0]
        self.assertEqual("claim-lost", first["code"])
        self.assertEqual("error", first["severity"])
        self.assertEqual(["device-g1-2", "go"], first["about"])
        self.assertTrue(first["sentence"] and first["advice"])
        self.assertEqual(7, found["looked_at"]["card"])
