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

"""How old a thing must be, and what rests on an old event."""

from __future__ import annotations

import datetime

import testtools

from gpubroker import errors
from gpubroker.domain import purge


def told(**fields: object) -> purge.Told:
    return purge.Told(
        **{"id": 1, "of_lease": False, "last": False, **fields}  # type: ignore[arg-type]
    )


class AgeTest(testtools.TestCase):
    def test_hours_days_and_weeks(self) -> None:
        for text, days in (("48h", 2), ("90d", 90), ("2w", 14), ("1d", 1)):
            self.assertEqual(datetime.timedelta(days=days), purge.age(text))

    def test_what_is_no_age_or_too_young(self) -> None:
        for text in ("", "90", "d", "-1d", "1.5d", "90 d", "٣d", "1m", "1y"):
            found = self.assertRaises(errors.Invalid, purge.age, text)
            self.assertIn("90d", found.message, text)
        for text in ("0d", "23h", "0w"):
            found = self.assertRaises(errors.Invalid, purge.age, text)
            self.assertIn("less than a day", found.message)

    def test_no_age_is_too_great_to_reckon_with(self) -> None:
        now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        self.assertLess(now - purge.age("99999w"), now)


class EventTest(testtools.TestCase):
    def test_what_rests_on_nothing_goes(self) -> None:
        self.assertTrue(purge.may_go(told(), {"b"}))
        seen = told(observations=("a:1", "a:2"))
        self.assertTrue(purge.may_go(seen, {"b"}))

    def test_what_something_rests_on_stays(self) -> None:
        for fields in (
            {"of_lease": True},
            {"last": True},
            {"observations": ("a:1", "b:2")},
        ):
            self.assertFalse(purge.may_go(told(**fields), {"b"}), fields)


class SumTest(testtools.TestCase):
    def test_every_number_is_added_and_none_forgotten(self) -> None:
        kept = purge.Over(key=1, id="x", left="y")
        one = purge.Purged(
            leases=1,
            nodes=2,
            steps=3,
            lease_events=4,
            other_events=5,
            failures=6,
            projects=7,
            kept=(kept,),
        )
        self.assertEqual(one, purge.Purged() + one)
        self.assertEqual((8, (kept, kept)), (2 * 4, (one + one).kept))
        self.assertEqual(14, (one + one).projects)
