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

"""Who gets no answer asks again later and later."""

from __future__ import annotations

import testtools

from gpubroker import errors
from gpubroker.services import patience

SILENT = errors.Unavailable("Nova does not answer at present.")


class PatienceTest(testtools.TestCase):
    def pauses(self, count, error=SILENT, **more):
        found = patience.Patience(spread=lambda seconds: seconds)
        return [found.pause("lease", error, **more) for _time in range(count)]

    def test_it_grows_to_a_limit(self):
        self.assertEqual([5, 10, 20, 30, 30], self.pauses(5))
        self.assertEqual(30, self.pauses(5000)[-1])

    def test_as_asked_for(self):
        self.assertEqual([2, 4, 8, 10], self.pauses(4, first=2.0, most=10.0))
        self.assertEqual([60, 60], self.pauses(2, first=60.0))

    def test_the_service_may_ask_for_more(self):
        busy = errors.Unavailable("Busy.", seconds=12.0)
        self.assertEqual([12, 12, 20], self.pauses(3, busy))
        for_ever = errors.Unavailable("Busy.", seconds=1e9)
        self.assertEqual([300], self.pauses(1, for_ever))

    def test_an_answer_ends_it(self):
        found = patience.Patience(spread=lambda seconds: seconds)
        for _time in range(3):
            found.pause("one", SILENT)
        found.pause("two", SILENT)
        self.assertEqual((3, 1), (found.lost("one"), found.lost("two")))
        found.over("one")
        self.assertEqual(5, found.pause("one", SILENT))
        self.assertEqual(10, found.pause("two", SILENT))

    def test_not_all_come_back_at_one_moment(self):
        found = patience.Patience()
        pauses = {found.pause(str(n), SILENT) for n in range(50)}
        self.assertLess(40, len(pauses))
        self.assertTrue(all(2.5 <= pause <= 7.5 for pause in pauses))

    def test_only_some_are_remembered(self):
        found = patience.Patience()
        for number in range(10_050):
            found.pause(str(number), SILENT)
        self.assertEqual((0, 1), (found.lost("3"), found.lost("10049")))
