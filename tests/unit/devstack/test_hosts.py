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

"""What the plugin decides by itself, with DevStack's words stubbed."""

from __future__ import annotations

import testtools

from sandbox import hardware
from tests.unit.devstack import plugin

_READ = plugin.source(
    plugin.PLUGIN / "settings", plugin.PLUGIN / "lib" / "gpubroker"
)


class HostsTest(testtools.TestCase):
    def test_flavors_are_as_big_as_the_biggest_host(self) -> None:
        listed = [
            *["big a100-sxm4-80gb"] * 3,
            *["small a100-sxm4-80gb"] * 2,
            "small l40s-48gb",
            # What is no GPU of a known model has none.
            "small None",
        ]
        told = plugin.bash(
            _READ
            + "function openstack { cat <<< '"
            + "\n".join(listed)
            + "'; }\n_gpubroker_cards"
        )
        self.assertEqual(
            ["3 a100-sxm4-80gb", "1 l40s-48gb"], told.split("\n")[:-1]
        )

    def test_every_host_of_the_sandbox_can_be_simulated(self) -> None:
        names = " ".join(host.name for host in hardware.HOSTS)
        self.assertEqual("", self._checked(names))

    def test_unknown_host_stops_the_stack(self) -> None:
        error = self.assertRaises(
            AssertionError, self._checked, "gpu-a100-1 gpu-b300-9"
        )
        self.assertIn("has no host gpu-b300-9", str(error))

    def _checked(self, hosts: str) -> str:
        return plugin.bash(
            f'GPUBROKER_SIMULATED_HOSTS="{hosts}"\n{_READ}'
            'function die { shift; echo "$*"; exit 1; }\n'
            "function is_nova_enabled { true; }\n"
            "function is_keystone_enabled { true; }\n"
            "check_gpubroker_settings"
        )
