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

from gpubroker.worker import wall
from tests.fixtures import clock


class Jumping(clock.Clock):
    """A clock whose wall time somebody may set."""

    def jump(self, seconds):
        self._now += datetime.timedelta(seconds=seconds)


class Wall(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = Jumping()
        self.wall = wall.Wall(self.clock)

    def after(self, seconds):
        self.clock.advance(seconds)
        return self.wall.steady()

    def test_time_that_passes_is_no_jump(self):
        self.assertTrue(self.after(2))
        self.assertTrue(self.after(86400))

    def test_a_daemon_may_set_the_time_right_a_little(self):
        self.clock.jump(30)
        self.assertTrue(self.after(2))

    def test_a_jump_forward_or_back_is_doubted_for_a_while(self):
        for jump in (86400, -86400):
            self.clock.jump(jump)
            self.assertFalse(self.after(2))
            self.assertFalse(self.after(wall.PATIENCE - 1))
            self.assertTrue(self.after(1))

    def test_a_clock_that_goes_on_jumping_stays_in_doubt(self):
        self.clock.jump(3600)
        self.assertFalse(self.after(2))
        self.clock.jump(-3600)
        self.assertFalse(self.after(wall.PATIENCE))
