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

from gpubroker.audit import snapshot
from tests.unit.audit import base
from tests.unit.audit import builders


class Holders(base.AuditTest):
    def test_a_card_that_two_hold(self):
        holders = {"run": 1, "around": 1}
        self.small.change("cards", "g1-0", holders=holders)
        self.small.change("devices", "g1-0", consumers=("around", "run"))
        self.finds(
            "card-held-twice", builders.address(0), "around, run", "2 times"
        )

    def test_a_card_that_one_holds_twice(self):
        self.small.change("cards", "g1-0", holders={"run": 2})
        self.finds("card-held-twice", builders.address(0))

    def test_virtual_functions_may_have_many_holders(self):
        holders = {"run": 1, "around": 1}
        self.small.change(
            "cards", "g1-0", holders=holders, total=8, reserved=8
        )
        self.small.change("devices", "g1-0", consumers=("around", "run"))
        self.finds_nothing()

    def test_a_card_that_nobody_known_holds(self):
        self.small.change("cards", "g1-4", holders={"who": 1})
        self.small.change("devices", "g1-4", consumers=("who",))
        self.finds("card-orphaned", "who", builders.address(4))

    def test_a_card_that_a_move_of_a_server_holds(self):
        self.small.change("cards", "g1-4", holders={"who": 1})
        self.small.change("devices", "g1-4", consumers=("who",))
        self.small.migrations = frozenset({"who"})
        self.finds_nothing()

    def test_a_new_allocation_is_given_time(self):
        self.small.change(
            "cards", "g1-4", holders={"who": 1}, held_at=builders.ago(5)
        )
        self.finds_nothing(grace=60)

    def test_servers_around_the_broker_are_only_noted(self):
        (found,) = self.small.everything()
        self.assertEqual("cards-used-around", found.code)
        self.assertEqual(base.NOTE, found.severity)
        self.assertIn("2 cards", found.sentence)

    def test_other_pci_devices_are_none_of_its_business(self):
        self.small.cards["disk"] = snapshot.Card(
            id="disk",
            name="g1.example.org_0000:AA:00.0",
            hypervisor="g1.example.org",
            address="0000:aa:00.0",
            resource_class="CUSTOM_NVME",
            total=1,
            reserved=1,
            holders={"who": 1},
        )
        self.finds_nothing()


class WhatTheBrokerKnows(base.AuditTest):
    def test_a_card_held_that_it_has_free(self):
        self.small.change("cards", "g1-4", holders={"around": 1})
        self.finds(
            "card-use-differs",
            builders.address(4),
            "held by around in Placement",
            "free as the broker has it",
        )

    def test_a_card_free_that_it_has_held(self):
        self.small.change("devices", "g1-4", consumers=("around",))
        found = self.finds("card-use-differs", "is free in Placement")
        self.assertIsNone(found.since, "nobody knows since when")

    def test_what_was_just_taken_is_given_time(self):
        self.small.change(
            "cards", "g1-4", holders={"around": 1}, held_at=builders.ago(5)
        )
        self.finds_nothing(grace=60)

    def test_a_card_that_it_does_not_know(self):
        del self.small.devices["g1-4"]
        self.finds("card-unknown", builders.address(4), severity=base.WARNING)

    def test_a_host_that_it_does_not_know(self):
        del self.small.hosts["g2"]
        del self.small.devices["g2-0"], self.small.devices["g2-1"]
        self.assertEqual(["card-unknown"] * 2, self.codes())
        self.assertIn("nor its host", self.small.look()[0].sentence)

    def test_a_card_whose_provider_is_gone(self):
        del self.small.cards["g1-4"]
        self.finds("card-lost", builders.address(4), "provider-g1-4")

    def test_a_card_whose_provider_was_made_anew(self):
        self.small.change("cards", "g1-4", id="new")
        self.finds("card-lost", "provider-g1-4")

    def test_a_card_that_nova_does_not_manage(self):
        del self.small.cards["g1-4"]
        self.small.change("devices", "g1-4", provider_id=None)
        self.finds(
            "card-not-in-placement",
            builders.address(4),
            severity=base.WARNING,
        )

    def test_a_card_that_was_taken_out(self):
        del self.small.cards["g1-4"]
        self.small.change("devices", "g1-4", provider_id=None, present=False)
        self.finds_nothing()

    def test_a_card_put_in_where_another_was(self):
        self.small.devices["before"] = snapshot.Device(
            id="before",
            host="g1",
            address=builders.address(4),
            model="a100",
            present=False,
            fences=(snapshot.Fence(reason="health"),),
        )
        self.finds_nothing()


class Claims(base.AuditTest):
    def test_a_claim_without_a_lease(self):
        self.small.change("devices", "g1-4", claimed=True)
        self.finds("claim-left", builders.address(4))

    def test_a_claim_of_another_lease(self):
        self.small.change("devices", "g1-4", claimed=True, lease_id="wait")
        self.finds("claim-left", "wait")

    def test_a_lease_without_its_claim(self):
        self.small.change("devices", "g1-2", claimed=False, lease_id=None)
        self.finds("claim-lost", "lease-go", builders.address(2))

    def test_a_lease_that_ends_has_let_go(self):
        """Its own words come before the claims, in one transaction; it
        names its cards until then."""
        self.small.change("devices", "g1-2", claimed=False, lease_id=None)
        self.small.change("leases", "go", state="ended", target="ended")
        for things in (
            self.small.tickets,
            self.small.flavors,
            self.small.trusts,
        ):
            del things["go"]
        self.finds_nothing()
