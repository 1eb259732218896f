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

import dataclasses
import re

from tests.fixtures import api as test_api
from tests.functional.dashboard import catalogue


class QueueTest(catalogue.CatalogueTest):
    index = "/admin/gpu_queue/"

    def wait(self, count: int, **order: str) -> None:
        for number in range(count):
            self.world.clock.advance(1)
            self.world.order(f"lease-{number:02}", flavor="gpu.8", **order)

    @staticmethod
    def rows(text: str) -> list[tuple[str, str]]:
        """Place and name of each order."""
        found = re.findall(
            r'data-display="([^"]+)".*?<td[^>]*>\s*(\w+)\s*</td>', text, re.S
        )
        return [(place, name) for name, place in found]

    def test_is_in_the_order_of_the_places_page_by_page(self) -> None:
        self.wait(12)
        pages, url = [], self.index
        while url:
            text = self.read(self.client, url)
            pages.append(self.rows(text))
            found = re.search(r'href="\?(lease_marker=[^"]+)"', text)
            url = f"{self.index}?{found[1]}" if found else ""
        self.assertEqual([5, 5, 2], [len(page) for page in pages])
        self.assertEqual(
            [(str(n + 1), f"lease-{n:02}") for n in range(12)],
            [row for page in pages for row in page],
        )
        back = re.search(r'href="\?(prev_lease_marker=[^"]+)"', text)
        assert back is not None
        before = self.read(self.client, f"{self.index}?{back[1]}")
        self.assertEqual(pages[1], self.rows(before))

    def test_says_whose_an_order_is_and_why_it_waits(self) -> None:
        self.wait(2)
        self.world.turn()
        text = " ".join(self.text().split())
        self.assertIn("> DEMO <", text)
        self.assertIn("> ALICE <", text)
        self.assertIn("> gpu.8 <", text)
        self.assertIn("until it is ended", text)
        self.assertIn(", since ", text)
        lease = self.world.open()[-1]
        self.assertIn(self.world.get(lease.id).reason, text)

    def test_each_pool_has_a_queue_and_its_pages_stay_in_it(self) -> None:
        pool = {"name": "research"}
        self.api.call("POST", "/v1/pools", pool, test_api.ADMIN)
        self.api.call(
            "PATCH", "/v1/hosts/gpu-1", {"pool": "research"}, test_api.ADMIN
        )
        self.wait(6, pool="research")
        self.assertEqual([], self.rows(self.text()))
        text = self.text("?pool=research")
        self.assertEqual(5, len(self.rows(text)))
        found = re.search(r'href="\?(lease_marker=[^"]+)"', text)
        assert found is not None
        self.assertIn("pool=research", found[1])
        after = self.text(f"?{found[1].replace('&amp;', '&')}")
        self.assertEqual([("6", "lease-05")], self.rows(after))
        unknown = self.text("?pool=nowhere")
        self.assertIn("has-error", unknown)

    def test_an_order_of_anybody_leaves_it(self) -> None:
        self.wait(2)
        [first, _second] = sorted(self.world.open(), key=lambda x: x.name)
        path = f"{first.id}/end/"
        text = self.text(path)
        self.assertIn("It is a lease of ALICE in the project DEMO", text)
        self.assertIn("Nothing has been made for it.", text)
        self.assertIn("a new order starts at the end of the queue", text)
        after = self.sent(path)
        self.assertEqual([("1", "lease-01")], self.rows(after))
        ended = self.world.settle(first.id, "ended")
        self.assertEqual("operator", ended.end_cause)

    def test_is_cancelled_in_words_that_fit_an_order(self) -> None:
        self.wait(1)
        [lease] = self.world.open()
        self.send(f"{lease.id}/end/")
        self.assertIn("The order lease-00 is cancelled.", self.messages())

    def test_is_followed_by_the_page(self) -> None:
        self.wait(7)
        text = self.text()
        now = self.now(text)
        self.assertNotIn("<html", now)
        self.assertIn("data-gpu-moving", now)
        self.assertEqual(self.rows(text), self.rows(now))
        [first, *_rest] = sorted(self.world.open(), key=lambda x: x.name)
        self.api.call("DELETE", f"/v1/leases/{first.id}")
        now = self.now(text)
        self.assertEqual(("1", "lease-01"), self.rows(now)[0])
        # Each page follows itself.
        after = re.search(r'href="\?(lease_marker=[^"]+)"', now)
        assert after is not None
        text = self.text(f"?{after[1].replace('&amp;', '&')}")
        self.assertEqual([("6", "lease-06")], self.rows(self.now(text)))

    def now(self, text: str) -> str:
        """What the script of a page gets."""
        live = re.search(r'data-gpu-live-url="([^"]+)"', text)
        assert live is not None
        answer = self.client.get(live[1].replace("&amp;", "&"))
        return str(answer.content.decode())

    def test_what_fails_is_no_empty_queue(self) -> None:
        away = self.sign_in(test_api.ADMIN, catalogue.AWAY)
        answer = away.get(f"{self.index}now/?pool=default")
        self.assertEqual(503, answer.status_code)

    def test_one_without_rights_has_no_place(self) -> None:
        self.wait(1)
        [lease] = self.world.open()
        gone = dataclasses.replace(
            lease, rights_gone_at=self.world.clock.now()
        )
        with self.world.store.write() as tx:
            tx.leases.update(gone)
        self.assertEqual([("none", "lease-00")], self.rows(self.text()))

    def test_who_is_no_operator_sees_nothing(self) -> None:
        self.assertHidden()

    def test_a_service_that_is_away_is_told(self) -> None:
        self.assertAway("The pools could not be read.")
