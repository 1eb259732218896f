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

import testtools

from gpubroker.client.sdk import flavor
from gpubroker.client.sdk import model
from gpubroker.dashboard.content.admin.models import listed as models


class ModelsTest(testtools.TestCase):
    def test_each_has_the_flavors_that_name_it(self) -> None:
        found = models.listed(
            [model.Model(name="b"), model.Model(name="a")],
            [
                flavor.Flavor(name="two", models=["b", "a"]),
                flavor.Flavor(name="one", models=["b"]),
            ],
        )
        self.assertEqual(
            [("a", ("two",)), ("b", ("one", "two"))],
            [(one.name, one.flavors) for one in found],
        )

    def test_is_known_on_the_bus_by_all_its_ids(self) -> None:
        card = model.Model(
            vendor_id="10de",
            product_ids=["20b0", "20b2"],
            subsystem_ids=["10de:1463"],
        )
        self.assertEqual(
            "10de:20b0, 10de:20b2 (10de:1463)", models.Listed(card).ids
        )
