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


class Stuck(base.AuditTest):
    def test_a_lease_that_starts_for_long(self):
        self.small.change("leases", "go", moved_at=builders.ago(660))
        self.finds(
            "lease-stuck", "lease-go", "11 minutes", severity=base.WARNING
        )

    def test_a_lease_that_ends_for_long(self):
        del self.small.trusts["go"]
        self.small.change(
            "leases",
            "go",
            state="ending",
            target="ended",
            moved_at=builders.ago(660),
            reason="Waits until Nova has removed the server.",
        )
        self.finds("lease-stuck", "ending", "Waits", severity=base.WARNING)

    def test_patience_is_the_operators(self):
        self.small.change("leases", "go", moved_at=builders.ago(660))
        self.finds_nothing(patience=700)


class Idle(base.AuditTest):
    """A lease for one card waits, and a card has been free all the time."""

    def setUp(self) -> None:
        super().setUp()
        self.small.change(
            "leases",
            "wait",
            flavor="one",
            requested_at=builders.ago(700),
            place=1,
            reason="Waits for a plan.",
        )
        self.small.offers["one"] = snapshot.Offer(
            flavor="one", available=1, hosts={"g1": 1, "g2": 0}
        )

    def test_it_could_start(self):
        self.finds(
            "lease-idle", "lease-wait", "g1", "Waits", severity=base.WARNING
        )

    def test_not_when_nothing_is_offered(self):
        self.small.change("offers", "one", available=0)
        self.finds_nothing()

    def test_not_when_another_comes_first(self):
        self.small.change("leases", "wait", place=2)
        self.finds_nothing()

    def test_not_when_it_waits_for_its_users_rights(self):
        self.small.change("leases", "wait", place=None)
        self.finds_nothing()

    def test_not_when_the_card_was_just_given_back(self):
        self.small.change("devices", "g1-4", updated_at=builders.ago(30))
        self.finds_nothing()

    def test_not_when_it_needs_more_cards(self):
        self.small.change("leases", "wait", gpus=2)
        self.finds_nothing()

    def test_not_when_it_needs_more_nodes(self):
        nodes = (snapshot.Node(index=0), snapshot.Node(index=1))
        self.small.change("leases", "wait", nodes=nodes)
        self.finds_nothing()

    def test_not_when_it_asks_for_a_zone(self):
        self.small.change("leases", "wait", zone="west")
        self.finds_nothing()

    def test_not_when_it_was_just_ordered(self):
        self.small.change("leases", "wait", requested_at=builders.ago(30))
        self.finds_nothing()

    def test_not_when_the_cards_are_of_another_pool(self):
        self.small.change("hosts", "g1", pool="other")
        self.finds_nothing()
