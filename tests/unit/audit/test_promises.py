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

import dataclasses

from tests.unit.audit import base
from tests.unit.audit import builders


class LeaseServers(base.AuditTest):
    def test_a_server_that_is_gone(self):
        # Nothing else may be said of it: with the server its allocation,
        # ticket and port went.
        del self.small.servers["run"]
        for card in ("g1-0", "g1-1"):
            self.small.change("cards", card, holders={})
            self.small.change("devices", card, consumers=())
        self.small.tickets["run"] = self.small.ticket(builders.RUN)
        del self.small.ports["run"]
        self.finds("lease-server-gone", "lease-run", "run is gone")

    def test_a_server_that_is_deleted_softly(self):
        self.small.change("servers", "run", status="SOFT_DELETED")
        self.finds("lease-server-gone", "lease-run")

    def test_an_active_lease_that_names_no_server(self):
        self.small.node("run", server_id=None)
        self.assertIn("lease-server-gone", self.codes())

    def test_a_starting_lease_whose_server_is_gone(self):
        self.small.node("go", server_id="lost")
        self.finds("lease-server-gone", "lease-go", "lost")

    def test_one_that_just_changed_is_given_time(self):
        self.small.node("go", server_id="lost")
        self.finds_nothing(grace=60)

    def test_a_start_that_is_undone_may_lose_its_server(self):
        self.small.node("go", server_id="lost")
        self.small.change("leases", "go", target="queued")
        self.finds_nothing()

    def test_a_lease_that_ends_may_lose_its_server(self):
        self.small.node("go", server_id="lost")
        self.small.change("leases", "go", state="ending", target="ended")
        del self.small.trusts["go"]
        self.finds_nothing()

    def test_a_server_in_another_project(self):
        self.small.change("servers", "run", project_id="p9")
        self.finds("lease-server-foreign", "lease-run", "p9", "p1")

    def test_a_server_in_error(self):
        self.small.change("servers", "run", status="ERROR")
        self.finds("lease-server-error", "lease-run", "ERROR")


class LeaseCards(base.AuditTest):
    def give(self, card, holder):
        holders = {holder: 1} if holder else {}
        self.small.change("cards", card, holders=holders)
        self.small.change("devices", card, consumers=tuple(holders))

    def test_a_server_with_a_card_too_few(self):
        self.give("g1-1", None)
        self.finds("lease-cards-differ", "lease-run", builders.address(1))

    def test_a_server_with_a_card_too_many(self):
        self.give("g1-4", "run")
        self.finds("lease-cards-differ", "lease-run", builders.address(4))

    def test_a_server_with_another_card(self):
        self.give("g1-1", None)
        self.give("g1-4", "run")
        self.finds("lease-cards-differ", builders.address(4))

    def test_a_server_with_a_card_of_another_host(self):
        self.give("g1-1", None)
        self.give("g2-1", "run")
        self.finds("lease-host-differs", "g1.example.org", "g2.example.org")

    def test_a_server_that_nova_has_on_another_host(self):
        self.small.change("servers", "run", hypervisor="g2.example.org")
        self.finds("lease-host-differs", "g2.example.org")

    def test_a_shelved_server_holds_nothing_and_that_is_right(self):
        for card in ("g1-0", "g1-1"):
            self.give(card, None)
        self.small.change(
            "servers", "run", status="SHELVED_OFFLOADED", hypervisor=None
        )
        self.small.tickets["run"] = self.small.ticket(builders.RUN)
        self.finds("lease-shelved", "lease-run", severity=base.NOTE)

    def test_a_starting_lease_may_not_hold_its_cards_yet(self):
        self.small.servers["go"] = self.small.server(
            "go", builders.GO, project_id="p1", status="BUILD"
        )
        self.small.node("go", server_id="go")
        self.finds_nothing()

    def test_a_card_in_two_leases(self):
        (run,), (go,) = (
            self.small.leases[name].nodes for name in ("run", "go")
        )
        both = (*go.cards, run.cards[0])
        self.small.change(
            "leases", "go", nodes=(dataclasses.replace(go, cards=both),)
        )
        found = {f.code: f for f in self.small.look()}
        self.assertIn("go, run", found["card-in-two-leases"].sentence)
        self.assertIn(
            builders.address(0), found["card-in-two-leases"].sentence
        )
