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


"""A server that was made, and that other writers let nobody write down."""

from __future__ import annotations

import contextlib
import dataclasses

import testtools

from gpubroker import errors
from gpubroker.services import drive
from gpubroker.services import end
from gpubroker.services import plan
from tests.fixtures import tripwire
from tests.fixtures import world


class LostSwaps(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(["gpu-1"], cards=2))
        self.cloud = self.world.cloud
        self.lost = 0

    def losing(self, number):
        """A broker that loses so many transactions after its POST."""
        store = self.world.store

        @contextlib.contextmanager
        def write():
            with store.write() as tx:
                yield tx
                if self.cloud.posts and self.lost < number:
                    self.lost += 1
                    raise errors.ConcurrentUpdate("Deadlock found")

        return dataclasses.replace(
            self.world.core, store=tripwire.WritingBy(store, write)
        )

    def starts(self, number):
        lease = self.world.order()
        core = self.losing(number)
        plan.plan_pool(core, "default", "worker-1")
        while self.world.get(lease.id).state == "starting":
            wait = drive.drive(core, lease.id)
            self.world.clock.advance(max(wait or 0.0, 0.01))
        self.assertEqual(number, self.lost)
        found = self.world.get(lease.id)
        self.assertEqual(("active", 0), (found.state, found.attempts))
        self.assertEqual(list(self.cloud.machines), [found.nodes[0].server_id])
        self.assertEqual(1, self.cloud.posts)
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def test_some_are_made_good_at_once(self):
        self.starts(4)

    def test_after_five_the_server_is_looked_for_and_kept(self):
        self.starts(5)

    def test_however_many_there_are(self):
        self.starts(23)

    def test_there_is_a_pause_between_the_trials(self):
        slept = []
        sleep = self.world.clock.sleep
        self.world.clock.sleep = lambda s: (slept.append(s), sleep(s))
        self.starts(4)
        self.assertEqual(4, len(slept))
        for pause, base in zip(slept, (0.05, 0.1, 0.2, 0.4), strict=True):
            self.assertGreaterEqual(pause, base / 2)
            self.assertLessEqual(pause, base * 1.5)
