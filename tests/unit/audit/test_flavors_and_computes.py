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

from gpubroker.audit import snapshot
from tests.unit.audit import base
from tests.unit.audit import builders


class Flavors(base.AuditTest):
    def flavor(self, public=True, **extra_specs):
        self.small.flavors["own"] = snapshot.Flavor(
            id="7",
            name="own.gpu",
            public=public,
            extra_specs={
                key.replace("__", ":"): value
                for key, value in extra_specs.items()
            },
        )

    def test_a_flavor_with_the_alias_of_a_model(self):
        self.flavor(pci_passthrough__alias="nic:1, a100:2")
        self.finds(
            "flavor-around", "own.gpu", "alias a100", severity=base.WARNING
        )

    def test_a_flavor_with_the_alias_of_a_slot(self):
        self.flavor(pci_passthrough__alias="a100-s3:1")
        self.finds("flavor-around", "a100-s3", severity=base.WARNING)

    def test_a_flavor_with_the_class_of_a_model(self):
        self.flavor(public=False, **{f"resources_gpu__{builders.CLASS}": "1"})
        self.finds(
            "flavor-around",
            "private",
            f"resources:{builders.CLASS}",
            severity=base.WARNING,
        )

    def test_a_flavor_that_asks_for_none_of_it(self):
        self.flavor(**{f"resources__{builders.CLASS}": "0"})
        self.finds_nothing()

    def test_other_aliases_are_none_of_its_business(self):
        self.flavor(pci_passthrough__alias="nic:1")
        self.finds_nothing()

    def test_nothing_is_to_be_leased_on_hosts_that_are_only_observed(self):
        self.flavor(pci_passthrough__alias="a100:1")
        self.small.change("hosts", "g1", managed=False)
        self.assertNotIn("flavor-around", self.codes())


class Computes(base.AuditTest):
    def test_a_host_that_is_down(self):
        self.small.change("services", "g1", up=False)
        self.finds("host-away", "g1 is down", severity=base.NOTE)

    def test_a_host_that_is_disabled(self):
        self.small.change("services", "g1", enabled=False, reason="new RAM")
        self.finds("host-away", "disabled (new RAM)", severity=base.NOTE)

    def test_a_host_that_nova_has_no_longer(self):
        del self.small.services["g1"]
        self.finds("host-away", "no compute service", severity=base.NOTE)

    def test_a_host_without_leases_may_be_down(self):
        self.small.change("services", "g2", up=False)
        self.finds_nothing()
