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

import concurrent.futures
import uuid

import testtools

from gpubroker import errors
from gpubroker.clouds import session
from gpubroker.services import names
from tests.fixtures import nova_tree
from tests.fixtures import placement

CARD = nova_tree.ADDRESSES[0]


class LedgerCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.placement = self.useFixture(placement.Placement())
        self.ledger = self.placement.ledger
        self.tree = nova_tree.NovaTree(self.placement.api, "gpu-1").build()
        self.card = self.tree.cards[CARD]


class Reading(LedgerCase):
    def test_gpu_providers_are_the_cards_and_not_the_root(self):
        found = self.ledger.gpu_providers()
        self.assertEqual(
            sorted(self.tree.cards.values()), sorted(p.id for p in found)
        )
        self.assertEqual({self.tree.root}, {p.root_id for p in found})

    def test_a_tree_has_the_root_and_its_children(self):
        found = self.ledger.tree(self.tree.root)
        self.assertEqual(9, len(found))

    def test_an_inventory_is_read_in_full(self):
        found = self.ledger.inventories(self.card)
        record = found.by_class[nova_tree.A100]
        self.assertEqual((1, 0), (record.total, record.reserved))
        self.assertEqual(1, record.record["max_unit"])

    def test_traits_and_usages_and_consumers(self):
        server = self.tree.boot([CARD])
        self.assertEqual(
            ["COMPUTE_MANAGED_PCI_DEVICE", "CUSTOM_GPUBROKER_SLOT_0"],
            self.ledger.traits(self.card),
        )
        self.assertEqual({nova_tree.A100: 1}, self.ledger.usages(self.card))
        self.assertEqual(
            {server: {nova_tree.A100: 1}}, self.ledger.consumers(self.card)
        )
        self.assertEqual(
            {"VCPU": 4, "MEMORY_MB": 4096},
            self.ledger.allocations(server)[self.tree.root],
        )

    def test_a_consumer_that_holds_nothing_has_no_allocations(self):
        self.assertEqual({}, self.ledger.allocations(str(uuid.uuid4())))

    def test_unknown_names_and_ids(self):
        self.assertIsNone(self.ledger.provider_by_name("nobody"))
        nobody = str(uuid.uuid4())
        self.assertRaises(errors.NotFound, self.ledger.provider, nobody)
        self.assertRaises(errors.NotFound, self.ledger.inventories, nobody)

    def test_placement_down_is_unavailable(self):
        self.placement.api.endpoint_override = "http://127.0.0.1:1"
        self.assertRaises(errors.Unavailable, self.ledger.gpu_providers)


class Fencing(LedgerCase):
    def reserve(self, fenced, resource_class=nova_tree.A100, **more):
        self.told = []
        return self.ledger.set_reserved(
            self.card, resource_class, fenced, self.told.append, **more
        )

    def test_a_fenced_card_is_not_given_out(self):
        before = self.ledger.inventories(self.card).by_class[nova_tree.A100]
        after = self.reserve(True)
        record = after.by_class[nova_tree.A100]
        self.assertEqual({**before.record, "reserved": 1}, record.record)
        self.assertEqual(after, self.ledger.inventories(self.card))
        self.assertNotIn(self.card, self.ledger.open_cards(nova_tree.A100))

    def test_a_second_fence_writes_nothing(self):
        self.reserve(True)
        before = self.tree.generation(CARD)
        self.reserve(True)
        self.assertEqual([], self.told)
        self.assertEqual(before, self.tree.generation(CARD))

    def test_a_write_that_is_always_made_counts_the_generation_up(self):
        before = self.tree.generation(CARD)
        after = self.reserve(False, always=True)
        self.assertEqual(before + 1, after.generation)
        self.assertEqual(before + 1, self.tree.generation(CARD))
        self.assertEqual(0, self.tree.reserved(CARD))

    def test_each_write_is_told_of_with_the_generation_it_is_for(self):
        before = self.tree.generation(CARD)
        told = []

        def ready(found):
            told.append(found.generation)
            if len(told) == 1:
                # Somebody claims the card in between.
                self.tree.boot([CARD])

        after = self.ledger.set_reserved(
            self.card, nova_tree.A100, True, ready
        )
        self.assertEqual([before, before + 1], told)
        self.assertEqual(before + 2, after.generation)

    def test_who_is_told_can_stop_the_write(self):
        def stop(_found):
            raise errors.InUse("no")

        self.assertRaises(
            errors.InUse,
            self.ledger.set_reserved,
            self.card,
            nova_tree.A100,
            True,
            stop,
        )
        self.assertEqual(0, self.tree.reserved(CARD))

    def test_a_lifted_fence_opens_the_card(self):
        self.reserve(True)
        self.reserve(False)
        self.assertEqual(0, self.tree.reserved(CARD))
        self.assertIn(self.card, self.ledger.open_cards(nova_tree.A100))

    def test_a_used_card_can_be_fenced(self):
        server = self.tree.boot([CARD])
        self.reserve(True)
        self.assertEqual([server], list(self.ledger.consumers(self.card)))

    def test_a_card_without_the_class_is_not_found(self):
        self.assertRaises(
            errors.NotFound,
            self.reserve,
            True,
            resource_class=nova_tree.H100,
        )

    def test_a_class_nobody_knows_has_no_open_cards(self):
        self.assertEqual(set(), self.ledger.open_cards("CUSTOM_NOBODY"))

    def test_many_writers_of_one_card_all_get_their_turn(self):
        with concurrent.futures.ThreadPoolExecutor(6) as threads:
            results = [
                threads.submit(self.reserve, bool(turn % 2))
                for turn in range(12)
            ]
        for result in results:
            result.result()
        self.assertIn(self.tree.reserved(CARD), (0, 1))

    def test_a_stale_generation_is_a_concurrent_update(self):
        service = session.Service("Placement", self.placement.api)
        inventories = self.ledger.inventories(self.card)
        record = inventories.by_class[nova_tree.A100].record
        self.assertRaises(
            errors.ConcurrentUpdate,
            service.call,
            "PUT",
            f"/resource_providers/{self.card}/inventories/{nova_tree.A100}",
            json={
                **record,
                "resource_provider_generation": inventories.generation - 1,
            },
        )


