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
import datetime
import json

from gpubroker.client import errors
from tests.cloud import base
from tests.cloud import secrets


class OrderToEnd(base.CloudTest):
    def test_an_order_becomes_a_server_with_exactly_its_cards(self):
        before = self.offer("vm.gpu.a100.2").available
        lease = self.active()
        (server,) = lease.servers
        nova = self.member.compute.get_server(server["id"])
        self.assertEqual("ACTIVE", nova.status)
        self.assertEqual("demo-key", nova.key_name)
        self.assertEqual(
            self.member.current_user_id, nova.user_id, "the user's own"
        )
        self.assertTrue(server["addresses"])
        self.assertEqual(
            f"ssh ubuntu@{server['addresses'][0]}", server["login"]
        )
        # Nova's own word for it, asked for with the member's token.
        seen = self.gpus.get_lease(lease.id, console=True)
        self.assertIn("token", seen.servers[0]["console_url"])
        held = self.allocated_cards(server["id"])
        self.assertEqual(2, len(held))
        shown = self.operator.get_lease(lease.id).servers[0]
        self.assertEqual(
            held,
            {
                f"{shown['host']}_{card['pci_address'].upper()}"
                for card in shown["devices"]
            },
        )
        self.assertEqual(before - 1, self.offer("vm.gpu.a100.2").available)
        self.assertEqual([], self.shapes(), "gone once the server exists")
        ended = self.end(lease)
        self.assertEqual("user", ended.end_cause)
        self.eventually(
            "the offer is as before",
            lambda: self.offer("vm.gpu.a100.2").available == before,
        )

    def test_a_member_sees_no_host_and_no_serial(self):
        lease = self.active("vm.gpu.l40s.1")
        server = lease.servers[0]
        self.assertIsNone(server.get("host"))
        self.assertIsNone(server.get("devices"))
        self.assertRaises(errors.Forbidden, lambda: list(self.gpus.devices()))

    def test_while_it_runs_its_cards_are_fenced_against_a_dirty_reuse(self):
        lease = self.active("vm.gpu.l40s.1")
        (card,) = self.operator.devices(lease_id=lease.id)
        self.eventually(
            "the card is reserved in Placement",
            lambda: self.reserved(card) == 1,
        )

    def test_two_nodes_start_together(self):
        lease = self.active("vm.gpu.l40s.2", nodes=2)
        self.assertEqual(2, len(lease.servers))
        held = [self.allocated_cards(s["id"]) for s in lease.servers]
        self.assertEqual([2, 2], [len(cards) for cards in held])
        self.assertEqual(set(), held[0] & held[1])

    def test_rename_and_extend(self):
        lease = self.active("vm.gpu.l40s.1", duration=3600)
        renamed = self.gpus.update_lease(lease, name="new-name")
        self.assertEqual("new-name", renamed.name)
        longer = self.gpus.extend_lease(lease.id, by=600)
        ends = datetime.datetime.fromisoformat(longer.expires_at)
        began = datetime.datetime.fromisoformat(longer.started_at)
        self.assertEqual(4200, (ends - began).total_seconds())

    def test_user_data_gets_to_the_server_and_nowhere_else(self):
        sent = secrets.encoded()
        lease = self.active(
            "vm.gpu.l40s.1", workload=self.workload(user_data=sent)
        )
        found = self.admin.compute.get(
            f"/servers/{lease.servers[0]['id']}", microversion="2.96"
        ).json()["server"]
        self.assertEqual(sent, found["OS-EXT-SRV-ATTR:user_data"])
        for seen in (self.gpus, self.operator):
            told = json.dumps(seen.get_lease(lease.id).to_dict(), default=str)
            self.assertNotIn(sent, told)
            self.assertIn("has_user_data", told)

    def test_another_project_does_not_see_it(self):
        lease = self.order("vm.gpu.l40s.1")
        others = self.other.gpu_broker
        self.assertNotIn(lease.id, [seen.id for seen in others.leases()])
        self.assertRaises(errors.NotFound, others.get_lease, lease.id)
        self.assertRaises(
            errors.NotFound,
            lambda: others.delete_lease(lease.id, ignore_missing=False),
        )

    def test_it_expires_by_itself(self):
        lease = self.active("vm.gpu.l40s.1", duration=60)
        ended = self.wait(lease, "ended")
        self.assertEqual("expiry", ended.end_cause)


class Queueing(base.CloudTest):
    def test_an_order_waits_with_its_place_and_starts_by_itself(self):
        first = self.active("vm.gpu.a100.8")
        second = self.order("vm.gpu.a100.2", name="second")
        third = self.order("vm.gpu.a100.2", name="third")

        def waits():
            found = self.gpus.get_lease(third.id)
            return found.queue and "behind" in found.queue["waiting_for"]

        self.eventually("the third says what it waits for", waits)
        queued = self.gpus.get_lease(second.id)
        self.assertEqual("queued", queued.state)
        self.assertEqual(1, queued.queue["place"])
        self.assertIn("in use", queued.queue["waiting_for"])
        self.end(first)
        self.wait(second)
        self.wait(third)

    def test_a_queued_order_can_be_withdrawn(self):
        self.active("vm.gpu.a100.8")
        second = self.order("vm.gpu.a100.2", name="second")
        self.end(second)

    def test_two_orders_for_the_last_two_cards(self):
        self.active("vm.gpu.l40s.2", name="holds-two")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            orders = list(
                pool.map(
                    lambda name: self.order("vm.gpu.l40s.2", name=name),
                    ["left", "right"],
                )
            )

        def settled():
            states = sorted(
                self.gpus.get_lease(lease.id).state for lease in orders
            )
            return states == ["active", "queued"]

        self.eventually("one runs, one waits", settled)
        winner = next(
            lease
            for lease in orders
            if self.gpus.get_lease(lease.id).state == "active"
        )
        self.end(winner)
        loser = next(lease for lease in orders if lease.id != winner.id)
        self.wait(loser)

    def test_an_order_that_can_never_fit_is_refused_with_the_reason(self):
        refused = self.assertRaises(
            errors.BadRequest, self.order, "vm.gpu.l40s.4", nodes=2
        )
        self.assertIn("even when empty", str(refused))
