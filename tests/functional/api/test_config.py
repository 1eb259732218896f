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


"""What an operator installs is what Nova takes."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import fixtures
import testtools
import yaml
from oslo_config import cfg

from gpubroker import errors
from gpubroker.services import catalogue
from gpubroker.services import config_render
from tests.fixtures import world as test_world


class Render(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = self.useFixture(test_world.World(("gpu-1", "gpu-2")))

    def render(self) -> config_render.Rendered:
        return config_render.render(self.world.core, "gpu-1")

    def options(self) -> cfg.ConfigOpts:
        """nova.conf as oslo.config reads it."""
        conf = cfg.ConfigOpts()
        for name in ("alias", "device_spec"):
            conf.register_opt(cfg.MultiStrOpt(name), group="pci")
        conf.register_opt(cfg.BoolOpt("report_in_placement"), group="pci")
        conf.register_opt(
            cfg.BoolOpt("pci_in_placement"), group="filter_scheduler"
        )
        folder = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(folder) / "nova.conf"
        path.write_text(self.render().nova_conf)
        conf([], default_config_files=[str(path)], default_config_dirs=[])
        return conf

    def test_every_slot_has_a_word_and_its_trait(self) -> None:
        aliases = [json.loads(text) for text in self.options().pci.alias]
        names = [alias["name"] for alias in aliases]
        self.assertEqual(
            [test_world.MODEL]
            + [f"{test_world.MODEL}-s{slot}" for slot in range(8)],
            names,
        )
        self.assertEqual(
            {
                "name": f"{test_world.MODEL}-s3",
                "device_type": "type-PF",
                "resource_class": "CUSTOM_GPU_A100_SXM4_80GB",
                "traits": "CUSTOM_GPUBROKER_SLOT_3",
            },
            aliases[4],
        )

    def test_an_alias_has_the_type_of_its_model(self) -> None:
        body = {
            "name": "mi300x",
            "family": "mi300x",
            "vendor": "AMD",
            "vendor_id": "1002",
            "product_ids": ["74a1"],
            "memory_mib": 196608,
        }
        catalogue.MODELS.add(
            self.world.core, {**body, "device_type": "type-PF"}
        )
        catalogue.FLAVORS.add(
            self.world.core,
            {
                "name": "amd",
                "models": ["mi300x"],
                "gpus": 1,
                "vcpus": 1,
                "ram_mib": 1,
                "disk_gib": 1,
            },
        )
        self.assertEqual({"type-PF"}, self.types("mi300x"))
        catalogue.MODELS.change(
            self.world.core,
            "mi300x",
            {"device_type": "type-PCI"},
            lambda _generation: None,
        )
        self.assertEqual({"type-PCI"}, self.types("mi300x"))

    def types(self, model: str) -> set[str]:
        found = [json.loads(text) for text in self.options().pci.alias]
        return {
            alias["device_type"]
            for alias in found
            if alias["name"].startswith(model)
        }

    def test_the_cards_are_reported_in_the_class_of_their_model(self) -> None:
        conf = self.options()
        self.assertTrue(conf.pci.report_in_placement)
        self.assertTrue(conf.filter_scheduler.pci_in_placement)
        with self.world.store.read() as tx:
            product = tx.devices.of_host("gpu-1")[0].product_id
        (spec,) = [json.loads(text) for text in conf.pci.device_spec]
        self.assertEqual(product, spec["product_id"])
        self.assertEqual("CUSTOM_GPU_A100_SXM4_80GB", spec["resource_class"])

    def test_the_words_are_the_same_for_every_host(self) -> None:
        other = config_render.render(self.world.core, "gpu-2").nova_conf
        ours = self.render().nova_conf
        self.assertEqual(_aliases(ours), _aliases(other))

    def test_every_card_gets_its_slot(self) -> None:
        rendered = self.render()
        document = yaml.safe_load(rendered.provider_yaml)
        self.assertEqual({"schema_version": "1.0"}, document["meta"])
        self.assertIn("schema_version: '1.0'", rendered.provider_yaml)
        found = {
            provider["identification"]["name"]: provider["traits"][
                "additional"
            ]
            for provider in document["providers"]
        }
        tree = self.world.trees["gpu-1"]
        self.assertEqual(
            {
                f"{tree.hypervisor}_{address.upper()}": [
                    f"CUSTOM_GPUBROKER_SLOT_{slot}"
                ]
                for address, slot in rendered.slots.items()
            },
            found,
        )

    def test_two_models_of_one_product_go_by_address(self) -> None:
        with self.world.store.write() as tx:
            model = tx.models.get(test_world.MODEL)
            tx.models.add(dataclasses.replace(model, name="twin"))
            card = tx.devices.of_host("gpu-1")[0]
            tx.devices.update(dataclasses.replace(card, model="twin"))
        specs = [json.loads(text) for text in self.options().pci.device_spec]
        self.assertEqual(8, len(specs))
        self.assertEqual("0000:07:00.0", specs[0]["address"])

    def test_a_card_without_a_model_is_named_in_a_comment(self) -> None:
        with self.world.store.write() as tx:
            card = tx.devices.of_host("gpu-1")[0]
            tx.devices.update(
                dataclasses.replace(
                    card, model=None, vendor_id="10de", product_id="ffff"
                )
            )
        self.assertIn(
            "# 0000:07:00.0: no model stands for 10de:ffff",
            self.render().nova_conf,
        )


class Rules(testtools.TestCase):
    """Of nova/compute/provider_config.py."""

    def refused(self, **changes: object) -> str:
        document = {
            "meta": {"schema_version": "1.0"},
            "providers": [self.provider()],
            **changes,
        }
        error = self.assertRaises(
            errors.Conflict, config_render.check_provider_config, document
        )
        return error.message

    @staticmethod
    def provider(
        name: str = "h_0000:07:00.0", trait: str = "CUSTOM_A"
    ) -> object:
        return {
            "identification": {"name": name},
            "traits": {"additional": [trait]},
        }

    def test_refuses(self) -> None:
        for words, changes in (
            ("schema_version", {"meta": {"schema_version": 1.0}}),
            ("schema_version", {"meta": {"schema_version": "2.0"}}),
            ("too long", {"providers": [self.provider(name="x" * 201)]}),
            ("twice", {"providers": [self.provider(), self.provider()]}),
            ("custom", {"providers": [self.provider(trait="HW_CPU_X86")]}),
            ("custom", {"providers": [self.provider(trait="CUSTOM_a")]}),
        ):
            self.assertIn(words, self.refused(**changes))

    def test_takes_what_is_right(self) -> None:
        config_render.check_provider_config(
            {
                "meta": {"schema_version": "1.0"},
                "providers": [self.provider()],
            }
        )


def _aliases(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("alias")]
