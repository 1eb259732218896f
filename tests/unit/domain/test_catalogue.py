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


import re

import testtools

from gpubroker.domain import catalogue
from gpubroker.domain import models


def find(
    product_id: str,
    subsystem_id: str | None = None,
    known: tuple[models.Model, ...] = catalogue.MODELS,
) -> str | None:
    model = catalogue.lookup(known, "10de", product_id, subsystem_id)
    return model.name if model else None


class TableTest(testtools.TestCase):
    def test_every_card_has_one_name(self) -> None:
        seen: set[tuple[str, str]] = set()
        for model in catalogue.MODELS:
            for product_id in model.product_ids:
                for subsystem_id in model.subsystem_ids or ("",):
                    key = (product_id, subsystem_id)
                    self.assertNotIn(key, seen)
                    seen.add(key)

    def test_names_are_slugs_that_nova_and_placement_accept(self) -> None:
        names = [model.name for model in catalogue.MODELS]
        self.assertEqual(len(names), len(set(names)))
        for model in catalogue.MODELS:
            self.assertRegex(model.name, r"^[a-z0-9]+(-[a-z0-9]+)+$")
            self.assertRegex(model.resource_class, r"^CUSTOM_[A-Z0-9_]+$")
            for product_id in model.product_ids:
                self.assertRegex(product_id, r"^[0-9a-f]{4}$")

    def test_memory_is_what_the_name_says(self) -> None:
        for model in catalogue.MODELS:
            match = re.search(r"-(\d+)gb$", model.name)
            assert match is not None
            self.assertEqual(int(match[1]) * 1024, model.memory_mib)

    def test_blocks_of_a_board_are_pairs_quads_and_the_board(self) -> None:
        model = catalogue.lookup(catalogue.MODELS, "10de", "20b2", None)
        assert model is not None
        self.assertEqual(8, model.board_slots)
        sizes = [len(block) for block in model.blocks]
        self.assertEqual([2, 2, 2, 2, 4, 4, 8], sizes)
        self.assertEqual(set(range(8)), set(model.blocks[-1]))


class DeviceTypeTest(testtools.TestCase):
    def test_from_ampere_on_cards_have_sriov(self) -> None:
        plain = {
            model.family
            for model in catalogue.MODELS
            if model.device_type is models.DeviceType.PCI
        }
        self.assertEqual({"v100", "t4"}, plain)


class LookupTest(testtools.TestCase):
    def test_device_id_alone(self) -> None:
        self.assertEqual("a100-sxm4-80gb", find("20b2", "10de:1463"))
        self.assertEqual("h100-sxm5-80gb", find("2330", None))
        self.assertEqual("l40s-48gb", find("26B9", "10DE:1851"))

    def test_subsystem_tells_a16_from_a2(self) -> None:
        self.assertEqual("a16-16gb", find("25b6", "10de:14a9"))
        self.assertEqual("a2-16gb", find("25b6", "10DE:157E"))
        self.assertIsNone(find("25b6", "10de:ffff"))
        self.assertIsNone(find("25b6", None))

    def test_unknown_device_and_vendor(self) -> None:
        self.assertIsNone(find("ffff"))
        self.assertIsNone(
            catalogue.lookup(catalogue.MODELS, "1002", "20b2", None)
        )

    def test_operators_model_comes_before_the_builtin(self) -> None:
        def own(name: str, *subsystem_ids: str) -> models.Model:
            return models.Model(
                name=name,
                family="a100",
                vendor="NVIDIA",
                vendor_id="10de",
                product_ids=("20b2",),
                subsystem_ids=subsystem_ids,
                memory_mib=1,
                resource_class="CUSTOM_X",
                alias="x",
            )

        plain = (*catalogue.MODELS, own("ours"))
        self.assertEqual("ours", find("20b2", "10de:1463", plain))
        exact = (*plain, own("special", "10de:1463"))
        self.assertEqual("special", find("20b2", "10de:1463", exact))
        self.assertEqual("ours", find("20b2", "10de:147f", exact))
