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
"""Who asks too often waits; nobody else does."""

from __future__ import annotations

import testtools

from gpubroker.api import rates


class RatesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.rate = rates.Rate(6, lambda: self.now)

    def take(self, who: str = "a", times: int = 1) -> list[int]:
        return [self.rate.take(who) for _ in range(times)]

    def test_so_many_at_once_then_one_at_a_time(self) -> None:
        self.assertEqual([0] * 6 + [10, 10], self.take(times=8))
        self.now = 9.5
        self.assertEqual([1], self.take())
        self.now = 10.0
        self.assertEqual([0, 10], self.take(times=2))
        self.now = 3600.0
        self.assertEqual([0] * 6 + [10], self.take(times=7))

    def test_each_has_a_bucket_of_its_own(self) -> None:
        self.take(times=7)
        self.assertEqual([0], self.take("b"))

    def test_zero_is_no_limit(self) -> None:
        self.rate = rates.Rate(0, lambda: self.now)
        self.assertEqual([0] * 100, self.take(times=100))

    def test_a_flood_of_names_takes_no_more_memory(self) -> None:
        self.take("old", times=7)
        for number in range(rates.MOST):
            if number % 100 == 0:
                self.assertEqual([10], self.take("old"))
            self.take(str(number))
        self.assertEqual(rates.MOST, len(self.rate._buckets))
        self.assertEqual([10], self.take("old"))

    def test_a_clock_that_stands_still_gives_nothing(self) -> None:
        self.take(times=6)
        self.now = -5.0
        self.assertEqual([10], self.take())
