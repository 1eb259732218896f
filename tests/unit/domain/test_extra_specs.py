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

"""What flavors may say of a server's virtual hardware."""

from __future__ import annotations

import testtools

from gpubroker.domain import extra_specs


class Faults(testtools.TestCase):
    def test_what_nova_takes(self):
        specs = {
            "hw:cpu_policy": "dedicated",
            "hw:mem_page_size": "1GB",
            "hw:numa_nodes": "2",
            "hw:numa_cpus.0": "0-3,^2,8",
            "hw:numa_mem.1": "4096",
            "hw:pmu": "False",
            "hw:tpm_version": "2.0",
            "hw:redirected_usb_ports": "15",
            "hw:maxphysaddr_mode": "emulate",
        }
        self.assertEqual([], extra_specs.faults(specs))

    def test_what_nova_refuses(self):
        for name, value, words in (
            ("hw:foo", "1", "Nova knows no property hw:foo."),
            ("hw:cpu_policy.1", "shared", "no property hw:cpu_policy.1."),
            ("hw:numa_cpus", "0", "no property hw:numa_cpus."),
            ("cpu_policy", "shared", "no property cpu_policy."),
            (
                "hw:cpu_policy",
                "dedicatd",
                "can not be 'dedicatd': it is one of dedicated, shared, mixed",
            ),
            ("hw:tpm_version", "2", "it is one of 1.2, 2.0"),
            ("hw:tpm_version", "1x2", "it is one of 1.2, 2.0"),
            ("hw:pmu", "maybe", "it is true or false"),
            ("hw:numa_nodes", "0", "it is a number from 1 up"),
            ("hw:redirected_usb_ports", "16", "can not be '16'."),
            ("hw:numa_cpus.0", "0-", "can not be '0-'."),
        ):
            (found,) = extra_specs.faults({name: value})
            self.assertIn(words, found)
