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

"""A shelved server comes back onto its cards, and nobody else gets them."""

import testtools

from gpubroker.services import end
from tests.fixtures import effort
from tests.fixtures import tripwire
from tests.fixtures import world


class Shelved(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(["gpu-1"], cards=2))
        self.cloud = self.world.cloud
        self.lease = self.world.order()
        self.world.settle(self.lease.id, "active")
        self.server = self.get().nodes[0].server_id

    def get(self):
        return self.world.get(self.lease.id)

    def shelve(self):
        self.cloud.shelve(self.server)
        self.world.turn()

    def ask(self, core=None):
        """Once, for nothing, and again when the lease says so."""
        self.cloud.unshelve(self.server)
        self.assertEqual("SHELVED_OFFLOADED", self.status())
        self.world.run(
            lambda: "once more" in self.get().reason, seconds=100, core=core
        )
        self.assertEqual([0, 0], self.reserved(), "told too early")

    def comes_back(self, core=None):
        self.cloud.unshelve(self.server)
        self.assertEqual("ACTIVE", self.status())
        self.world.run(
            lambda: not self.get().reason and all(self.reserved()),
            seconds=100,
            core=core,
        )
        self.assertEqual({"lease"}, self.fences())

    def status(self):
        return self.cloud.machines[self.server].seen.status

    def reserved(self):
        with self.world.store.read() as tx:
            return [card.reserved for card in tx.devices.all()]

    def fences(self):
        with self.world.store.read() as tx:
            return {str(r) for c in tx.devices.all() for r in c.reasons}

    def ends_clean(self):
        end.end(self.world.core, self.lease.id)
        self.world.settle(self.lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def test_its_cards_are_kept_for_it(self):
        self.shelve()
        self.assertIn("kept for it", self.get().reason)
        self.assertEqual([1, 1], self.reserved())
        other = self.world.order("other")
        self.world.turn()
        self.assertEqual("queued", self.world.get(other.id).state)
        end.end(self.world.core, other.id)
        self.ends_clean()

    def test_who_unshelves_it_gets_it_back_more_than_once(self):
        for _time in range(2):
            self.shelve()
            self.ask()
            other = self.world.order("other")
            self.world.turn()
            self.assertEqual("queued", self.world.get(other.id).state)
            end.end(self.world.core, other.id)
            self.comes_back()
        self.assertEqual(
            4, self.world.events(self.lease.id).count("lease.unshelve")
        )
        self.ends_clean()

    def test_a_wish_that_nobody_has_any_more(self):
        self.shelve()
        self.ask()
        self.world.run(lambda: "kept" in self.get().reason, seconds=400)
        self.world.run(lambda: all(self.reserved()), seconds=60)
        self.assertEqual({"lease"}, self.fences())
        self.ask()
        self.comes_back()
        self.ends_clean()

    def test_a_lease_that_ends_meanwhile_leaves_nothing(self):
        self.shelve()
        self.ask()
        self.ends_clean()

    def test_a_server_that_is_deleted_meanwhile(self):
        self.shelve()
        self.ask()
        self.cloud.user_deletes(self.server)
        self.world.settle(self.lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def test_one_of_several_that_is_deleted_meanwhile(self):
        end.end(self.world.core, self.lease.id)
        self.world.settle(self.lease.id, "ended")
        lease = self.world.order(flavor="gpu.1", nodes=2)
        self.lease = self.world.settle(lease.id, "active")
        self.server = self.lease.nodes[0].server_id
        self.shelve()
        self.cloud.unshelve(self.server)
        self.world.run(lambda: "once more" in self.get().reason, seconds=100)
        self.assertEqual([0, 1], sorted(self.reserved()))
        self.cloud.user_deletes(self.server)
        self.world.run(lambda: all(self.reserved()), seconds=60)
        self.assertEqual("active", self.get().state)
        self.ends_clean()

    def test_it_may_be_killed_anywhere(self):
        for at in range(1, 100, 1 if effort.LONG else 2):
            self.shelve()
            wire = tripwire.Wire(at)
            core = wire.around(self.world.core)
            try:
                self.ask(core)
                self.comes_back(core)
            except tripwire.Killed:
                self.world.run(self.back, seconds=100)
            else:
                self.assertGreaterEqual(len(wire.places), 4)
                return
        self.fail("the way has no end")

    def back(self):
        """Its user unshelves it until it is there."""
        self.cloud.unshelve(self.server)
        return not self.get().reason and all(self.reserved())
