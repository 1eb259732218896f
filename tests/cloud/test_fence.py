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

import json
import time

from sandbox import simulated_hosts
from tests.cloud import base


class Fencing(base.CloudTest):
    def test_an_operators_fence_leaves_the_offers_and_comes_back(self):
        card = self.cards("gpu-l40s-1")[0]
        before = self.offer("vm.gpu.l40s.1").available
        self.operator.fence_device(card.id, "looks odd")
        self.eventually(
            "reserved in Placement", lambda: self.reserved(card) == 1
        )
        offer = self.offer("vm.gpu.l40s.1")
        self.assertEqual(before - 1, offer.available)
        self.assertIn("fenced", [b["reason"] for b in offer.blocked])
        self.operator.unfence_device(card.id)
        self.eventually("open in Placement", lambda: self.reserved(card) == 0)

    def test_a_fence_lost_in_placement_is_set_again(self):
        card = self.cards("gpu-l40s-1")[1]
        self.operator.fence_device(card.id, "to be lost")
        self.eventually("reserved", lambda: self.reserved(card) == 1)
        self.write_reserved(card, 0)
        self.eventually("reserved again", lambda: self.reserved(card) == 1, 60)

    def test_reserved_by_somebody_else_is_external_and_never_lifted(self):
        card = self.cards("gpu-l40s-1")[2]
        self.write_reserved(card, 1)
        self.eventually(
            "recorded as external",
            lambda: "external" in self.reasons(card),
            60,
        )
        self.assertEqual(1, self.reserved(card))
        self.write_reserved(card, 0)
        self.eventually(
            "gone when they lift it", lambda: not self.reasons(card), 60
        )

    def test_a_fatal_xid_is_in_placement_within_seconds(self):
        card = self.cards("gpu-l40s-1")[3]
        began = time.monotonic()
        self.simulated("gpu-l40s-1").xid(card.pci_address, 79)
        self.eventually(
            "reserved after the XID", lambda: self.reserved(card) == 1, 30
        )
        self.assertLess(time.monotonic() - began, 10)
        found = self.operator.get_device(card.id)
        self.assertEqual("BAD", found.health)
        self.assertIn("79", str(found.health_reasons))
        self.operator.unfence_device(card.id, reason="health")
        self.eventually("given back", lambda: not self.reasons(card))

    def test_an_applications_xid_never_fences(self):
        card = self.cards("gpu-l40s-1")[3]
        before = self.told("gpu-l40s-1", card, 13)
        self.simulated("gpu-l40s-1").xid(card.pci_address, 13)
        # The API judges a report before it answers.
        self.eventually(
            "the API has taken the line",
            lambda: self.told("gpu-l40s-1", card, 13) - before,
        )
        found = self.operator.get_device(card.id)
        self.assertEqual(
            ("OK", [], []), (found.health, found.health_reasons, found.fences)
        )
        self.assertEqual(0, self.reserved(card))

    def test_a_vanished_card_is_a_state_and_comes_back(self):
        card = self.cards("gpu-l40s-1")[0]
        host = self.simulated("gpu-l40s-1")
        host.remove(card.pci_address)
        self.addCleanup(host.restore, card.pci_address)
        self.eventually("fenced", lambda: "health" in self.reasons(card))
        found = self.operator.get_device(card.id)
        self.assertEqual(card.serial, found.serial)
        host.restore(card.pci_address)
        self.operator.unfence_device(card.id, reason="health")
        self.eventually("given back", lambda: not self.reasons(card))

    def test_a_server_made_around_the_broker_counts_as_used(self):
        flavor = self.admin.compute.create_flavor(
            name="around", vcpus=1, ram=512, disk=1, is_public=True
        )
        self.addCleanup(self.admin.compute.delete_flavor, flavor)
        self.admin.compute.create_flavor_extra_specs(
            flavor, {"pci_passthrough:alias": "l40s-48gb:1"}
        )
        server = self.member.compute.create_server(
            name="around",
            flavor_id=flavor.id,
            image_id=self.workload()["image"],
            networks="none",
        )
        self.addCleanup(self.member.compute.delete_server, server)
        self.member.compute.wait_for_server(server, wait=base.PATIENCE)
        self.eventually(
            "a card is used from outside",
            lambda: [
                card
                for card in self.cards("gpu-l40s-1")
                if card.use["kind"] == "external"
            ],
        )
        self.assertEqual(3, self.offer("vm.gpu.l40s.1").available)

    # -- helpers of these tests ---------------------------------------------

    def simulated(self, host):
        return simulated_hosts.of(self.cloud.layout, host)

    def told(self, host, card, code):
        """Lines with this XID that the host's agent knows to be reported."""
        folder = self.cloud.layout.host(host) / "agent"
        try:
            journal = json.loads((folder / f"agent-{host}.json").read_text())
        except FileNotFoundError:
            return set()
        return {
            seen["id"]
            for seen in journal["observations"]
            if (seen["pci_address"], seen["code"]) == (card.pci_address, code)
            and seen["told"]
        }

    def reasons(self, card):
        found = self.operator.get_device(card.id)
        return {fence["reason"] for fence in found.fences}
