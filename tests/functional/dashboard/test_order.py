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

"""The form of an order, and what is sent twice."""

from __future__ import annotations

from typing import Any

import webtest

from tests.fixtures import cloud
from tests.functional.dashboard import base

URL = "/project/gpu_leases/order/"


class OrderTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        # Which wants Horizon to be set up.
        from gpubroker.dashboard.content.leases import choices

        self.patch(
            choices, "images", lambda request: [(cloud.IMAGE, "ubuntu")]
        )
        for name in ("networks", "key_pairs", "security_groups"):
            self.patch(choices, name, lambda request: [])
        self.client = self.sign_in()

    def filled(self, **changed: str) -> dict[str, Any]:
        form = self.form(self.client.get(URL))
        fields = dict(form.submit_fields())
        return {**fields, "name": "train", "flavor": "gpu.1", **changed}

    def form(self, answer: Any) -> Any:
        page = webtest.TestResponse(
            answer.content, content_type="text/html", charset="utf-8"
        )
        (found,) = [f for f in page.forms.values() if "gpu-form" in f.text]
        return found

    def test_one_that_is_sent_twice_is_one_lease(self) -> None:
        form = self.filled()
        first, second = (self.client.post(URL, form) for _time in range(2))
        self.assertEqual((302, 302), (first.status_code, second.status_code))
        self.assertEqual(first["location"], second["location"])
        (lease,) = self.world.open()
        self.assertEqual(form["order_id"], lease.id)

    def test_each_page_is_for_an_order_of_its_own(self) -> None:
        for _time in range(2):
            answer = self.client.post(URL, self.filled())
            self.assertEqual(302, answer.status_code)
        self.assertEqual(2, len(self.world.open()))

    def test_one_that_is_wrong_keeps_its_id(self) -> None:
        form = self.filled(name="")
        again = self.form(self.client.post(URL, form))
        self.assertEqual(form["order_id"], again["order_id"].value)

    def test_who_changes_what_was_sent_is_asked_first(self) -> None:
        form = self.filled()
        self.client.post(URL, form)
        answer = self.client.post(URL, {**form, "flavor": "gpu.2"})
        self.assertIn(
            "Something else was ordered with this page",
            answer.content.decode(),
        )
        self.assertEqual(1, len(self.world.open()))
        again = self.form(answer)
        self.assertNotEqual(form["order_id"], again["order_id"].value)
        answer = self.client.post(URL, dict(again.submit_fields()))
        self.assertEqual(302, answer.status_code)
        self.assertEqual(2, len(self.world.open()))
