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

"""Beside a cloud that is there already, and one that changes by itself."""

from __future__ import annotations

import time

from sandbox import installation
from sandbox import services
from sandbox import simulated_hosts
from tests.cloud import base

HOST = "gpu-l40s-1"
#: The sandbox's workers compare each host with Placement so often, in
#: seconds; and what may be between two of them.
PASSES = 2 * 10.0 + 5.0


class Case(base.CloudTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.as_it_was)

    def as_it_was(self):
        for card in self.cards(HOST):
            for fence in card.fences:
                if fence["reason"] in ("operator", "health"):
                    self.operator.unfence_device(
                        card.id, reason=fence["reason"]
                    )
        self.operator.update_host(HOST, mode="manage")

    def reasons(self, card):
        found = self.operator.get_device(card.id)
        return {fence["reason"] for fence in found.fences}

    def tree(self):
        """All that Placement has of the host."""
        path = "/resource_providers"
        (root,) = self.placement(f"{path}?name={HOST}")["resource_providers"]
        every = self.placement(f"{path}?in_tree={root['uuid']}")
        return {
            provider["name"]: {
                "provider": provider,
                **{
                    what: self.placement(f"{path}/{provider['uuid']}/{what}")
                    for what in ("inventories", "traits", "allocations")
                },
            }
            for provider in every["resource_providers"]
        }

    def nova(self):
        """All servers and flavors, also those that are nobody's business."""
        # With the extra specs of flavors.
        compute, more = self.admin.compute, {"microversion": "2.61"}
        servers = compute.get("/servers/detail?all_tenants=1", **more).json()
        flavors = compute.get("/flavors/detail?is_public=None", **more).json()
        return {
            **{
                one["id"]: (one["status"], one["tags"], one["metadata"])
                for one in servers["servers"]
            },
            **{
                one["id"]: (one["name"], one["extra_specs"])
                for one in flavors["flavors"]
            },
        }


class Observed(Case):
    def test_nothing_is_changed_whatever_the_broker_makes_of_it(self):
        """With a server on it, and a card that is broken."""
        self.old_server("vm.gpu.l40s.1", "before")
        self.operator.update_host(HOST, mode="observe")
        used = self.eventually("seen", self.used_outside)
        free = [card for card in self.cards(HOST) if card.id != used.id]
        before = self.tree(), self.nova()
        simulated = simulated_hosts.of(self.cloud.layout, HOST)
        simulated.xid(free[0].pci_address, 79)
        self.eventually("judged", lambda: "health" in self.reasons(free[0]))
        self.operator.fence_device(free[1].id, "looks odd")
        time.sleep(PASSES)
        self.assertEqual(before, (self.tree(), self.nova()))
        offer = self.offer("vm.gpu.l40s.1")
        self.assertEqual(0, offer.available)
        self.assertIn("observed", [one["reason"] for one in offer.blocked])

    def used_outside(self):
        return next(
            (c for c in self.cards(HOST) if c.use["kind"] == "external"), None
        )


class MadeAnew(Case):
    def test_cards_whose_providers_nova_has_made_anew_are_closed_again(self):
        """The compute service was deleted, and came back."""
        name = services.compute_name(HOST)
        card = self.cards(HOST)[0]
        known = [(c.id, c.serial, c.slot) for c in self.cards(HOST)]
        self.operator.fence_device(card.id, "looks odd")
        self.eventually("closed", lambda: self.reserved(card) == 1)
        self.addCleanup(self.runs, name)
        self.cloud.stop(name)
        self.deleted()
        self.eventually("gone", lambda: not self.provider(card))
        self.runs(name)
        installation.Installation(
            self.cloud.settings, self.cloud.processes
        ).hosts()
        self.eventually("there again", lambda: self.provider(card))
        self.eventually("closed again", lambda: self.closed(card), 60)
        self.assertEqual(
            known, [(c.id, c.serial, c.slot) for c in self.cards(HOST)]
        )
        self.assertIn("operator", self.reasons(card))

    def runs(self, name):
        if not self.cloud.processes.running(name):
            self.cloud.start(name)

    def deleted(self):
        (service,) = (
            one
            for one in self.admin.compute.services(binary="nova-compute")
            if one.host == HOST
        )
        answer = self.admin.compute.delete(
            f"/os-services/{service.id}", microversion="2.53"
        )
        self.assertEqual(204, answer.status_code, answer.text)

    def provider(self, card):
        return self.operator.get_device(card.id).provider

    def closed(self, card):
        found = self.operator.get_device(card.id)
        return found.provider and self.reserved(found) == 1
