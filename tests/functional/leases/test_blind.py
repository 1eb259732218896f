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

"""Nova hides a lease's server, or can not tell of it: nothing is given up."""

from __future__ import annotations

import testtools

from gpubroker.domain import leases
from gpubroker.services import adopt
from gpubroker.services import discovery
from gpubroker.services import end
from gpubroker.services import reconcile
from tests.fixtures import brownfield
from tests.fixtures import world
from tests.functional.leases import test_adoption

HOST = brownfield.HOST


class BlindCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World((HOST,), cards=2))
        self.core, self.cloud = self.world.core, self.world.cloud

    def active(self):
        return self.world.settle(self.world.order().id, "active")

    def starting(self):
        """One whose server Nova has, not placed yet."""
        self.cloud.boot_seconds = 20.0
        lease = self.world.order()
        self.world.run(lambda: self.world.get(lease.id).nodes[0].server_id)
        return self.world.get(lease.id)

    def adopted(self):
        body = {"server_id": brownfield.server(self.world, HOST, (0,))}
        reconcile.reconcile_host(self.core, HOST)
        lease = adopt.adopt(self.core, body, test_adoption.ROOT)
        self.world.turn()
        return self.world.get(lease.id)

    def shelve(self, lease):
        self.cloud.shelve(lease.nodes[0].server_id)
        self.world.turn()

    def stays(self, lease, state, minutes=15):
        """For as long as that, with its server and its cards."""
        for _minute in range(minutes):
            self.world.turn()
            self.world.clock.advance(60)
            found = self.world.get(lease.id)
            self.assertEqual((state, 0), (found.state, found.attempts))
            self.assertIn(lease.nodes[0].server_id, self.cloud.machines)
            with self.world.store.read() as tx:
                cards = tx.devices.many(lease.nodes[0].planned)
            self.assertEqual(
                {lease.nodes[0].id}, {c.claimed_by for c in cards}
            )
        return found

    def sees(self):
        self.cloud.blind = False
        self.cloud.dark = set()

    def ends_clean(self, lease, cause=None):
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())
        if cause is not None:
            self.assertEqual(cause, lease.end_cause)

    def ends_by_itself(self, lease):
        """At its very next look, when its server was really deleted."""
        self.cloud.user_deletes(lease.nodes[0].server_id)
        self.world.turn()
        self.assertEqual("ending", self.world.get(lease.id).state)
        self.ends_clean(lease, leases.EndCause.SERVER_GONE)


class Hidden(BlindCase):
    """As with a policy file that lost ``context_is_admin``."""

    def test_a_server_that_runs(self):
        lease = self.active()
        self.cloud.blind = True
        found = self.stays(lease, "active")
        self.assertIn("does not show", found.reason)
        self.sees()
        self.world.turn()
        self.assertEqual("", self.world.get(lease.id).reason)
        events = self.world.events(lease.id)
        said = [events.count(f"lease.{k}") for k in ("unseen", "seen")]
        self.assertEqual([1, 1], said)
        self.assertNotIn("lease.degraded", events)
        self.ends_by_itself(lease)

    def test_a_server_that_is_shelved(self):
        lease = self.active()
        self.shelve(lease)
        self.cloud.blind = True
        found = self.stays(lease, "active")
        self.assertIn("does not show", found.reason)
        self.sees()
        self.world.turn()
        self.assertIn("kept for it", self.world.get(lease.id).reason)
        self.ends_by_itself(lease)

    def test_a_shelved_server_deleted_meanwhile(self):
        lease = self.active()
        self.shelve(lease)
        self.cloud.blind = True
        self.stays(lease, "active", 1)
        self.cloud.user_deletes(lease.nodes[0].server_id)
        self.world.turn()
        self.assertEqual("active", self.world.get(lease.id).state)
        self.sees()
        self.ends_clean(lease, leases.EndCause.SERVER_GONE)

    def test_a_server_that_is_being_built(self):
        lease = self.starting()
        self.cloud.blind = True
        found = self.stays(lease, "starting")
        self.assertIn("Nova refuses", found.reason)
        self.sees()
        self.world.settle(lease.id, "active")
        self.assertEqual(1, self.cloud.posts)
        self.ends_by_itself(lease)

    def test_a_build_that_its_user_deletes(self):
        lease = self.starting()
        self.cloud.user_deletes(lease.nodes[0].server_id)
        self.ends_clean(lease, leases.EndCause.SERVER_GONE)

    def test_a_server_whose_post_got_no_answer(self):
        self.cloud.fates = ["lost"]
        lease = self.world.order()
        self.world.run(lambda: self.cloud.posts)
        self.cloud.blind = True
        for _minute in range(15):
            self.world.turn()
            self.world.clock.advance(60)
        self.assertEqual("starting", self.world.get(lease.id).state)
        self.assertEqual(1, self.cloud.posts)
        self.sees()
        self.world.settle(lease.id, "active")
        self.assertEqual(1, self.cloud.posts)

    def test_an_end(self):
        for shelved in (False, True):
            lease = self.active()
            if shelved:
                self.shelve(lease)
            self.cloud.blind = True
            end.end(self.core, lease.id)
            found = self.stays(lease, "ending")
            self.assertIn("Nova refuses", found.reason)
            self.sees()
            self.ends_clean(lease, leases.EndCause.USER)

    def test_the_end_of_a_server_that_is_gone(self):
        lease = self.active()
        self.shelve(lease)
        self.cloud.user_deletes(lease.nodes[0].server_id)
        end.end(self.core, lease.id)
        self.world.turn()
        self.assertEqual("ended", self.world.get(lease.id).state)

    def test_one_that_was_adopted(self):
        for shelved in (False, True):
            lease = self.adopted()
            if shelved:
                self.shelve(lease)
            self.cloud.blind = True
            self.stays(lease, "active")
            end.end(self.core, lease.id)
            self.stays(lease, "ending")
            self.sees()
            self.ends_clean(lease, leases.EndCause.USER)

    def test_one_that_was_adopted_and_is_gone(self):
        lease = self.adopted()
        self.shelve(lease)
        self.ends_by_itself(lease)


