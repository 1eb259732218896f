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

"""A world whose database is put back to what it was, and what must hold."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from typing import Any

import testtools

from gpubroker.domain import leases
from gpubroker.domain.fences import Reason
from gpubroker.services import end
from gpubroker.services import fence
from gpubroker.services import recover
from gpubroker.services import sweep
from tests.fixtures import world

KEEP = datetime.timedelta(hours=24)
HOSTS = ("gpu-1", "gpu-2")


class Case(testtools.TestCase):
    def begin(self, cards: int = 2) -> None:
        self.world = world.World(HOSTS, cards=cards)
        self.world.setUp()

    @contextlib.contextmanager
    def a_world(self, **more: Any) -> Iterator[None]:
        """One at a time: a test tries many."""
        self.begin(**more)
        try:
            yield
        finally:
            self.world.cleanUp()

    # -- looking ------------------------------------------------------------

    def held(self) -> dict[str, frozenset[str]]:
        """Server -> the cards that it holds in Placement."""
        found: dict[str, set[str]] = {}
        for row in self.world.trees.values():
            for card in row.cards.values():
                for consumer in self.world.core.ledger.consumers(card):
                    found.setdefault(consumer, set()).add(card)
        return {server: frozenset(cards) for server, cards in found.items()}

    def closed(self) -> set[str]:
        found = set()
        for tree in self.world.trees.values():
            for card in tree.cards.values():
                there = self.world.core.ledger.inventories(card).by_class
                if any(record.reserved for record in there.values()):
                    found.add(card)
        return found

    def running(self) -> set[str]:
        self.world.cloud.progress()
        return {
            key
            for key, machine in self.world.cloud.machines.items()
            if machine.gone_at is None and machine.seen.status == "ACTIVE"
        }

    def rows(self):
        with self.world.store.read() as tx:
            return {row.provider_id: row for row in tx.devices.all()}

    # -- doing --------------------------------------------------------------

    def work(self, turns: int = 8) -> None:
        """What the workers do, whatever they think of the database, for as
        long as a POST without an answer is in doubt, and longer."""
        for _turn in range(turns):
            self.world.clock.advance(15)
            self.world.turn()

    def mend(self) -> list[recover.Line]:
        with self.world.store.read() as tx:
            ours = tx.installation.name()
        return recover.recover(self.world.core, ours, KEEP, apply=True)

    def lift(self) -> None:
        """As an operator who has looked at the cards."""
        for row in self.rows().values():
            if Reason.OPERATOR in row.reasons:
                fence.unfence(self.world.core, row.id, Reason.OPERATOR, "op")

    def assert_nothing_lost(
        self, servers: set[str], held: dict[str, frozenset[str]]
    ) -> None:
        """Servers that ran run, and hold and are kept what they held."""
        self.assertEqual(servers, servers & self.running())
        for server in servers:
            self.assertEqual(held[server], self.held()[server])
            self.assertLessEqual(held[server], self.closed())
        cards = [c for found in self.held().values() for c in found]
        self.assertEqual(sorted(set(cards)), sorted(cards))

    def assert_known(self) -> None:
        """Each running server is that of an active lease, with its cards."""
        held = self.held()
        known = {
            node.server_id: node
            for lease in self.world.open()
            for node in lease.nodes
            if lease.state is leases.State.ACTIVE
        }
        self.assertEqual(self.running(), set(known))
        rows = self.rows()
        for server, node in known.items():
            self.assertEqual(
                {rows[c].id for c in held[server]}, {*node.planned}
            )
            for card in held[server]:
                self.assertEqual(node.id, rows[card].claimed_by)
                self.assertIn(Reason.LEASE, rows[card].reasons)

    def end_all(self, *allowed: Reason) -> None:
        """Everything can be ended, and leaves nothing.

        :param allowed: reasons of fences that may stay.
        """
        self.lift()
        for lease in self.world.open():
            end.end(self.world.core, lease.id)
        self.work()
        # An unknown server that never came up is told, and left alone.
        for key, machine in list(self.world.cloud.machines.items()):
            if machine.seen.status == "ERROR":
                self.world.cloud.user_deletes(key)
        sweep.remove(self.world.core, sweep.find(self.world.core))
        left = self.world.leftovers()
        # A trust of a lease that is not known ends by itself.
        left.pop("trusts", None)
        fences = left.pop("fences", [])
        self.assertEqual(set(), {reason for _, reason in fences} - {*allowed})
        self.assertEqual({}, left)
