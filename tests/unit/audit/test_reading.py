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

import datetime
from typing import Any

from keystoneauth1 import exceptions

from gpubroker.audit import checks
from tests.unit.audit import base
from tests.unit.audit import wire


class Everything(base.ReadingTest):
    def test_what_is_read_of_a_healthy_cloud_has_no_findings(self):
        seen = self.read()
        patience = checks.Patience(datetime.timedelta(), base.TEN)
        self.assertEqual([], checks.run(seen, patience))
        counted = (seen.cards, seen.tickets, seen.servers, seen.leases)
        self.assertEqual([1, 1, 1, 1], [len(things) for things in counted])

    def test_nothing_is_ever_written(self):
        self.read()
        methods = {
            (request.method, request.path)
            for request in self.http.request_history
            if request.method != "GET"
        }
        self.assertEqual({("POST", "/v3/auth/tokens")}, methods)

    def test_it_asks_with_the_versions_that_it_knows(self):
        self.read()
        for url, version in (
            (f"{wire.NOVA}/servers/detail", "compute 2.96"),
            (f"{wire.PLACEMENT}/resource_classes", "placement 1.39"),
        ):
            (request,) = self.wire.asked(url)
            self.assertEqual(version, request.headers["OpenStack-API-Version"])

    def test_each_service_that_fails_is_named(self):
        self.http.get(f"{wire.NOVA}/servers/detail", status_code=503)
        self.http.get(
            f"{wire.BROKER}/v1/hosts", exc=exceptions.ConnectFailure("gone")
        )
        said = self.refused()
        self.assertIn("Nova: answers with 503", said)
        self.assertIn("gpubroker: does not answer", said)

    def test_missing_rights_are_said(self):
        self.http.get(
            f"{wire.AUTH_URL}/OS-TRUST/trusts",
            status_code=403,
            text="You are not authorized.",
        )
        said = self.refused()
        self.assertIn("Keystone: refuses (403)", said)
        self.assertIn("You are not authorized.", said)


class Placement(base.ReadingTest):
    def test_a_card(self):
        (card,) = self.read().cards
        self.assertEqual("g1.example.org", card.hypervisor)
        self.assertEqual("0000:07:00.0", card.address)
        self.assertEqual(
            (wire.RC, 1, 1), (card.resource_class, card.total, card.reserved)
        )
        self.assertEqual({"s1": 1}, card.holders)
        self.assertEqual(
            datetime.datetime(2026, 11, 23, 8, 0, 2, tzinfo=datetime.UTC),
            card.held_at,
        )

    def test_a_card_that_goes_away_meanwhile_is_no_card(self):
        self.http.get(
            f"{wire.PLACEMENT}/resource_providers/rp1/allocations",
            status_code=404,
        )
        self.assertEqual((), self.read().cards)

    def test_a_ticket_is_on_the_host_of_its_providers_root(self):
        (ticket,) = self.read().tickets
        self.assertEqual(wire.TICKET, ticket.name)
        self.assertEqual({"g1.example.org": ("s1",)}, ticket.places)

    def test_names_of_other_installations(self):
        """Of which this one has a ticket's provider and a mark of its own."""
        self.http.get(
            f"{wire.PLACEMENT}/resource_classes",
            json={
                "resource_classes": [
                    {"name": "VCPU"},
                    {"name": "CUSTOM_GPUBROKERMARK_0BADCAFE_7"},
                ]
            },
        )
        seen = self.read()
        self.assertEqual((), seen.tickets)
        self.assertEqual(
            ("CUSTOM_GPUBROKERMARK_0BADCAFE_7", "gpubroker_5c1f0e7a_g1"),
            seen.traces,
        )

    def test_a_class_without_an_inventory_is_a_ticket_too(self):
        self.http.get(
            f"{wire.PLACEMENT}/resource_providers/t1/inventories",
            json={"inventories": {}},
        )
        (ticket,) = self.read().tickets
        self.assertEqual({}, ticket.places)


class Keystone(base.ReadingTest):
    def trust(self, expires_at: str | None) -> dict[str, Any]:
        return {
            "id": "t1",
            "trustor_user_id": "u1",
            "project_id": "p1",
            "expires_at": expires_at,
        }

    def test_trusts_of_the_brokers_user_that_are_still_good(self):
        self.http.get(
            f"{wire.AUTH_URL}/OS-TRUST/trusts",
            json={
                "trusts": [
                    {**self.trust("2026-11-23T11:59:59.000000Z"), "id": "t0"},
                    self.trust("2027-11-23T11:59:59.000000Z"),
                ]
            },
        )
        self.assertEqual(["t1"], [one.id for one in self.read().trusts])
        (asked,) = self.wire.asked(f"{wire.AUTH_URL}/OS-TRUST/trusts")
        self.assertEqual(["b1"], asked.qs["trustee_user_id"])

    def test_a_name_that_two_users_have(self):
        self.http.get(
            f"{wire.AUTH_URL}/users",
            json={"users": [{"id": "1"}, {"id": "2"}]},
        )
        self.assertIn("--broker-user", self.refused())

    def test_an_id_instead_of_a_name(self):
        self.http.get(f"{wire.AUTH_URL}/users", json={"users": []})
        self.http.get(f"{wire.AUTH_URL}/users/b2", json={"user": {}})
        self.read("b2")
        (asked,) = self.wire.asked(f"{wire.AUTH_URL}/OS-TRUST/trusts")
        self.assertEqual(["b2"], asked.qs["trustee_user_id"])

    def test_a_user_that_is_not_there(self):
        self.http.get(f"{wire.AUTH_URL}/users", json={"users": []})
        self.http.get(f"{wire.AUTH_URL}/users/nobody", status_code=404)
        self.assertIn("has no user nobody", self.refused("nobody"))


