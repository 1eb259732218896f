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

"""The auditor against the real cloud: what is planted is found, by name."""

from __future__ import annotations

import json
import os
import subprocess
import uuid

from gpubroker.audit import findings
from sandbox import layout as layouts
from sandbox import tenants
from tests.cloud import base


class Clean(base.CloudTest):
    def test_before_during_and_after_a_lease(self):
        base.assert_clean(base.audit(self.cloud))
        lease = self.active()
        for card in self.operator.devices(lease_id=lease.id):
            self.eventually(
                "fenced", lambda card=card: self.reserved(card) == 1
            )
        found = base.audit(self.cloud)
        base.assert_clean(found)
        self.assertEqual(1, sum(le.open for le in found.seen.leases))
        self.assertEqual(1, len(found.seen.tickets))
        (port,) = found.seen.ports
        self.assertEqual(lease.servers[0]["id"], port.device_id)
        waits = self.order("vm.gpu.a100.8")
        self.eventually("in the queue", lambda: self.place(waits) == 1)
        base.assert_clean(base.audit(self.cloud))
        self.end(waits)
        self.end(lease)
        base.assert_clean(base.audit(self.cloud))

    def test_as_the_program_that_operators_run(self):
        done = self.run_program("sandbox-admin", "-f", "json")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual([], found["findings"])
        self.assertEqual(20, found["looked_at"]["card"])

    def test_a_member_can_not_look(self):
        done = self.run_program("sandbox")
        self.assertEqual(2, done.returncode, done.stdout + done.stderr)
        for service in ("gpubroker", "Nova", "Placement", "Keystone"):
            self.assertIn(f"{service}: refuses (403)", done.stderr)

    def place(self, lease):
        queue = self.gpus.get_lease(lease.id).queue
        return queue and queue["place"]

    def run_program(self, cloud, *options):
        return subprocess.run(
            [
                layouts.broker_program("gpubroker-audit"),
                *("--os-cloud", cloud, "--grace", "0", *options),
            ],
            env={
                **os.environ,
                "OS_CLIENT_CONFIG_FILE": str(self.cloud.layout.clouds),
            },
            capture_output=True,
            text=True,
        )


class Planted(base.CloudTest):
    """Nobody tidies up meanwhile: the worker is stopped."""

    def setUp(self):
        super().setUp()
        self.cloud.stop("gpubroker-worker")
        self.addCleanup(self.cloud.start, "gpubroker-worker")

    def finds(self, code, *names):
        """And says which; ``clean`` says that nothing else is found."""
        found = base.audit(self.cloud)
        (finding,) = [one for one in found.found if one.code == code]
        for name in names:
            self.assertIn(name, finding.sentence)
        return finding

    def clean(self):
        base.assert_clean(base.audit(self.cloud))

    def free_card(self):
        return self.cards("gpu-l40s-1")[0]

    def ours(self):
        """What the names of this broker's things have in common."""
        return self.operator.get("/installation").json()["name"]

    def plant_flavor(self, name):
        """:returns: a call that takes it away."""
        flavor = self.admin.compute.create_flavor(
            name=name,
            flavor_id=name,
            is_public=False,
            **{"vcpus": 1, "ram": 512, "disk": 1},
        )
        self.addCleanup(self.admin.compute.delete_flavor, flavor)
        return lambda: self.admin.compute.delete_flavor(flavor)

    def plant_ticket(self, name):
        url = f"/resource_classes/{name}"
        self.admin.placement.put(url, microversion="1.39")
        self.addCleanup(self.admin.placement.delete, url, microversion="1.39")
        return lambda: self.admin.placement.delete(url, microversion="1.39")

    def test_a_leftover_flavor(self):
        name = f"gpubroker-{self.ours()}-planted-1"
        delete = self.plant_flavor(name)
        self.finds("shape-left", name)
        delete()
        self.clean()

    def test_a_leftover_ticket(self):
        name = f"CUSTOM_GPUBROKER_{self.ours().upper()}_PLANTED_1"
        delete = self.plant_ticket(name)
        self.finds("ticket-left", name)
        delete()
        self.clean()

    def test_things_of_another_installation(self):
        """They are told, and nothing is wrong with them."""
        self.plant_flavor("gpubroker-0badcafe-planted-1")
        self.plant_ticket("CUSTOM_GPUBROKER_0BADCAFE_PLANTED_1")
        self.finds(
            "installation-other", "0badcafe", "1 private flavor", "1 ticket"
        )
        self.clean()

    def test_a_card_that_somebody_closed(self):
        card = self.free_card()
        self.write_reserved(card, 1)
        self.addCleanup(self.write_reserved, card, 0)
        self.finds("fence-unknown", card.pci_address, card.host)
        self.write_reserved(card, 0)
        self.clean()

    def test_an_allocation_of_nobody(self):
        card, consumer = self.free_card(), str(uuid.uuid4())
        self.addCleanup(self.let_go, consumer)
        self.hold(card, consumer)
        found = self.finds("card-orphaned", consumer, card.pci_address)
        self.assertIs(findings.Severity.ERROR, found.severity)
        # The broker, which is asleep, has not seen it.
        self.finds("card-use-differs", consumer)
        self.let_go(consumer)
        self.clean()

    def test_a_server_with_a_forged_tag(self):
        flavor = self.member.compute.find_flavor(tenants.CPU_FLAVOR)
        server = self.member.compute.create_server(
            name="forged",
            flavor_id=flavor.id,
            image_id=self.workload()["image"],
            networks="none",
            tags=["gpubroker:0a0a0a0a:1"],
        )
        self.addCleanup(self.remove, server)
        self.member.compute.wait_for_server(server, wait=base.PATIENCE)
        found = self.finds("server-tag-forged", server.id, "0a0a0a0a")
        self.assertIs(findings.Severity.WARNING, found.severity)
        self.remove(server)
        self.clean()

    # -- by hand ------------------------------------------------------------

    def hold(self, card, consumer):
        held = {card.provider["resource_class"]: 1}
        answer = self.admin.placement.put(
            f"/allocations/{consumer}",
            json={
                "allocations": {card.provider["id"]: {"resources": held}},
                "project_id": self.admin.current_project_id,
                "user_id": self.admin.current_user_id,
                "consumer_generation": None,
                "consumer_type": "PLANTED",
            },
            microversion="1.39",
        )
        self.assertEqual(204, answer.status_code, answer.text)

    def let_go(self, consumer):
        self.admin.placement.delete(
            f"/allocations/{consumer}", microversion="1.39"
        )

    def remove(self, server):
        self.member.compute.delete_server(server)
        self.member.compute.wait_for_delete(server, wait=base.PATIENCE)
