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

import subprocess
import sys

import testtools

from sandbox import hardware
from tests.unit.devstack import plugin

_READ = plugin.source(
    plugin.PLUGIN / "settings", plugin.PLUGIN / "lib" / "gpubroker"
)

# As "python3 -m sandbox.hardware" in the clone, without any package.
_ALONE = """
import runpy, sys
sys.path.insert(0, {!r})
runpy.run_module("sandbox.hardware", run_name="__main__")
"""


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
        self.assertIn("there is no host gpu-b300-9, only gpu-a", str(error))

    def test_part_of_a_name_is_no_host(self) -> None:
        for name in ("gpu-a100", "gpu-a100-.", "HOSTS"):
            self.assertRaises(AssertionError, self._checked, name)

    def test_hosts_are_asked_for_by_the_standard_library_alone(self) -> None:
        """In that phase DevStack has installed nothing of gpubroker."""
        done = subprocess.run(
            [
                sys.executable,
                "-I",
                "-S",
                "-c",
                _ALONE.format(str(plugin.ROOT)),
            ],
            capture_output=True,
            text=True,
        )
        self.assertEqual("", done.stderr)
        self.assertEqual(
            [host.name for host in hardware.HOSTS], done.stdout.split()
        )

    def _checked(self, hosts: str) -> str:
        return plugin.bash(
            f'GPUBROKER_SIMULATED_HOSTS="{hosts}"\n{_READ}'
            'function die { shift; echo "$*"; exit 1; }\n'
            "function is_nova_enabled { true; }\n"
            "function is_keystone_enabled { true; }\n"
            "check_gpubroker_settings"
        )
