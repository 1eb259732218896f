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

"""Which flavors lead around the broker."""

from __future__ import annotations

from gpubroker.domain import catalogue
from gpubroker.services.checks import around
from gpubroker.services.checks import outside
from gpubroker.services.checks.mistakes import Mistake
from tests.unit.services.checks import base

(A100,) = (m for m in catalogue.MODELS if m.name == "a100-sxm4-80gb")


class FlavorsTest(base.ChecksCase):
    def look(
        self,
        specs: dict[str, str],
        name: str = "big",
        public: bool = True,
        managed: tuple[str, ...] = (A100.resource_class,),
        words: tuple[str, ...] = (),
    ) -> list[Mistake | None]:
        flavor = outside.Flavor(name=name, public=public, extra_specs=specs)
        return self.told(
            around.flavors([flavor], catalogue.MODELS, managed), *words
        )

    def test_by_alias_by_slot_and_by_class(self) -> None:
        for specs in (
            {"pci_passthrough:alias": f"other:1, {A100.alias}:2"},
            {"pci_passthrough:alias": f"{A100.alias}-s3:1"},
            {f"resources:{A100.resource_class}": "1"},
            {f"resources_GPU:{A100.resource_class}": "1"},
        ):
            found = self.look(specs, words=("managed hosts: big.",))
            self.assertEqual([Mistake.FLAVOR_AROUND], found, specs)

    def test_what_leads_nowhere(self) -> None:
        for specs in (
            {},
            {"pci_passthrough:alias": "other:1"},
            {"hw:cpu_policy": "dedicated"},
            {f"resources:{A100.resource_class}": "0"},
        ):
            self.assertEqual([], self.look(specs), specs)

    def test_where_no_such_card_is_managed(self) -> None:
        specs = {"pci_passthrough:alias": f"{A100.alias}:1"}
        self.assertEqual([], self.look(specs, managed=()))

    def test_the_brokers_own_is_private(self) -> None:
        specs = {"pci_passthrough:alias": f"{A100.alias}-s0:1"}
        ours = "gpubroker-abcdefab-1"
        self.assertEqual([], self.look(specs, ours, public=False))
        found = self.look(specs, ours, public=True)
        self.assertEqual([Mistake.FLAVOR_AROUND], found)

    def test_many_are_counted(self) -> None:
        specs = {"pci_passthrough:alias": f"{A100.alias}:1"}
        flavors = [
            outside.Flavor(name=f"f{n}", public=True, extra_specs=specs)
            for n in range(8)
        ]
        found = around.flavors(
            flavors, catalogue.MODELS, [A100.resource_class]
        )
        self.told(found, "f4 and 3 more")