PROVIDER = names.provider("0a1b2c3d", "gpu-1")


class Tickets(LedgerCase):
    TICKET = "CUSTOM_GPUBROKER_0123456789ABCDEF"

    def setUp(self):
        super().setUp()
        self.provider = self.ledger.ensure_ticket_provider(
            PROVIDER, self.tree.root
        )

    def test_the_ticket_provider_is_made_once_under_the_root(self):
        again = self.ledger.ensure_ticket_provider(PROVIDER, self.tree.root)
        self.assertEqual(self.provider, again)
        found = self.ledger.provider(self.provider)
        self.assertEqual(PROVIDER, found.name)
        self.assertEqual(self.tree.root, found.parent_id)

    def test_each_installation_has_one(self):
        theirs = names.provider("9f8e7d6c", "gpu-1")
        other = self.ledger.ensure_ticket_provider(theirs, self.tree.root)
        self.assertNotEqual(self.provider, other)
        self.assertEqual(
            {PROVIDER, theirs},
            {found.name for found in self.ledger.ticket_providers()},
        )

    def test_it_moves_under_a_root_made_anew(self):
        other = nova_tree.NovaTree(
            self.placement.api, "gpu-1-new", addresses=()
        ).build()
        again = self.ledger.ensure_ticket_provider(PROVIDER, other.root)
        self.assertEqual(self.provider, again)
        self.assertEqual(
            other.root, self.ledger.provider(self.provider).root_id
        )

    def test_the_known_one_gets_the_name_of_a_renamed_host(self):
        again = self.ledger.ensure_ticket_provider(
            names.provider("0a1b2c3d", "gpu-9"), self.tree.root, self.provider
        )
        self.assertEqual(self.provider, again)
        found = self.ledger.provider(again)
        self.assertEqual("gpubroker_0a1b2c3d_gpu-9", found.name)
        # The old name is free for another host.
        other = nova_tree.NovaTree(
            self.placement.api, "gpu-7", addresses=()
        ).build()
        theirs = self.ledger.ensure_ticket_provider(PROVIDER, other.root)
        self.assertNotEqual(self.provider, theirs)

    def test_a_known_one_that_is_gone_is_made_anew(self):
        gone = str(uuid.uuid4())
        again = self.ledger.ensure_ticket_provider(
            PROVIDER, self.tree.root, gone
        )
        self.assertEqual(self.provider, again)

    def test_a_class_that_only_counts_is_no_ticket(self):
        for _ in range(2):
            self.ledger.make_class("CUSTOM_COUNTS_7")
        self.assertEqual(
            ["CUSTOM_COUNTS_7"], self.ledger.classes("CUSTOM_COUNTS_")
        )
        self.assertEqual([], self.ledger.tickets())
        for _ in range(2):
            self.ledger.drop_class("CUSTOM_COUNTS_7")
        self.assertEqual([], self.ledger.classes("CUSTOM_COUNTS_"))

    def test_a_ticket_is_made_once_and_dropped_once(self):
        for new in (True, False):
            self.assertEqual(
                new, self.ledger.put_ticket(self.provider, self.TICKET)
            )
        self.assertEqual([self.TICKET], self.ledger.tickets())
        self.assertEqual([], self.ledger.ticket_holders(self.TICKET))
        for _ in range(2):
            self.ledger.drop_ticket(self.provider, self.TICKET)
        self.assertEqual([], self.ledger.tickets())
        self.assertEqual([], self.ledger.ticket_holders(self.TICKET))

    def test_a_held_ticket_can_not_be_dropped(self):
        self.ledger.put_ticket(self.provider, self.TICKET)
        server = self.tree.boot([CARD], more={self.provider: {self.TICKET: 1}})
        self.assertEqual([server], self.ledger.ticket_holders(self.TICKET))
        self.assertEqual(
            [server],
            self.ledger.ticket_holders(self.TICKET, self.provider),
        )
        self.assertRaises(
            errors.InUse,
            self.ledger.drop_ticket,
            self.provider,
            self.TICKET,
        )
        self.tree.delete_server(server)
        self.ledger.drop_ticket(self.provider, self.TICKET)
        self.assertEqual([], self.ledger.tickets())

    def test_many_tickets_at_once_on_one_provider(self):
        names = [f"{self.TICKET}_{number}" for number in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            list(
                threads.map(
                    lambda name: self.ledger.put_ticket(self.provider, name),
                    names,
                )
            )
        self.assertEqual(sorted(names), self.ledger.tickets())
