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

OLD = builders.start("0c", 3)
#: Another try of the same server as the lease that starts.
AGAIN = builders.GO.replace("-1", "-2")


class Tickets(base.AuditTest):
    def test_a_ticket_of_no_lease(self):
        self.small.tickets["old"] = self.small.ticket(OLD, host="g2")
        self.finds("ticket-left", builders.ticket(OLD), "g2.example.org")

    def test_a_ticket_of_no_lease_on_a_host_where_one_starts(self):
        self.small.tickets["old"] = self.small.ticket(OLD)
        self.finds("ticket-left", builders.ticket(OLD))

    def test_a_ticket_of_no_lease_where_an_adopted_server_runs(self):
        """Nothing was ever made for that one's lease."""
        self.small.adopt("run")
        self.finds_nothing()
        self.small.tickets["old"] = self.small.ticket(OLD)
        self.finds("ticket-left", builders.ticket(OLD))

    def test_a_class_without_an_inventory(self):
        self.small.change("tickets", "run", places={})
        self.small.tickets["old"] = self.small.ticket(OLD)
        self.small.change("tickets", "old", places={})
        self.finds("ticket-left", builders.ticket(OLD), "on no host")

    def test_a_ticket_on_two_hosts(self):
        places = {"g1.example.org": ("run",), "g2.example.org": ()}
        self.small.change("tickets", "run", places=places)
        self.finds("ticket-doubled", "g2.example.org", "lease-run")

    def test_a_ticket_that_another_server_holds(self):
        places = {"g1.example.org": ("run", "around")}
        self.small.change("tickets", "run", places=places)
        self.finds("ticket-held-by-other", "around", "lease-run")

    def test_a_ticket_that_a_consumer_without_a_server_holds(self):
        places = {"g1.example.org": ("who",)}
        self.small.change("tickets", "run", places=places)
        self.finds("ticket-held-by-other", "who")

    def test_a_ticket_that_a_move_of_the_server_holds(self):
        places = {"g1.example.org": ("run", "move")}
        self.small.change("tickets", "run", places=places)
        self.small.migrations = frozenset({"move"})
        self.finds_nothing()

    def test_a_server_that_the_lease_does_not_know_yet(self):
        """The answer to its POST was lost; the broker looks for it."""
        self.small.servers["go"] = self.small.server("go", builders.GO)
        places = {"g1.example.org": ("go",)}
        self.small.change("tickets", "go", places=places)
        self.finds_nothing()

    def test_a_ticket_before_its_shape(self):
        del self.small.flavors["go"]
        self.finds_nothing()

    def test_a_ticket_that_waits_for_its_host(self):
        self.small.change("tickets", "go", places={})
        self.finds_nothing()

    def test_a_ticket_on_another_host_than_its_lease(self):
        del self.small.flavors["go"]
        self.small.tickets["go"] = self.small.ticket(builders.GO, host="g2")
        self.finds("ticket-left", builders.ticket(builders.GO))

    def test_a_resized_server_keeps_its_leases_ticket(self):
        self.small.change("servers", "run", flavor="m1.big", extra_specs={})
        self.small.tickets["run"] = self.small.ticket(builders.RUN)
        self.finds_nothing()


class KeyPairs(base.AuditTest):
    def pair(self, start):
        name = builders.shape(start)
        self.small.keypairs["key"] = snapshot.KeyPair(name=name)

    def test_one_of_no_lease(self):
        self.pair(OLD)
        found = self.finds("keypair-left", builders.shape(OLD))
        self.assertIn("keypair delete", found.advice)

    def test_one_of_a_lease_that_starts(self):
        self.small.change("leases", "go", identity_mode="service")
        del self.small.trusts["go"]
        self.pair(builders.GO)
        self.finds_nothing()
        # Its flavor goes first.
        del self.small.flavors["go"]
        self.finds_nothing()

    def test_a_lease_that_starts_in_its_users_name_needs_none(self):
        self.pair(builders.GO)
        self.finds("keypair-left", builders.shape(builders.GO))

    def test_one_of_another_try(self):
        self.small.change("leases", "go", identity_mode="service")
        del self.small.trusts["go"]
        self.pair(AGAIN)
        self.finds("keypair-left", builders.shape(AGAIN))

    def test_a_lease_that_runs_needs_none(self):
        self.small.change("leases", "run", identity_mode="service")
        self.pair(builders.RUN)
        self.finds("keypair-left", builders.shape(builders.RUN))

    def test_what_is_not_named_so_is_somebody_elses(self):
        self.small.keypairs["key"] = snapshot.KeyPair(name="ops")
        self.finds_nothing()


class Shapes(base.AuditTest):
    def test_a_shape_of_no_lease(self):
        self.small.flavors["old"] = self.small.shape(OLD, slots=(4,))
        self.finds("shape-left", builders.shape(OLD))

    def test_a_shape_that_looks_like_that_of_a_lease_that_starts(self):
        """There is one for it already, with the ticket beside it."""
        self.small.flavors["old"] = self.small.shape(AGAIN, slots=(2,))
        self.finds("shape-left", builders.shape(AGAIN))

    def test_a_shape_with_other_slots_than_its_lease(self):
        self.small.flavors["go"] = self.small.shape(builders.GO, slots=(4,))
        self.assertEqual(["shape-left", "ticket-left"], self.codes())

    def test_a_shape_whose_extra_specs_are_not_there_yet(self):
        self.small.change("flavors", "go", extra_specs={})
        self.finds_nothing()

    def test_a_shape_of_a_running_lease(self):
        self.small.flavors["run"] = self.small.shape(
            builders.RUN, slots=(0, 1)
        )
        self.finds("shape-of-active", builders.shape(builders.RUN), "run")

    def test_a_lease_that_just_runs_is_given_time(self):
        self.small.flavors["run"] = self.small.shape(
            builders.RUN, slots=(0, 1)
        )
        self.small.change("leases", "run", started_at=builders.ago(5))
        self.finds_nothing(grace=60)

    def test_a_public_flavor_is_no_shape(self):
        self.small.change("flavors", "plain", name="gpubroker-test")
        self.finds_nothing()


class Servers(base.AuditTest):
    def test_a_server_of_no_lease(self):
        self.small.servers["old"] = self.small.server("old", OLD)
        self.finds("server-left", "old", "p2")

    def test_its_cards_are_named(self):
        self.small.servers["old"] = self.small.server("old", OLD)
        self.small.change("cards", "g1-4", holders={"old": 1})
        self.small.change("devices", "g1-4", consumers=("old",))
        self.finds("server-left", builders.address(4))

    def test_a_server_known_by_its_flavors_name_alone(self):
        self.small.servers["old"] = self.small.server(
            "old", OLD, extra_specs={}
        )
        self.finds("server-left", "old")

    def test_a_new_one_is_given_time(self):
        self.small.servers["old"] = self.small.server(
            "old", OLD, updated_at=builders.ago(5)
        )
        self.finds_nothing(grace=60)

    def test_two_servers_for_one_node(self):
        self.small.servers["two"] = self.small.server("two", builders.RUN)
        self.finds("server-doubled", "run, two", "lease-run")

    def test_a_forged_tag(self):
        self.small.servers["who"] = self.small.server(
            "who", tags=("gpubroker:x:1",)
        )
        self.finds("server-tag-forged", "who", severity=base.WARNING)

    def test_a_leased_server_may_lose_its_tag(self):
        self.small.change("servers", "run", tags=())
        self.finds_nothing()
