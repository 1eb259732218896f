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


"""How many SQL statements a call takes; never more for more rows."""

from __future__ import annotations

import dataclasses
import uuid

import testtools

from gpubroker.domain import hosts
from gpubroker.domain import pools
from tests.fixtures import api as api_fixture
from tests.fixtures import database

ADMIN = api_fixture.ADMIN


class Lists(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api(("gpu-1", "gpu-2")))

    def count(self, path: str, who: api_fixture.Persona = ADMIN) -> int:
        with database.counted(self.api.world.store) as found:
            answer = self.api.call("GET", path, who=who)
        self.assertEqual(200, answer.status_int, answer.text)
        return len(found)

    def order(self, many: int) -> None:
        for _ in range(many):
            self.api.world.order(flavor="gpu.1")

    def test_leases(self) -> None:
        # Sixteen find a card, the others wait: no list is without either.
        self.order(18)
        self.api.world.turn()
        wanted = {"/v1/leases": api_fixture.MEMBER}
        wanted["/v1/leases?all_projects=true"] = ADMIN
        before = {p: self.count(p, who) for p, who in wanted.items()}
        self.order(10)
        after = {p: self.count(p, who) for p, who in wanted.items()}
        self.assertEqual(before, after)
        self.assertLessEqual(max(after.values()), 8, after)

    def test_devices_and_hosts(self) -> None:
        for path in ("/v1/devices", "/v1/hosts"):
            self.assertEqual(
                self.count(f"{path}?limit=1"), self.count(path), path
            )

    def test_offers(self) -> None:
        """Neither hosts nor pools nor orders make more of them."""
        self.count("/v1/offers")
        few = self.count("/v1/offers")
        with self.api.world.store.write() as tx:
            for number in range(3):
                name = f"pool-{number}"
                tx.pools.add(pools.Pool(name=name))
                tx.hosts.add(
                    hosts.Host(name=name, hypervisor_hostname=name, pool=name)
                )
        self.order(18)
        self.api.world.turn()
        self.assertGreater(self.count("/v1/offers"), few)
        self.assertEqual(few, self.count("/v1/offers"))
        self.assertLessEqual(few, 9)

    def test_models_flavors_and_pools(self) -> None:
        for path in ("/v1/models", "/v1/flavors", "/v1/pools"):
            few = self.count(f"{path}?limit=1")
            with self.api.world.store.write() as tx:
                model = tx.models.get(api_fixture.MODEL)
                flavor = tx.flavors.get("gpu.1")
                for _ in range(5):
                    name = str(uuid.uuid4())
                    tx.models.add(dataclasses.replace(model, name=name))
                    tx.flavors.add(
                        dataclasses.replace(flavor, id=name, name=name)
                    )
            self.assertEqual(few, self.count(f"{path}?limit=5"), path)
