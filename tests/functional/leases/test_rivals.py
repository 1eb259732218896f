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

"""Promise 1 on a Placement as it comes, which gives a card to several.

Placement runs on MariaDB with its own retry of conflicts, ten times, and many
requests at once (N 0.11). At the moment in which Nova claims the cards of a
lease, others claim them, too. ``GPUBROKER_TEST_LONG=1`` makes many rounds.
"""

from __future__ import annotations

import random
import threading
import uuid

from keystoneauth1 import exceptions

from gpubroker.services import end
from tests.fixtures import clock
from tests.fixtures import effort
from tests.fixtures import placement
from tests.fixtures import world
from tests.functional.db import base

ROUNDS = 200 if effort.LONG else 3
#: Claims at once of which Placement has to accept one, and tries of that.
CLAIMS, TRIES = 8, 60
RIVALS, STRIKES = 4, 3
SHARED = "Another server holds one of the planned cards, too."


class Rivals:
    """Claims that come at the same moment as that of Nova for a lease.

    :ivar fate: what becomes of those that Placement accepts beside it:
        ``vanish``: Nova's compute refuses them their device;
        ``stay``: they have it, and the lease's server does not;
        ``win``: the same, and the lease's server fails at once.
    :ivar strikes: how often they still come; a lease has to start some day.
    :ivar doubled: how often a card was given twice.
    """

    def __init__(self, cloud, dice):
        self._cloud = cloud
        self._dice = dice
        self.fate = "vanish"
        self.strikes = 0
        self.doubled = 0
        self.passing = []
        for tree in cloud.trees.values():
            tree.boot = self._around(tree, tree.boot)

    def _around(self, tree, boot):
        def together(addresses, server=None, vcpus=4, more=None):
            if not more or not self.strikes:
                return boot(addresses, server, vcpus)
            self.strikes -= 1
            card = self._dice.choice(list(addresses))
            claims = [lambda: boot(addresses, server, vcpus, more)]
            claims += [lambda: boot([card], vcpus=1)] * RIVALS
            results = at_once(claims)
            self._see(tree, card, results[1:])
            if isinstance(results[0], Exception):
                raise results[0]
            if any(isinstance(r, str) for r in results[1:]):
                self.doubled += 1
                if self.fate == "win":
                    # Nova's compute refuses this one its device.
                    tree.delete_server(results[0])
                    raise exceptions.Conflict("The device is in use.")
            return results[0]

        return together

    def _see(self, tree, card, results):
        got = [r for r in results if isinstance(r, str)]
        if self.fate == "vanish":
            self.passing += got
            return
        # A device is in one server: the others fail.
        self.passing += got[1:]
        for server in got[:1]:
            self._cloud.know_stranger(server)

    def fail(self):
        """Those that got no device are over."""
        for server in self.passing:
            next(iter(self._cloud.trees.values())).delete_server(server)
        self.passing.clear()


