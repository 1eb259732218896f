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

import datetime

import testtools

from gpubroker import errors
from gpubroker.services import shared_clock
from tests.fixtures import clock


class Database:
    """A store that knows the time, and counts who asks for it."""

    def __init__(self, time):
        self.time = time
        self.asked = 0
        self.away = False

    def now(self):
        self.asked += 1
        if self.away:
            raise errors.Unavailable("away")
        return self.time.now()


class Machine(clock.Clock):
    def jump(self, seconds):
        self._now += datetime.timedelta(seconds=seconds)

    def sleeps_through(self, seconds):
        """The monotonic clock of Linux stands still meanwhile."""
        self.jump(seconds)


class SharedClock(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.true = clock.Clock()
        self.machine = Machine()
        self.machine.jump(8 * 86400)
        self.database = Database(self.true)
        self.shared = shared_clock.SharedClock(self.database, self.machine)

    def pass_(self, seconds):
        self.true.advance(seconds)
        self.machine.advance(seconds)

    def test_it_tells_the_databases_time(self):
        for _time in range(50):
            self.assertEqual(self.true.now(), self.shared.now())
            self.pass_(0.5)

    def test_the_database_is_seldom_asked(self):
        for _time in range(100):
            self.shared.now()
            self.pass_(0.5)
        self.assertLessEqual(self.database.asked, 5)

    def test_a_machine_whose_clock_is_set_does_not_take_it_along(self):
        self.shared.now()
        for jump in (3600, -7200, 90):
            self.machine.jump(jump)
            self.assertEqual(self.true.now(), self.shared.now())

    def test_a_machine_that_slept_knows_the_time_at_once(self):
        self.shared.now()
        self.true.advance(3600)
        self.machine.sleeps_through(3600)
        self.assertEqual(self.true.now(), self.shared.now())

    def test_no_answer_is_no_time(self):
        self.database.away = True
        self.assertRaises(errors.Unavailable, self.shared.now)
        self.database.away = False
        self.assertEqual(self.true.now(), self.shared.now())
