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
"""What the panels say of facts of the service."""

from __future__ import annotations

import datetime

import testtools

from tests.functional.dashboard import base


class WordsTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        base.horizon()

    def test_what_to_try_goes_by_the_reason(self) -> None:
        from gpubroker.dashboard.content.leases import advice

        for reason, words in (
            ("Quota exceeded for instances: Requested 1", "more quota"),
            ("No more IP addresses available on network x", "another network"),
            ("Identity lost: the start took too long.", "single sign-on"),
            ("The server did not come up.", "another image"),
            ("Something new", "give the operators the id"),
        ):
            self.assertIn(words, advice.after_failure(reason))

    def test_every_reason_of_an_offer_has_words(self) -> None:
        from gpubroker.dashboard.words import offers
        from gpubroker.domain import reasons

        # What keeps an order back, and no card out of an offer.
        others = {reasons.Why.RETRY}
        for why in set(reasons.Why) - others:
            entry = {"reason": why.value, "gpus": 2, "detail": "as it came"}
            self.assertNotEqual("as it came", offers.blocked(entry, 4), why)
        entry = {"reason": "new", "gpus": 1, "detail": "as it came"}
        self.assertEqual("as it came", offers.blocked(entry, 1))

    def test_every_state_of_a_lease_has_words(self) -> None:
        from gpubroker.dashboard.content.leases import rules
        from gpubroker.dashboard.words import leases as words
        from gpubroker.domain import leases

        self.assertEqual(set(leases.State), set(words.STATES))
        self.assertEqual(set(leases.State), {*rules.LIVING, *rules.OVER})

    def test_times_have_their_zone(self) -> None:
        from django.utils import timezone

        from gpubroker.dashboard.words import times

        zone = datetime.timezone(datetime.timedelta(hours=9), "JST")
        with timezone.override(zone):
            self.assertEqual(
                "Dec. 1, 2026, 5 p.m. JST",
                times.moment("2026-12-01T08:00:00Z"),
            )
        self.assertEqual("", times.moment(None))
