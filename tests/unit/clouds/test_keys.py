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

from gpubroker.domain import leases
from tests.unit.clouds import wire

KEYS = f"{wire.NOVA}/os-keypairs"


class Keys(wire.WireCase):
    """Copies of users' public keys, with the broker's own user."""

    def setUp(self):
        super().setUp()
        self.compute = self.clouds.compute

    def test_made_once(self):
        for status in (201, 409):
            self.wire.post(KEYS, status_code=status, json={})
            self.compute.ensure_key("k1", leases.PublicKey("x509", "A"))
        sent = self.sent("POST", "/os-keypairs")
        self.assertEqual(
            {"keypair": {"name": "k1", "type": "x509", "public_key": "A"}},
            sent[0],
        )

    def test_gone_is_done(self):
        for status in (202, 404):
            self.wire.delete(f"{KEYS}/k1", status_code=status)
            self.compute.drop_key("k1")

    def test_all_pages(self):
        self.wire.get(KEYS, json=page("a", "b"))
        self.wire.get(f"{KEYS}?marker=b", json=page("c"))
        self.wire.get(f"{KEYS}?marker=c", json=page())
        self.assertEqual(["a", "b", "c"], self.compute.keys())


def page(*names):
    return {"keypairs": [{"keypair": {"name": name}} for name in names]}
