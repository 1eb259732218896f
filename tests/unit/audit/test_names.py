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

from gpubroker.audit import names


class NamesTest(testtools.TestCase):
    def test_ticket_and_shape_of_one_start_have_one_name(self):
        for ticket, shape in (
            ("CUSTOM_GPUBROKER_0F3A_2", "gpubroker-0f3a-2"),
            ("CUSTOM_GPUBROKER_0BADCAFE_0F_2", "gpubroker-0badcafe-0f-2"),
        ):
            self.assertEqual(names.start(ticket), names.start(shape))

    def test_other_names_are_no_start(self):
        self.assertRaises(ValueError, names.start, "CUSTOM_GPU_A100")

    def test_whose_a_thing_is(self):
        for name in (
            "CUSTOM_GPUBROKER_0BADCAFE_0F3A_2",
            "CUSTOM_GPUBROKERMARK_0BADCAFE_7",
            "gpubroker-0badcafe-0f3a-2",
            "gpubroker_0badcafe_gpu-1",
        ):
            self.assertEqual("0badcafe", names.installation(name), name)

    def test_names_that_are_nobodys(self):
        for name in (
            "gpubroker-plan",
            "gpubroker-0badcafe",
            "gpubroker-0badcafes-1",
            "CUSTOM_GPUBROKER_PLANTED_1",
            "gpubroker_gpu-1",
        ):
            self.assertEqual("", names.installation(name), name)
        for name in ("CUSTOM_GPU_A100", "m1.small", "gpubroker"):
            self.assertIsNone(names.installation(name), name)

    def test_all_tries_of_one_node_have_one_name(self):
        self.assertEqual("eu1-0f3a", names.node("eu1-0f3a-2"))

    def test_classes_that_a_flavor_asks_for(self):
        self.assertEqual(
            ["CUSTOM_A", "CUSTOM_C"],
            names.classes(
                {
                    "resources:CUSTOM_A": "1",
                    "resources:CUSTOM_B": "0",
                    "resources_net1:CUSTOM_C": "2",
                    "resources:VCPU": "4",
                    "trait:CUSTOM_D": "required",
                }
            ),
        )

    def test_aliases_that_a_flavor_asks_for(self):
        specs = {"pci_passthrough:alias": "a100-s3:1, l40s:2"}
        self.assertEqual(["a100-s3", "l40s"], names.aliases(specs))
        self.assertEqual([], names.aliases({}))

    def test_the_slot_of_an_alias(self):
        self.assertEqual(("a100-80gb", 3), names.slot("a100-80gb-s3"))
        self.assertEqual(("a100-80gb", None), names.slot("a100-80gb"))
