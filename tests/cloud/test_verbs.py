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

"""What people do to a leased server through Nova, verb by verb.

The table in doc/source/user/running.rst says the same in words.
"""

from __future__ import annotations

import time

from sandbox import tenants
from tests.cloud import base

FLAVOR, HOST = "vm.gpu.l40s.2", "gpu-l40s-1"


class NovaTest(base.CloudTest):
    def post(self, server, verb, body=None, who=None, expected=(200, 202)):
        """:param who: acts on it; its user by default."""
        answer = (who or self.member).compute.post(
            f"/servers/{server}/action",
            json={verb: body},
            microversion="2.96",
        )
        self.assertIn(answer.status_code, expected, answer.text)
        return answer


class VerbsTest(NovaTest):
    def setUp(self):
        super().setUp()
        self.lease = self.active(FLAVOR)
        self.server = self.lease.servers[0]["id"]
        self.planned = self.allocated_cards(self.server)
        self.assertEqual(2, len(self.planned))
        (self.ticket,) = self.tickets_held()

    def act(self, verb, *what, **more):
        return self.post(self.server, verb, *what, **more)

    def seen(self):
        answer = self.admin.compute.get(f"/servers/{self.server}")
        return answer.json()["server"] if answer.status_code == 200 else {}

    def becomes(self, *statuses):
        def there():
            server = self.seen()
            idle = not server.get("OS-EXT-STS:task_state")
            return idle and server.get("status") in statuses

        self.eventually(f"server is {statuses}", there)

    def reason(self):
        lease = self.gpus.get_lease(self.lease.id)
        self.assertEqual("active", lease.state)
        return lease.reason or ""

    def keeps_its_cards(self):
        """At rest and over some looks of the broker."""
        self.eventually("nothing is wrong", lambda: not self.reason())
        self.assertEqual(self.planned, self.allocated_cards(self.server))
        self.assertEqual({self.ticket}, self.tickets_held())
        self.eventually(
            "its cards are closed",
            lambda: self.closed() == [1, 1],
        )

    def tickets_held(self):
        """Classes of tickets that the server's allocation has."""
        held = self.placement(f"/allocations/{self.server}")["allocations"]
        return {
            name
            for part in held.values()
            for name in part["resources"]
            if name.startswith(base.OURS)
        }

    def ticket_is_kept_for_it(self):
        """It is there, and of nobody at present."""
        self.assertEqual(set(), self.tickets_held())
        self.assertIn(self.ticket, self.tickets())

    def closed(self):
        """``reserved`` of the cards that are fenced for a lease."""
        return [
            self.reserved(card)
            for card in self.cards(HOST)
            if any(fence["reason"] == "lease" for fence in card.fences)
        ]

    def is_over(self, cause):
        ended = self.wait(self.lease, "ended")
        self.assertEqual(cause, ended.end_cause)
        self.assertNotIn(self.ticket, self.tickets())
        self.every_card_free()


