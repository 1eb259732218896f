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

"""A server that ran before, on the real cloud, made a lease and ended."""

from __future__ import annotations

from openstack import exceptions

from tests.cloud import base

#: As this flavor, without the broker's knowing.
LIKE = "vm.gpu.a100.2"


class AdoptionTest(base.CloudTest):
    def test_it_becomes_a_lease_and_ends_as_one(self):
        server = self.old_server(LIKE)
        held = self.allocated_cards(server)
        self.assertEqual(2, len(held))
        refused = self.assertRaises(
            exceptions.ForbiddenException, self.gpus.adopt_lease, server
        )
        self.assertIn("gpubroker:lease:adopt", str(refused))
        adopted = self.operator.adopt_lease(server, flavor=LIKE, duration=3600)
        self.assertRaises(
            exceptions.ConflictException, self.operator.adopt_lease, server
        )
        lease = self.gpus.get_lease(adopted.id)
        self.assertEqual(
            ("active", "adopted", "old"),
            (lease.state, lease.identity_mode, lease.name),
        )
        seen = self.operator.get_lease(lease.id).servers[0]
        self.assertEqual(server, seen["id"])
        cards = [self.operator.get_device(c["id"]) for c in seen["devices"]]
        self.assertEqual(held, {card.provider["name"] for card in cards})
        self.eventually(
            "its cards are closed",
            lambda: [self.reserved(card) for card in cards] == [1, 1],
        )
        base.assert_clean(base.audit(self.cloud))
        self.assertEqual("", self.gpus.get_lease(lease.id).reason)
        self.end(lease)
        self.assertEqual([], self.servers())
        self.every_card_free()
        self.assertEqual(
            ["lease.adopted", "lease.ending", "lease.ended"],
            [*self.events(lease)],
        )

    def test_resized_it_is_left_alone_once_it_runs_without_its_cards(self):
        flavor = self.admin.compute.create_flavor(
            name="cpu.big", vcpus=1, ram=1024, disk=200
        )
        self.addCleanup(self.admin.compute.delete_flavor, flavor)
        for confirmed in (False, True):
            server = self.old_server(LIKE)
            lease = self.operator.adopt_lease(server)
            compute = self.member.compute
            compute.resize_server(server, flavor.id)
            self.becomes(server, "VERIFY_RESIZE")
            if confirmed:
                compute.confirm_server_resize(server)
                self.becomes(server, "ACTIVE")
            self.eventually(
                "the lease tells",
                lambda lease=lease: (
                    "not hold" in self.gpus.get_lease(lease.id).reason
                ),
            )
            self.end(lease)
            left = [server] if confirmed else []
            self.assertEqual(left, self.servers())
            told = "lease.server_left" in self.events(lease)
            self.assertEqual(confirmed, told)
            self.every_card_free()
        compute.delete_server(server)

    def becomes(self, server: str, status: str) -> None:
        def there() -> bool:
            seen = self.admin.compute.get_server(server)
            return seen.status == status and not seen.task_state

        self.eventually(status, there)
