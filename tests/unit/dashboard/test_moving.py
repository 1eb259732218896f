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

import testtools

from gpubroker.dashboard import errors
from gpubroker.dashboard.content.admin.pools import moving


class MovingTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.faults: dict[str, errors.BrokerError] = {}

    def act(self, name: str) -> None:
        self.now += 1
        if name in self.faults:
            raise self.faults[name]

    def move(self, *names: str) -> moving.Outcome:
        return moving.move(names, self.act, lambda: self.now)

    def test_one_that_can_not_be_moved_stops_no_other(self) -> None:
        self.faults["b"] = errors.BrokerError("a lease holds a GPU.")
        found = self.move("a", "b", "c", "a")
        self.assertEqual(["a", "c"], found.moved)
        self.assertEqual({"b": "a lease holds a GPU."}, found.refused)
        self.assertEqual({"b"}, found.stay)

    def test_those_for_which_there_is_no_time_are_told(self) -> None:
        names = [str(number) for number in range(40)]
        found = self.move(*names)
        self.assertEqual(names[:15], found.moved)
        self.assertEqual(names[15:], found.untried)
        self.assertEqual(set(names[15:]), found.stay)

    def test_a_session_that_is_over_leaves_the_rest(self) -> None:
        self.faults["b"] = errors.SignInAgain("over")
        found = self.move("a", "b", "c")
        self.assertEqual((["a"], ["b", "c"]), (found.moved, found.untried))
        self.assertIs(self.faults["b"], found.again)
