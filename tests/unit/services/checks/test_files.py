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

"""What is told of nova.conf, placement.conf and provider.yaml."""

from __future__ import annotations

import json
from typing import Any

from gpubroker.domain import catalogue
from gpubroker.services.checks import nova_conf
from gpubroker.services.checks import placement_conf
from gpubroker.services.checks import provider_config
from gpubroker.services.checks.mistakes import Mistake
from tests.unit.services.checks import base

CLASS = "CUSTOM_GPU_A100_SXM4_80GB"
ALIAS = {"name": "a-s0", "device_type": "type-PF", "resource_class": CLASS}
SPEC = {"vendor_id": "10de", "product_id": "20b2", "resource_class": CLASS}

API = {
    "filter_scheduler": {
        "pci_in_placement": ["true"],
        "enabled_filters": ["ComputeFilter,PciPassthroughFilter"],
    },
    "pci": {"alias": [json.dumps(ALIAS)]},
}
COMPUTE = {
    "filter_scheduler": {"pci_in_placement": ["True"]},
    "pci": {
        "alias": [json.dumps(ALIAS)],
        "device_spec": [json.dumps(SPEC)],
        "report_in_placement": ["yes"],
    },
}


class NovaConfTest(base.ChecksCase):
    def check(
        self, good: dict[str, Any], section: str, **options: list[str]
    ) -> list[Mistake | None]:
        """:param options: set otherwise; an empty list is left out."""
        merged = {**good.get(section, {}), **options}
        file = nova_conf.File(
            path="nova.conf",
            sections={
                **good,
                section: {name: v for name, v in merged.items() if v},
            },
        )
        return self.told(nova_conf.check(file, [ALIAS], catalogue.MODELS))

    def test_in_order(self) -> None:
        self.assertEqual([], self.check(API, "x"))
        self.assertEqual([], self.check(COMPUTE, "x"))

    def test_pci_in_placement(self) -> None:
        for good in (API, COMPUTE):
            for values in ([], ["false"], ["true", "no"]):
                found = self.check(
                    good, "filter_scheduler", pci_in_placement=values
                )
                self.assertEqual([Mistake.FILE_PCI_IN_PLACEMENT], found)

    def test_report_in_placement(self) -> None:
        found = self.check(COMPUTE, "pci", report_in_placement=[])
        self.assertEqual([Mistake.FILE_REPORT_IN_PLACEMENT], found)

    def test_filters(self) -> None:
        for values in ([], ["ComputeFilter"]):
            found = self.check(API, "filter_scheduler", enabled_filters=values)
            self.assertEqual([Mistake.FILE_PCI_FILTER], found)

    def test_aliases(self) -> None:
        def other(**more: str) -> list[str]:
            return [json.dumps({**ALIAS, **more})]

        for good, values, mistake in (
            (COMPUTE, [], Mistake.FILE_ALIAS_MISSING),
            (API, [], Mistake.FILE_ALIAS_MISSING),
            (API, other(name="b"), Mistake.FILE_ALIAS_MISSING),
            (API, ["{"], Mistake.FILE_ALIAS_MISSING),
            (API, other(device_type="type-PCI"), Mistake.FILE_ALIAS_OTHER),
            (API, other(resource_class="X"), Mistake.FILE_ALIAS_OTHER),
            (API, 2 * other(), Mistake.FILE_ALIAS_OTHER),
        ):
            found = self.check(good, "pci", alias=values)
            self.assertEqual([mistake], found)

    def test_more_in_an_alias_than_the_broker_needs_is_no_mistake(
        self,
    ) -> None:
        alias = json.dumps({**ALIAS, "numa_policy": "required"})
        self.assertEqual([], self.check(API, "pci", alias=[alias]))

    def test_device_spec(self) -> None:
        def other(**more: Any) -> list[str]:
            merged = {**SPEC, **more}
            return [json.dumps({n: v for n, v in merged.items() if v})]

        for values, mistakes in (
            (other(resource_class=None), [Mistake.FILE_DEVICE_CLASS]),
            (other(resource_class="CUSTOM_X"), [Mistake.FILE_DEVICE_CLASS]),
            (other(one_time_use=True), [Mistake.CARD_ONE_TIME_USE]),
            (other(product_id="ffff", resource_class=None), []),
            (other(address="0000:01:00.0"), []),
        ):
            found = self.check(COMPUTE, "pci", device_spec=values)
            self.assertEqual(mistakes, found, values)


class PlacementConfTest(base.ChecksCase):
    def test_retry_count(self) -> None:
        for values, mistakes, word in (
            (["1"], [], ""),
            (["10", "1"], [], ""),
            (["3"], [Mistake.FILE_RETRY_COUNT], "3 times"),
            ([], [Mistake.FILE_RETRY_COUNT], "10 times"),
        ):
            file = nova_conf.File(
                path="placement.conf",
                sections={
                    "placement": {"allocation_conflict_retry_count": values}
                },
            )
            found = self.told(placement_conf.check(file), word)
            self.assertEqual(mistakes, found)


class ProviderConfigTest(base.ChecksCase):
    def entry(self, name: str, *traits: str) -> dict[str, Any]:
        return {
            "identification": {"name": name},
            "traits": {"additional": [*traits, "CUSTOM_OTHER"]},
        }

    def check(self, *documents: Any) -> list[Mistake | None]:
        folder = provider_config.Folder(path="/x", documents=documents)
        return self.told(
            provider_config.check(folder, "h1", {"h1_A": 0, "h1_B": 1})
        )

    def test_in_order_in_one_file_or_several(self) -> None:
        one = self.entry("h1_A", "CUSTOM_GPUBROKER_SLOT_0")
        two = self.entry("h1_B", "CUSTOM_GPUBROKER_SLOT_1")
        self.assertEqual([], self.check({"providers": [one, two]}))
        self.assertEqual(
            [], self.check({"providers": [one]}, {"providers": [two]}, None)
        )

    def test_no_folder(self) -> None:
        folder = provider_config.Folder(path="/x", documents=None)
        found = provider_config.check(folder, "h1", {})
        self.assertEqual(
            [Mistake.FILE_PROVIDER_CONFIG], self.told(found, "--host h1")
        )

    def test_a_card_without_or_with_another_slot(self) -> None:
        one = self.entry("h1_A", "CUSTOM_GPUBROKER_SLOT_0")
        for second in (
            [],
            [self.entry("h1_B")],
            [self.entry("h1_B", "CUSTOM_GPUBROKER_SLOT_2")],
            [{"identification": None}, 7],
        ):
            found = self.check({"providers": [one, *second]})
            self.assertEqual([Mistake.FILE_PROVIDER_CONFIG], found)
        self.assertEqual([Mistake.FILE_PROVIDER_CONFIG], self.check("text"))
