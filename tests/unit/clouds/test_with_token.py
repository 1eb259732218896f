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

"""The cloud with a caller's own token."""

from __future__ import annotations

from gpubroker import errors
from tests.unit.clouds import wire

WORKLOAD = {
    "image": "i1",
    "networks": [{"network": "n1"}, {"network": "n2"}],
    "key_name": "k",
}


class WithToken(wire.WireCase):
    def setUp(self):
        super().setUp()
        self.cloud = self.clouds.identity.with_token(
            "user-token", wire.token(wire.USER)
        )
        self.wire.get(f"{wire.GLANCE}/v2/images/i1", json={"status": "active"})
        for name in ("n1", "n2"):
            self.wire.get(
                f"{wire.NEUTRON}/v2.0/networks/{name}", json={"network": {}}
            )
        self.wire.get(f"{wire.NOVA}/os-keypairs/k", json={"keypair": {}})

    def test_keystone_is_not_asked_again_about_a_validated_token(self):
        self.cloud.check(WORKLOAD)
        self.assertEqual([], self.sent("GET", "/auth/tokens"))
        self.assertEqual(
            {"user-token"},
            {
                request.headers["X-Auth-Token"]
                for request in self.wire.request_history
                if "os-keypairs" in request.path
            },
        )

    def test_an_endpoint_that_was_missing_is_looked_for_again(self):
        """The token's validation is remembered for minutes."""
        old = wire.token(wire.USER)
        old["token"]["catalog"] = [
            entry
            for entry in old["token"]["catalog"]
            if entry["type"] != "compute"
        ]
        self.wire.get(
            f"{wire.KEYSTONE}/auth/tokens", json=wire.token(wire.USER)
        )
        cloud = self.clouds.identity.with_token("user-token", old)
        cloud.check(WORKLOAD)
        self.assertEqual(1, len(self.sent("GET", "/auth/tokens")))

    def test_of_several_faults_the_first_field_is_named(self):
        self.wire.get(f"{wire.NOVA}/os-keypairs/k", status_code=404)
        for name in ("n1", "n2"):
            self.wire.get(
                f"{wire.NEUTRON}/v2.0/networks/{name}", status_code=404
            )
        for _round in range(5):
            raised = self.assertRaises(
                errors.Invalid, self.cloud.check, WORKLOAD
            )
            self.assertIn("workload.networks[0].network", raised.message)
