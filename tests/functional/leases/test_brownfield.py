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

"""Beside a cloud whose GPUs are in use already, without a lease."""

from __future__ import annotations

import testtools

from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services import discovery
from gpubroker.services import plan
from gpubroker.services import reconcile
from gpubroker.worker import sweeps
from gpubroker.worker import turns
from tests.fixtures import brownfield
from tests.fixtures import tripwire
from tests.fixtures import world

HOST = brownfield.HOST


class Brownfield(brownfield.OneHost, testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World((HOST,), cards=2))
        self.mode(hosts.Mode.OBSERVE)
        self.server = self.world.cloud.stranger(HOST, 0)
        reconcile.reconcile_host(self.world.core, HOST)

    def all_loops(self, core):
        """One round of everything that a worker does by itself."""
        mine = turns.Turns(core, "worker-1")
        mine.pools()
        discovery.discover(core)
        reconcile.reconcile_host(core, HOST)
        plan.plan_pool(core, pools.DEFAULT, "worker-1")
        sweeps.SweepLoop(core, mine, 1.0).loop._act()

    def test_where_hosts_are_only_observed_nothing_is_written_outside(self):
        self.mode(hosts.Mode.MANAGE)
        self.world.order()
        self.mode(hosts.Mode.OBSERVE)
        wire = tripwire.Wire()
        core = wire.around(self.world.core)
        for _round in range(3):
            self.world.clock.advance(60)
            self.all_loops(core)
        self.assertEqual({"commit"}, set(wire.places))

    def test_managed_it_gives_out_only_what_nobody_holds(self):
        self.mode(hosts.Mode.MANAGE)
        both = self.world.order(flavor="gpu.2")
        one = self.world.order("one", flavor="gpu.1", project="other")
        self.world.turn()
        self.assertEqual(leases.State.QUEUED, self.world.get(both.id).state)
        # The second waits behind the first, which could use its card.
        self.assertEqual(leases.State.QUEUED, self.world.get(one.id).state)
        held, _free = self.cards()
        self.assertEqual((self.server,), held.consumers)
        self.assertEqual((), held.fences)
        self.assertEqual([0, 0], self.reserved())

    def test_a_free_card_beside_it_is_given_out(self):
        self.mode(hosts.Mode.MANAGE)
        lease = self.world.order(flavor="gpu.1")
        lease = self.world.settle(lease.id, "active")
        held, free = self.cards()
        self.assertEqual((free.id,), lease.nodes[0].planned)
        self.assertEqual([0, 1], self.reserved())
        consumers = self.world.core.ledger.consumers(held.provider_id)
        self.assertEqual({self.server}, set(consumers))

    def test_once_its_server_is_gone_the_card_is_the_pools(self):
        self.mode(hosts.Mode.MANAGE)
        lease = self.world.order(flavor="gpu.2")
        self.world.turn()
        self.world.trees[HOST].delete_server(self.server)
        self.world.settle(lease.id, "active")
