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

"""A host whose providers Nova makes anew, all of them, while leases run."""

from __future__ import annotations

import testtools

from gpubroker.domain.fences import Reason
from gpubroker.services import end
from gpubroker.services import fence
from gpubroker.services import names
from gpubroker.services import reconcile
from tests.fixtures import world

HOST = "gpu-1"


class Roots(testtools.TestCase):
    """One card is a lease's, another one an operator has closed."""

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World((HOST,), cards=3))
        self.tree = self.world.trees[HOST]
        lease = self.world.order(flavor="gpu.1")
        self.lease = self.world.settle(lease.id, "active")
        self.node = self.lease.nodes[0]
        self.before = self.cards()
        closed = next(c for c in self.before if not c.claimed_by)
        fence.fence(self.world.core, closed.id, Reason.OPERATOR, "bad", "op")
        self.look()
        self.before = self.cards()
        self.roots = {self.tree.root, *self.tree.cards.values()}

    def cards(self):
        with self.world.store.read() as tx:
            return sorted(tx.devices.of_host(HOST), key=lambda c: c.slot)

    def host(self):
        with self.world.store.read() as tx:
            return tx.hosts.get(HOST)

    def look(self):
        reconcile.reconcile_host(self.world.core, HOST)

    def goes(self):
        """As by hand, or with its compute service: allocations first."""
        self.tree.delete_server(self.node.server_id)
        self.tree.remove()

    def comes(self):
        """Other UUIDs, and a provider.yaml that was lost; then ``nova-manage
        placement heal_allocations``, which knows of no ticket."""
        self.tree.slots = False
        self.tree.build()
        held = [c for c in self.before if c.id in self.node.planned]
        self.tree.boot([c.pci_address for c in held], self.node.server_id)

    def is_as_before(self):
        """After one look."""
        after = self.cards()
        for old, new in zip(self.before, after, strict=True):
            self.assertEqual(
                (old.id, old.slot, old.reasons, old.claimed_by),
                (new.id, new.slot, new.reasons, new.claimed_by),
            )
            self.assertEqual(self.tree.cards[new.pci_address], new.provider_id)
            self.assertEqual(
                1 if new.reasons else 0, self.tree.reserved(new.pci_address)
            )
        self.assertEqual(
            set(), self.roots & {self.tree.root, *self.tree.cards.values()}
        )
        with self.world.store.read() as tx:
            called = names.provider(tx.installation.name(), HOST)
        ours = self.world.core.ledger.provider(self.host().ticket_provider_id)
        self.assertEqual((called, self.tree.root), (ours.name, ours.root_id))

    def goes_on(self):
        """The lease runs and ends, and the next one starts there."""
        self.world.turn()
        found = self.world.get(self.lease.id)
        self.assertEqual(("active", ""), (found.state, found.reason))
        self.world.settle(
            self.world.order("next", flavor="gpu.1").id, "active"
        )
        end.end(self.world.core, self.lease.id)
        self.world.settle(self.lease.id, "ended")
        self.world.settle(
            self.world.order("last", flavor="gpu.1").id, "active"
        )

    def test_between_two_looks(self):
        self.goes()
        self.comes()
        self.look()
        self.is_as_before()
        self.goes_on()

    def test_it_was_seen_to_be_gone(self):
        """No agent says that the cards are the same: each stays closed until
        an operator has looked at it."""
        self.goes()
        self.look()
        self.assertEqual("active", self.world.get(self.lease.id).state)
        self.comes()
        self.look()
        for card in self.cards():
            self.assertIn(Reason.HEALTH, card.reasons)
            self.assertEqual(1, self.tree.reserved(card.pci_address))
            fence.unfence(self.world.core, card.id, Reason.HEALTH, "op")
        self.look()
        self.is_as_before()
        self.goes_on()
