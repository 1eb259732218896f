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
"""Horizon judges by the very rules of the API."""

from __future__ import annotations

import testtools

from tests.unit.dashboard import default_policies


class DefaultPoliciesTest(testtools.TestCase):
    def test_the_file_has_the_rules_of_the_api(self) -> None:
        self.assertEqual(
            default_policies.text(), default_policies.PATH.read_text()
        )
