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

"""Which worker looks after a pool."""

from __future__ import annotations

import testtools

from gpubroker.services import plan
from gpubroker.worker import turns
from tests.fixtures import world


class Turns(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(("gpu-1",), cards=1))
        self.first = turns.Turns(self.world.core, "first")
        self.second = turns.Turns(self.world.core, "second")

    def test_a_worker_that_leaves_is_followed_at_once(self):
        self.assertEqual(("default",), self.first.pools())
        self.assertIsNone(plan.own(self.world.core, "default", "second"))
        self.first.leave()
        self.assertEqual(("default",), self.second.pools())
        self.assertEqual((), self.first.pools())

    def test_who_leaves_lets_go_only_of_its_own(self):
        self.assertEqual(("default",), self.first.pools())
        self.second.leave()
        third = turns.Turns(self.world.core, "third")
        self.assertEqual((), third.pools())

    def test_a_plan_of_before_is_not_written_after_leaving(self):
        before = plan.own(self.world.core, "default", "first")
        self.first.leave()
        with self.world.store.write() as tx:
            self.assertFalse(tx.pools.still_owned(before))
