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


import random

import testtools

from gpubroker.agent import schedule


class ScheduleTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.schedule = schedule.Schedule(30, random.Random(1))

    def test_the_first_report_is_due_at_once(self) -> None:
        self.assertEqual(0, self.schedule.wait(1000, urgent=False))

    def test_then_every_interval_a_little_early(self) -> None:
        waits = []
        for _ in range(100):
            self.schedule.succeeded(1000, None)
            waits.append(self.schedule.wait(1000, urgent=False))
        self.assertTrue(all(27 <= wait <= 30 for wait in waits))
        self.assertGreater(max(waits) - min(waits), 1)
        self.assertEqual(0, self.schedule.wait(1030, urgent=False))

    def test_the_api_names_another_interval_within_reason(self) -> None:
        for asked, least, most in (
            (10.0, 9, 10),
            (0.0, 0.9, 1),
            (-5.0, 0.9, 1),
            (1e9, 540, 600),
        ):
            self.schedule.succeeded(1000, asked)
            wait = self.schedule.wait(1000, urgent=False)
            self.assertTrue(least <= wait <= most, (asked, wait))
        self.schedule.succeeded(1000, None)
        self.assertGreater(self.schedule.wait(1000, urgent=False), 500)

    def test_news_is_told_within_a_second(self) -> None:
        self.schedule.succeeded(1000, None)
        self.assertEqual(0, self.schedule.wait(1010, urgent=True))
        wait = self.schedule.wait(1000, urgent=True)
        self.assertTrue(0 < wait < 1)

    def test_failures_wait_longer_and_longer_up_to_an_interval(self) -> None:
        delays = [self.schedule.failed(1000) for _ in range(40)]
        self.assertTrue(0.5 <= delays[0] <= 1)
        self.assertTrue(4 <= delays[3] <= 8)
        self.assertTrue(all(15 <= delay <= 30 for delay in delays[6:]))
        self.assertGreater(max(delays[6:]) - min(delays[6:]), 1)

    def test_news_does_not_wait_for_a_long_delay(self) -> None:
        for _ in range(10):
            self.schedule.failed(1000)
        self.assertGreater(self.schedule.wait(1000, urgent=False), 10)
        self.assertEqual(3, self.schedule.wait(1000, urgent=True))

    def test_success_ends_the_delays(self) -> None:
        for _ in range(10):
            self.schedule.failed(1000)
        self.schedule.succeeded(1000, None)
        self.assertLess(self.schedule.failed(1000), 1.1)