class Harmless(VerbsTest):
    """The lease goes on and nothing about it changes, whoever does it."""

    def test_power_and_locks(self):
        user, admin = self.member, self.admin
        for who, verb, body, status in (
            (user, "os-stop", None, "SHUTOFF"),
            (admin, "os-start", None, "ACTIVE"),
            (user, "reboot", {"type": "HARD"}, "ACTIVE"),
            (admin, "pause", None, "PAUSED"),
            (user, "unpause", None, "ACTIVE"),
            (admin, "suspend", None, "SUSPENDED"),
            (user, "resume", None, "ACTIVE"),
            (admin, "os-stop", None, "SHUTOFF"),
            (user, "os-start", None, "ACTIVE"),
            (user, "lock", None, "ACTIVE"),
            (user, "unlock", None, "ACTIVE"),
            (admin, "lock", None, "ACTIVE"),
        ):
            self.act(verb, body, who)
            self.becomes(status)
            self.keeps_its_cards()

    def test_one_that_an_admin_locked_ends_all_the_same(self):
        self.act("lock", who=self.admin)
        self.becomes("ACTIVE")
        self.end(self.lease)

    def test_a_state_that_an_admin_sets(self):
        """As after a fault of Nova's: ERROR, and its cards still its own."""
        for state, status in (("error", "ERROR"), ("active", "ACTIVE")):
            self.set_state(state)
            self.becomes(status)
            self.eventually("the lease tells", lambda: self.told() == status)
            self.keeps_its_cards()
        self.set_state("error")
        self.end(self.lease)

    def set_state(self, state):
        self.act("os-resetState", {"state": state}, who=self.admin)

    def told(self):
        return self.gpus.get_lease(self.lease.id).servers[0]["status"]

    def test_rescue_and_rebuild(self):
        image = tenants.workload(self.member)["image"]
        for who, verb, body, status in (
            (self.member, "rescue", {}, "RESCUE"),
            (self.admin, "unrescue", None, "ACTIVE"),
            (self.member, "rebuild", {"imageRef": image}, "ACTIVE"),
            (self.admin, "rebuild", {"imageRef": image}, "ACTIVE"),
        ):
            self.act(verb, body, who)
            self.becomes(status)
            self.keeps_its_cards()

    def test_images_of_it(self):
        for verb, body in (
            ("createImage", {"name": "snapshot"}),
            (
                "createBackup",
                {"name": "b", "backup_type": "daily", "rotation": 1},
            ),
        ):
            made = self.act(verb, body).json()["image_id"]
            self.addCleanup(self.member.image.delete_image, made)
            self.becomes("ACTIVE")
        self.keeps_its_cards()

    def test_a_port_more_and_less(self):
        url = f"/servers/{self.server}/os-interface"
        network = self.member.network.find_network("demo-net")
        made = self.member.compute.post(
            url, json={"interfaceAttachment": {"net_id": network.id}}
        )
        self.assertEqual(200, made.status_code, made.text)
        port = made.json()["interfaceAttachment"]["port_id"]
        self.becomes("ACTIVE")
        gone = self.member.compute.delete(f"{url}/{port}")
        self.assertEqual(202, gone.status_code, gone.text)
        self.keeps_its_cards()


class Moves(VerbsTest):
    """Its ticket is on one host only: it stays where its cards are."""

    def test_migrations_find_no_other_host(self):
        live = {"block_migration": "auto", "host": None}
        for verb, body in (("migrate", None), ("os-migrateLive", live)):
            # Nova has it done by managers of a project, and administrators.
            self.act(verb, body, expected=(403,))
            self.act(verb, body, who=self.admin)
            self.becomes("ACTIVE")
            self.keeps_its_cards()

    def test_an_evacuation_finds_no_other_host(self):
        """And needs none: the server is there when its host is."""
        service = next(
            s
            for s in self.admin.compute.services(binary="nova-compute")
            if s.host == HOST
        )
        self.cloud.kill(f"nova-compute-{HOST}")
        self.addCleanup(self.back)
        self.force_down(service, True)
        self.eventually("it tells", lambda: "not answer" in self.reason())
        self.act("evacuate", {}, expected=(403,))
        # Nova says 200 to what its conductor has yet to do, which finds no
        # host, and leaves it in ERROR (nova/conductor/manager.py,
        # rebuild_instance).
        self.act("evacuate", {}, who=self.admin, expected=(200,))
        self.becomes("ERROR")
        self.force_down(service, False)
        self.cloud.start(f"nova-compute-{HOST}")
        self.keeps_its_cards()
        self.act("os-resetState", {"state": "active"}, who=self.admin)
        self.becomes("ACTIVE")
        self.keeps_its_cards()

    def back(self):
        if not self.cloud.processes.running(f"nova-compute-{HOST}"):
            self.cloud.start(f"nova-compute-{HOST}")

    def force_down(self, service, down):
        answer = self.admin.compute.put(
            f"/os-services/{service.id}",
            json={"forced_down": down},
            microversion="2.53",
        )
        self.assertEqual(200, answer.status_code, answer.text)