class CellDown(BlindCase):
    def discover(self):
        discovery.discover(self.core)
        with self.world.store.read() as tx:
            host = tx.hosts.get(HOST)
        return host.compute_state, host.zone

    def test_its_host_takes_no_lease_and_stays_in_its_zone(self):
        self.cloud.dark = {HOST}
        self.assertEqual(("unknown", "nova"), self.discover())
        lease = self.world.order()
        self.world.turn()
        self.assertEqual("queued", self.world.get(lease.id).state)
        self.sees()
        self.assertEqual(("up", "nova"), self.discover())
        self.world.settle(lease.id, "active")

    def test_what_was_known_of_its_servers_stands(self):
        for shelved in (False, True):
            lease = self.active()
            if shelved:
                self.shelve(lease)
            (before,) = self.world.get(lease.id).nodes
            self.cloud.dark = {HOST}
            self.discover()
            found = self.stays(lease, "active")
            self.assertIn("does not answer", found.reason)
            self.assertEqual((before,), found.nodes)
            self.sees()
            self.discover()
            self.ends_by_itself(lease)

    def test_a_server_that_comes_back_meanwhile(self):
        """It is not taken for back before Nova says so."""
        lease = self.active()
        self.shelve(lease)
        self.cloud.unshelve(lease.nodes[0].server_id)
        self.world.turn()
        self.cloud.dark = {HOST}
        self.stays(lease, "active", 1)
        self.assertEqual(
            1, self.world.events(lease.id).count("lease.unshelve")
        )

    def test_an_end_waits(self):
        lease = self.active()
        self.cloud.dark = {HOST}
        end.end(self.core, lease.id)
        self.stays(lease, "ending")
        self.sees()
        self.ends_clean(lease)

    def lost(self):
        self.cloud.fates = ["lost"]
        lease = self.world.order()
        self.world.run(lambda: self.cloud.posts)
        self.cloud.dark = {HOST}
        return lease

    def test_a_post_without_an_answer_is_not_repeated(self):
        lease = self.lost()
        doubt = self.core.settings.post_doubt_seconds
        self.world.clock.advance(2 * doubt)
        self.world.turn()
        self.assertEqual(1, self.cloud.posts)
        self.sees()
        self.world.settle(lease.id, "active")
        self.assertEqual(1, self.cloud.posts)

    def test_nor_does_its_lease_end_before_its_server_is_looked_for(self):
        lease = self.lost()
        end.end(self.core, lease.id)
        for _minute in range(15):
            self.world.turn()
            self.world.clock.advance(60)
            self.assertEqual("ending", self.world.get(lease.id).state)
        self.sees()
        self.ends_clean(lease)
