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

"""A long history: the newest first, some at a time."""

from __future__ import annotations

import re
from typing import Any
from urllib import parse

from gpubroker.domain import events
from tests.fixtures import api as test_api
from tests.functional.dashboard import base

PANELS = (
    (test_api.MEMBER, "/project/gpu_leases/"),
    (test_api.ADMIN, "/admin/gpu_leases/"),
)


class HistoryTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.lease = self.world.order("train")
        with self.world.store.write() as tx:
            for number in range(45):
                tx.events.add(
                    events.Event(
                        at=self.world.clock.now(),
                        kind="lease.waiting",
                        message=f"number {number:02}.",
                        lease_id=self.lease.id,
                    )
                )

    def numbers(self, text: str) -> list[int]:
        return [int(one) for one in re.findall(r"number (\d\d)\.", text)]

    def test_a_page_of_a_lease_has_the_newest_and_leads_to_others(
        self,
    ) -> None:
        for who, panel in PANELS:
            client, url = self.sign_in(who), f"{panel}{self.lease.id}/"
            text = self.read(client, url)
            self.assertEqual(list(range(44, 24, -1)), self.numbers(text))
            self.assertIn("data-gpu-live-url", text)
            self.assertNotIn("To the newest", text)
            older = self.older(text)
            text = self.read(client, older)
            self.assertEqual(list(range(24, 4, -1)), self.numbers(text))
            # What is older does not change, and would be replaced.
            self.assertNotIn("data-gpu-live-url", text)
            self.assertIn(f'<a href="{url}">To the newest</a>', text)
            text = self.read(client, self.older(text))
            self.assertEqual(list(range(4, -1, -1)), self.numbers(text))
            self.assertNotIn("Older", text)

    def older(self, text: str) -> str:
        found = re.search(r'href="([^"]+)">Older', text)
        assert found is not None
        return found[1]

    def test_no_page_reads_more_than_it_shows(self) -> None:
        asked: list[dict[str, list[str]]] = []
        api = self.api.application

        def application(environ: dict[str, Any], *args: Any) -> Any:
            if environ["PATH_INFO"].endswith("/events"):
                asked.append(parse.parse_qs(environ["QUERY_STRING"]))
            return api(environ, *args)

        self.api.application = application
        for who, panel in PANELS:
            client = self.sign_in(who)
            for path in ("", "now/"):
                asked.clear()
                url = f"{panel}{self.lease.id}/{path}"
                self.assertEqual(200, client.get(url).status_code)
                self.assertEqual([["21"]], [one["limit"] for one in asked])