class Neutron(base.ReadingTest):
    def test_ports_of_servers_on_its_hosts_and_of_its_leases(self):
        port = {
            "id": "n1",
            "device_id": "s1",
            "device_owner": "compute:nova",
            "binding:host_id": "g1",
            "created_at": "2026-11-23T08:00:01Z",
        }
        router = {**port, "id": "n2", "device_owner": "network:router"}
        self.http.get(
            f"{wire.NEUTRON}/v2.0/ports", json={"ports": [port, router]}
        )
        (found,) = self.read().ports
        self.assertEqual(
            ("n1", "s1", "g1"), (found.id, found.device_id, found.host)
        )
        hosts, servers = self.wire.asked(f"{wire.NEUTRON}/v2.0/ports")
        self.assertEqual(["g1"], hosts.qs["binding:host_id"])
        self.assertEqual(["s1"], servers.qs["device_id"])


class Broker(base.ReadingTest):
    def leases(self, **changes: Any) -> None:
        self.http.get(
            f"{wire.BROKER}/v1/leases",
            json={"leases": [{**wire.LEASE, **changes}]},
        )

    def test_which_installation_it_is(self):
        self.assertEqual(wire.INSTALLATION, self.read().installation)

    def test_a_broker_that_does_not_say_which_it_is(self):
        """Then nobody could tell its things from those of another one."""
        self.http.get(f"{wire.BROKER}/v1/installation", status_code=404)
        self.assertIn("has no /installation", self.refused())

    def test_leases_that_ended_long_ago_are_not_read_on(self):
        over = {**wire.LEASE, "state": "ended", "target": "ended"}
        old = {**over, "id": "l3", "updated_at": "2026-11-20T08:00:00Z"}
        self.http.get(
            f"{wire.BROKER}/v1/leases?state=ended,failed",
            json={
                "leases": [{**over, "id": "l2"}, old],
                "links": [{"rel": "next", "href": "x?marker=l3"}],
            },
        )
        found = {lease.id: lease.state for lease in self.read().leases}
        self.assertEqual({"l1": "active", "l2": "ended"}, found)

    def test_an_operator_who_may_not_see_hosts(self):
        hidden = {"node": 0, "id": "s1"}
        self.leases(servers=[hidden])
        self.assertIn("lease:show:detail", self.refused())

    def test_since_when_a_lease_starts_is_asked_when_it_is_old(self):
        self.leases(state="starting")
        url = f"{wire.BROKER}/v1/leases/l1/events"
        self.http.get(
            url, json={"events": [{"at": "2026-11-23T11:00:00.500Z"}]}
        )
        (lease,) = self.read().leases
        self.assertEqual(
            datetime.datetime(2026, 11, 23, 11, 0, 0, 500000, datetime.UTC),
            lease.moved_at,
        )

    def test_and_not_of_one_just_ordered(self):
        self.leases(state="starting", requested_at="2026-11-23T11:59:00Z")
        (lease,) = self.read().leases
        self.assertIsNone(lease.moved_at)

    def test_offers_are_read_when_a_lease_waits(self):
        self.leases(state="queued", queue={"place": 1, "waiting_for": "x"})
        self.http.get(
            f"{wire.BROKER}/v1/offers",
            json={
                "offers": [
                    {
                        "flavor": "vm.gpu.a100.1",
                        "available": 2,
                        "hosts": [{"host": "g1", "free": 2}],
                    }
                ]
            },
        )
        seen = self.read()
        self.assertEqual({"g1": 2}, seen.offers[0].hosts)
        self.assertEqual(1, seen.leases[0].place)


class Glance(base.ReadingTest):
    def setUp(self) -> None:
        super().setUp()
        waits = {**wire.LEASE, "state": "queued", "servers": []}
        self.http.get(f"{wire.BROKER}/v1/leases", json={"leases": [waits]})
        self.http.get(f"{wire.BROKER}/v1/offers", json={"offers": []})
        self.url = f"{wire.GLANCE}/v2.0/images/i1"

    def test_the_image_of_a_lease_that_waits(self):
        image = self.read().images["i1"]
        self.assertEqual(
            ("active", "public", "p2", ()),
            (image.status, image.visibility, image.owner, image.members),
        )

    def test_with_whom_it_is_shared(self):
        self.http.get(self.url, json={**wire.IMAGE, "visibility": "shared"})
        self.http.get(
            f"{self.url}/members",
            json={"members": [{"member_id": "p1", "status": "pending"}]},
        )
        self.assertEqual(("p1",), self.read().images["i1"].members)

    def test_one_that_is_gone(self):
        self.http.get(self.url, status_code=404)
        self.assertEqual({"i1": None}, self.read().images)

    def test_it_is_not_asked_when_no_lease_waits(self):
        self.http.get(
            f"{wire.BROKER}/v1/leases", json={"leases": [wire.LEASE]}
        )
        self.assertEqual({}, self.read().images)
        self.assertEqual([], self.wire.asked(wire.GLANCE))

    def test_all_else_is_told_without_it(self):
        self.http.get(self.url, status_code=503)
        seen = self.read()
        self.assertEqual({}, seen.images)
        self.assertIn("Glance: answers with 503", seen.images_unread)
