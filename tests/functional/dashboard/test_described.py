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

"""What people hear who can not see a page."""

from __future__ import annotations

from typing import Any

import webtest

from tests.fixtures import api as test_api
from tests.functional.dashboard import base

ORDER = "/project/gpu_leases/order/"
POOLS = "/admin/gpu_pools/"


class DescribedTest(base.TestCase):
    def page(self, answer: Any) -> Any:
        self.assertEqual(200, answer.status_code)
        found = webtest.TestResponse(
            answer.content, content_type="text/html", charset="utf-8"
        )
        return found.html.select_one("#content_body") or found.html

    def assertDescribed(self, html: Any) -> None:
        """Whatever is said to describe something is there."""
        known = [one["id"] for one in html.select("[id]")]
        for one in html.select("[aria-describedby]"):
            for name in one["aria-describedby"].split():
                self.assertEqual(1, known.count(name), f"{name} of {one}")
        for group in html.select("fieldset"):
            self.assertIsNotNone(group.select_one("legend"), group)

    def assertRefused(self, html: Any, label: str, why: str) -> None:
        """A button that can not be used has a short label, can be reached,
        and has its reason where everybody finds it."""
        links = [one for one in html.select("a.disabled") if label in one.text]
        self.assertNotEqual([], links, label)
        for link in links:
            self.assertNotIn(why, link.text)
            self.assertEqual(
                ("0", "true", None),
                (link["tabindex"], link["aria-disabled"], link.get("href")),
            )
            (reason,) = html.select(f"#{link['aria-describedby']}")
            self.assertIn(why, reason.text)

    def test_forms_as_they_come_and_when_they_are_wrong(self) -> None:
        member, admin = self.sign_in(), self.sign_in(test_api.ADMIN)
        for client, url in (
            (member, ORDER),
            (admin, f"{POOLS}create/"),
            (admin, f"{POOLS}default/hosts/"),
            (admin, "/admin/gpu_flavors/create/"),
            (admin, "/admin/gpu_models/create/"),
        ):
            self.assertDescribed(self.page(client.get(url)))
            wrong = self.page(client.post(url, {"networks": "none"}))
            self.assertNotEqual([], wrong.select(".gpu-error"), url)
            self.assertDescribed(wrong)

    def test_filters_that_are_wrong(self) -> None:
        answer = self.sign_in(test_api.ADMIN).get(
            "/admin/gpu_leases/?project=nobody&pool=nowhere"
        )
        self.assertDescribed(self.page(answer))

    def test_buttons_that_can_not_be_used(self) -> None:
        lease = self.world.order("train", duration=3600)
        words = "your role does not allow it"
        reader = self.sign_in(test_api.READER)
        for url in ("/project/gpu_offers/", "/project/gpu_leases/"):
            html = self.page(reader.get(url))
            self.assertDescribed(html)
            self.assertRefused(html, "Order", words)
        words = "only who ordered it, or a manager of the project, may"
        colleague = self.sign_in(test_api.COLLEAGUE)
        for url in ("", f"{lease.id}/"):
            html = self.page(colleague.get(f"/project/gpu_leases/{url}"))
            self.assertDescribed(html)
            for label in ("Extend", "End"):
                self.assertRefused(html, label, words)

    def test_what_is_read_out_stays_when_a_part_is_replaced(self) -> None:
        lease = self.world.order("train")
        with self.world.store.read() as tx:
            card = tx.devices.of_host("gpu-1")[0]
        member, admin = self.sign_in(), self.sign_in(test_api.ADMIN)
        for client, url in (
            (member, f"/project/gpu_leases/{lease.id}/"),
            (admin, f"/admin/gpu_leases/{lease.id}/"),
            (admin, f"/admin/gpu_fleet/{card.id}/"),
        ):
            html = self.page(client.get(url))
            self.assertDescribed(html)
            (box,) = html.select("[data-gpu-live-url]")
            self.assertEqual([], box.select("[role=status], [aria-live]"))
            self.assertEqual(1, len(box.select("[data-gpu-status]")))
            (told,) = html.select("[data-gpu-told]")
            self.assertEqual("status", told["role"])
