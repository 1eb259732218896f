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

"""What the use cases are told is what an operator wrote."""

from __future__ import annotations

import dataclasses

import testtools

from gpubroker import conf as configuration
from gpubroker.conf import worker
from gpubroker.services import broker


class Settings(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf = configuration.load([], files=[])

    def test_each_has_an_option_of_its_name(self) -> None:
        wanted = {}
        for field in dataclasses.fields(broker.Settings):
            group = "api" if field.name in self.conf.api else "worker"
            default = self.conf[group][field.name]
            other = not default if default is True else default - 1
            self.conf.set_override(field.name, other, group=group)
            wanted[field.name] = other
        self.assertEqual(
            wanted, dataclasses.asdict(worker.settings(self.conf))
        )

    def test_without_a_file_they_are_the_defaults(self) -> None:
        self.assertEqual(broker.Settings(), worker.settings(self.conf))