def at_once(claims):
    """What each returned, or raised."""
    results = [None] * len(claims)
    barrier = threading.Barrier(len(claims))

    def run(number, claim):
        barrier.wait()
        try:
            results[number] = claim()
        except exceptions.ClientException as error:
            results[number] = error

    threads = [
        threading.Thread(target=run, args=(number, claim))
        for number, claim in enumerate(claims)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class RivalsTest(base.OnMariaDB):
    def setUp(self):
        super().setUp()
        time = clock.Clock()
        self.world = self.useFixture(
            world.World(
                ["gpu-1", "gpu-2"],
                cards=2,
                clock=time,
                store=self.store_by(time),
                ledger=placement.Placement(time, self.another(), retries=10),
                suspect_seconds=5,
                start_attempts=20,
            )
        )
        self.dice = random.Random(effort.SEED)
        self.trees = self.world.trees

    def another(self):
        """An empty database on the same server."""
        backend = self._get_default_provisioned_db().backend
        name = f"placement_{uuid.uuid4().hex[:12]}"
        backend.create_named_database(name)
        self.addCleanup(backend.drop_named_database, name)
        return str(
            backend.provisioned_database_url(name).render_as_string(
                hide_password=False
            )
        )

    def consumers(self, address, host="gpu-1"):
        ledger = self.world.placement.ledger
        return set(ledger.consumers(self.trees[host].cards[address]))

    def test_such_a_placement_gives_one_card_to_several(self):
        """Or nothing else here would prove anything."""
        tree = self.trees["gpu-1"]
        card = tree.addresses[0]
        for _try in range(TRIES):
            results = at_once([lambda: tree.boot([card], vcpus=1)] * CLAIMS)
            got = [r for r in results if isinstance(r, str)]
            if len(got) > 1:
                self.assertEqual(set(got), self.consumers(card))
                return
            for server in got:
                tree.delete_server(server)
        self.fail(f"one winner in each of {TRIES} tries")

    def test_a_lease_ends_up_alone_on_its_cards(self):
        rivals = Rivals(self.world.cloud, self.dice)
        for number in range(ROUNDS):
            rivals.fate = ("vanish", "stay", "win")[number % 3]
            self.one_round(f"round {number}, they {rivals.fate}", rivals)
            effort.tell(f"{number}: {rivals.doubled} doubled")

    def one_round(self, which, rivals):
        cloud = self.world.cloud
        rivals.strikes, before = STRIKES, rivals.doubled
        lease = self.world.order(flavor=self.dice.choice(["gpu.1", "gpu.2"]))
        for _turn in range(600):
            wait = max(self.world.turn(), 0.01)
            self.world.clock.advance(wait)
            rivals.fail()
            lease = self.world.get(lease.id)
            if lease.state == "active":
                break
            if lease.state == "queued" and cloud.strangers:
                self.nobody_was_hurt(which)
                cloud.strangers_go()
        self.assertEqual("active", lease.state, which)
        self.alone(lease, which)
        if rivals.fate == "stay" and rivals.doubled > before:
            told = [e.message for e in self.world.history(lease.id)]
            self.assertTrue([m for m in told if SHARED in m], told)
        self.nobody_was_hurt(which)
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.nobody_was_hurt(which)
        cloud.strangers_go()
        self.world.clock.advance(30)
        self.world.turn()
        self.assertEqual({}, self.world.leftovers(), which)

    def alone(self, lease, which):
        with self.world.store.read() as tx:
            cards = tx.devices.many(lease.nodes[0].planned)
        for card in cards:
            self.assertEqual(
                {lease.nodes[0].server_id},
                self.consumers(card.pci_address, card.host),
                which,
            )

    def nobody_was_hurt(self, which):
        """The servers of others hold what they held."""
        for server in self.world.cloud.strangers:
            held = self.world.placement.ledger.allocations(server.id)
            self.assertNotEqual({}, held, which)

    def test_who_comes_to_a_card_of_an_active_lease_is_told_of(self):
        """A claim can come through after the card was closed; the server
        that has the card keeps it."""
        lease = self.world.order(flavor="gpu.1")
        lease = self.world.settle(lease.id, "active")
        node = lease.nodes[0]
        with self.world.store.read() as tx:
            (card,) = tx.devices.many(node.planned)
        other = self.slip_in(card)
        self.world.clock.advance(31)
        self.world.turn()
        self.world.turn()
        lease = self.world.get(lease.id)
        self.assertEqual(("active", SHARED), (lease.state, lease.reason))
        self.assertIn(node.server_id, self.world.cloud.machines)
        self.trees[card.host].delete_server(other)
        self.world.clock.advance(31)
        self.world.turn()
        self.world.turn()
        self.assertEqual("", self.world.get(lease.id).reason)
        self.assertIn("lease.restored", self.world.events(lease.id))

    def slip_in(self, card):
        """As a claim does that was let in before the card was closed."""
        tree = self.trees[card.host]
        tree.set_reserved(card.pci_address, 0)
        self.world.cloud.ratio(tree, card.pci_address, 2.0)
        other = tree.boot([card.pci_address], vcpus=1)
        self.world.cloud.ratio(tree, card.pci_address, 1.0)
        tree.set_reserved(card.pci_address, 1)
        return other
