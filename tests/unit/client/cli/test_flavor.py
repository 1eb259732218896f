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


"""What the options of flavors say is what the broker does."""

from __future__ import annotations

import dataclasses
import re

import testtools

from gpubroker.client.cli import flavor
from gpubroker.domain import flavors


class CreateTest(testtools.TestCase):
    def test_the_default_topology_is_the_one_that_is_told(self) -> None:
        text = flavor.CreateFlavor(None, None).get_parser("x").format_help()
        (told,) = re.findall(r"\(default:\s+(\w+)\)", text)
        default = {
            field.name: field.default
            for field in dataclasses.fields(flavors.Flavor)
        }["topology"]
        self.assertEqual(default, told)
