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

"""The worker forgets by itself what is over for as long as it was told."""

from __future__ import annotations

import datetime

import sqlalchemy as sa
import testtools

from gpubroker.services import end
from gpubroker.services import purge
from gpubroker.worker import purges
from gpubroker.worker import turns
from tests.fixtures import tripwire
from tests.fixtures import world


class PurgeLoopTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(["gpu-1"], cards=2))

    def loop(self, days, owner="worker-1", core=None):
        core = core or self.world.core
        return purges.PurgeLoop(core, turns.Turns(core, owner), days)

    def over(self):
        lease = self.world.order()
        self.world.settle(lease.id, "active")
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        return lease.id

    def run_it(self, loop):
        while loop._pass() is not None:
            pass

    def leases(self):
        with self.world.store.read() as tx:
            return [le.id for le in tx.leases.find("train", "demo")]

    def test_it_forgets_what_is_older_than_it_was_told(self):
        self.over()
        self.world.clock.advance(2 * 86400)
        young = self.over()
        self.run_it(self.loop(0))
        self.run_it(self.loop(3))
        self.assertEqual(2, len(self.leases()))
        self.run_it(self.loop(1))
        self.assertEqual([young], self.leases())

    def test_one_worker_does_it_for_all(self):
        self.over()
        self.world.clock.advance(2 * 86400)
        first = turns.Turns(self.world.core, "worker-1")
        first.pools()
        self.run_it(self.loop(1, "worker-2"))
        self.assertEqual(1, len(self.leases()))

    def test_nothing_is_forgotten_by_a_clock_in_doubt(self):
        self.over()
        self.world.clock.advance(2 * 86400)
        now = self.world.clock.now() - datetime.timedelta(seconds=90)
        self.world.store.now = lambda: now
        self.run_it(self.loop(1))
        self.assertEqual(1, len(self.leases()))
        del self.world.store.now
        self.run_it(self.loop(1))
        self.assertEqual([], self.leases())

    def test_it_may_be_killed_anywhere(self):
        """Whole leases are there or gone, and the next one goes on."""
        for _lease in range(3):
            self.over()
        self.world.clock.advance(2 * 86400)
        for left in (2, 1, 0):
            wire = tripwire.Wire(1)
            store = wire.around(self.world.core).store
            self.assertRaises(
                tripwire.Killed,
                list,
                purge.batches(store, self.world.clock.now(), 1),
            )
            self.assertEqual(left, len(self.leases()))
            self.assertEqual(left, len(self.journals()))
        self.run_it(self.loop(1))

    def journals(self):
        """Leases of which steps are there."""
        with self.world.store.engine.connect() as connection:
            found = connection.execute(
                sa.text("SELECT DISTINCT lease_id FROM step")
            )
            return found.all()
