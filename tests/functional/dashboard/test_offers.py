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
"""What the page of the offers says."""

from __future__ import annotations

import re

from tests.fixtures import api as test_api
from tests.functional.dashboard import sending

OFFERS = "/project/gpu_offers/"
_NONE = "There are no GPU flavors to order yet."


class OffersTest(sending.SendingTest):
    def test_the_picture_says_the_same_in_words(self) -> None:
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        text = self.read(self.sign_in(), OFFERS)
        free = 8 - lease.gpus
        self.assertIn(
            f"Of 8 GPUs {free} are free, {lease.gpus} in use, 0 held back",
            text,
        )
        self.assertEqual(free + 1, text.count('"gpu-shape gpu-free"'))
        self.assertEqual(lease.gpus + 1, text.count('"gpu-shape gpu-in-use"'))

    def test_an_offer_leads_to_its_order(self) -> None:
        text = self.read(self.client, OFFERS)
        links = dict(
            re.findall(
                r'href="(/project/gpu_leases/order/\?flavor=(\S+))"', text
            )
        )
        self.assertEqual({"gpu.1", "gpu.2", "gpu.8"}, set(links.values()))
        for url, flavor in links.items():
            form = self.form(url)
            self.assertEqual(flavor, form["flavor"].value)
            form["name"] = flavor
            self.send(form)
        # The last one has to wait: there are eight GPUs.
        self.assertEqual(
            {name: name for name in links.values()},
            {lease.name: lease.flavor for lease in self.leases()},
        )

    def test_a_service_that_is_away_is_told_on_the_page(self) -> None:
        client = self.sign_in(broker="http://127.0.0.1:9")
        answer = client.get(OFFERS)
        self.assertEqual(200, answer.status_code)
        self.assertIn("The offers could not be read.", answer.content.decode())
        self.assertNotIn(_NONE, answer.content.decode())

    def test_that_there_is_nothing_to_order_is_told(self) -> None:
        self.assertNotIn(_NONE, self.read(self.client, OFFERS))
        for name in ("gpu.1", "gpu.2", "gpu.8"):
            self.api.call("DELETE", f"/v1/flavors/{name}", who=test_api.ADMIN)
        self.assertIn(_NONE, self.read(self.client, OFFERS))