class Resizes(VerbsTest):
    def test_to_a_flavor_without_gpus_and_back(self):
        flavor = self.big_flavor()
        for one, other in (
            (self.member, self.admin),
            (self.admin, self.member),
        ):
            self.resized(flavor, one)
            # Nova's migration has it as long as the way back is open.
            self.ticket_is_kept_for_it()
            self.act("revertResize", who=other, expected=(202,))
            self.becomes("ACTIVE")
            self.keeps_its_cards()

    def test_to_a_flavor_without_gpus_for_good(self):
        self.resized(self.big_flavor(), self.admin)
        self.act("confirmResize", expected=(204,))
        self.becomes("ACTIVE")
        self.eventually("the lease tells", lambda: "not hold" in self.reason())
        self.ticket_is_kept_for_it()
        # Nobody else is given what the lease still holds.
        self.assertEqual(2, self.offer("vm.gpu.l40s.1").available)
        self.end(self.lease)

    def resized(self, flavor, who):
        self.act("resize", {"flavorRef": flavor}, who=who)
        self.becomes("VERIFY_RESIZE")
        self.eventually("the lease tells", lambda: "not hold" in self.reason())

    def big_flavor(self):
        flavor = self.admin.compute.create_flavor(
            name=f"cpu.big.{time.time()}", ram=1024, vcpus=1, disk=200
        )
        self.addCleanup(self.admin.compute.delete_flavor, flavor.id)
        return flavor.id


class Shelving(VerbsTest):
    def test_it_comes_back_onto_its_cards_or_ends(self):
        for who in (self.member, self.admin):
            self.shelved(who)
            self.comes_back(who)
        self.shelved(self.admin)
        self.end(self.lease)

    def shelved(self, who):
        self.act("shelve", who=who)
        self.becomes("SHELVED_OFFLOADED")
        self.eventually("the lease tells", lambda: "shelved" in self.reason())
        self.assertEqual(set(), self.allocated_cards(self.server))
        # Kept for it, and closed.
        self.ticket_is_kept_for_it()
        self.assertEqual(2, self.offer("vm.gpu.l40s.1").available)
        self.assertEqual([1, 1], self.closed())

    def comes_back(self, who):
        # The first time finds them closed, and is heard.
        self.act("unshelve", who=who)
        self.becomes("SHELVED_OFFLOADED")
        self.eventually("open", lambda: "once more" in self.reason())
        self.eventually("open in Placement", lambda: not self.closed())
        self.assertEqual(2, self.offer("vm.gpu.l40s.1").available)
        self.act("unshelve", who=who)
        self.becomes("ACTIVE")
        self.keeps_its_cards()

    def test_a_shelved_server_is_deleted(self):
        self.shelved(self.member)
        self.member.compute.delete_server(self.server)
        self.is_over("server_gone")


class Ends(NovaTest):
    """With its last server, whoever deletes which."""

    def test_delete(self):
        self.one_by_one(lambda who, server: who.compute.delete_server(server))

    def test_force_delete(self):
        self.one_by_one(
            lambda who, server: self.post(server, "forceDelete", who=who)
        )

    def one_by_one(self, delete):
        lease = self.active("vm.gpu.l40s.1", nodes=2)
        first, last = (server["id"] for server in lease.servers)
        delete(self.member, first)
        self.eventually(
            "the lease tells",
            lambda: "not hold" in (self.gpus.get_lease(lease.id).reason or ""),
        )
        self.assertEqual("active", self.gpus.get_lease(lease.id).state)
        delete(self.admin, last)
        self.assertEqual("server_gone", self.wait(lease, "ended").end_cause)
        self.assertEqual([], self.tickets())
        self.every_card_free()
