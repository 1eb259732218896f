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
"""What a person reads of the offers."""

from __future__ import annotations

from tests.browser import base


class OffersTest(base.BrowserTest):
    def test_says_how_many_orders_could_start_now(self) -> None:
        person = self.sign_in()
        person.go("/project/gpu_offers/")
        person.seen("offers-free")
        text = person.page.inner_text("#content_body")
        self.assertIn("vm.gpu.a100.2", text)
