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
"""A tenant's server with every mark of a lease's server is not the lease's."""

from __future__ import annotations

from sandbox import tenants
from tests.cloud import base


class Forged(base.CloudTest):
    def test_it_outlives_the_lease_and_is_told_by_the_auditor(self) -> None:
        lease = self.active(
            "vm.gpu.l40s.1", workload=self.workload(metadata={"lease": "mine"})
        )
        nova = self.member.compute
        (seen,) = lease.servers
        real = nova.get_server(seen["id"])
        tags = nova.get(
            f"/servers/{real.id}/tags", microversion="2.26"
        ).json()["tags"]
        self.assertTrue(tags[0].startswith("gpubroker:"), tags)
        forged = nova.create_server(
            name=real.name,
            flavor_id=nova.find_flavor(tenants.CPU_FLAVOR).id,
            image_id=self.workload()["image"],
            networks="none",
            tags=tags,
            metadata=dict(real.metadata),
            description=f"lease {lease.id}",
        )
        self.addCleanup(nova.wait_for_delete, forged, wait=base.PATIENCE)
        self.addCleanup(nova.delete_server, forged)
        nova.wait_for_server(forged, wait=base.PATIENCE)
        found = base.audit(self.cloud).found
        self.assertEqual(
            [("server-tag-forged", (forged.id,))],
            [(one.code, one.about) for one in found],
        )
        (seen,) = self.gpus.get_lease(lease.id).servers
        self.assertEqual(real.id, seen["id"])
        self.end(lease)
        self.assertEqual("ACTIVE", nova.get_server(forged.id).status)
        self.assertIsNone(nova.find_server(real.id))
