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

"""What a script asks for again and again, for a page that is open."""

from __future__ import annotations

import threading
from typing import Any

from tests.fixtures import api as test_api
from tests.functional.dashboard import base

AJAX = {"headers": {"x-requested-with": "XMLHttpRequest"}}
PROJECT, ADMIN = "/project/gpu_leases/", "/admin/gpu_leases/"
FLEET = "/admin/gpu_fleet/"


class LiveTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.lease = self.world.order("train", duration=3600)
        self.world.settle(self.lease.id, "active")
        with self.world.store.read() as tx:
            card = tx.devices.of_host("gpu-1")[0]
        member, admin = self.sign_in(), self.sign_in(test_api.ADMIN)
        self.parts = [
            (member, f"{PROJECT}{self.lease.id}/now/"),
            (admin, f"{ADMIN}{self.lease.id}/now/"),
            (admin, f"{FLEET}{card.id}/now/"),
        ]
        self.rows = (
            f"{PROJECT}?action=row_update&table=leases&obj_id={self.lease.id}"
        )

    def ask(self, client: Any, url: str) -> Any:
        """In a thread that has done nothing before."""
        found: list[Any] = []
        thread = threading.Thread(
            target=lambda: found.append(client.get(url, **AJAX))
        )
        thread.start()
        thread.join()
        return found[0]

    def test_its_times_are_in_the_zone_of_who_reads(self) -> None:
        member, _part = self.parts[0]
        for client, url in (*self.parts, (member, self.rows)):
            for zone, shown in (
                ("America/Sao_Paulo", " -03"),
                ("Asia/Tokyo", " JST"),
            ):
                client.cookies["django_timezone"] = zone
                answer = self.ask(client, url)
                self.assertIn(shown, answer.content.decode(), url)

    def test_what_fails_is_told_by_the_status(self) -> None:
        """Horizon's way would be an empty page that leads elsewhere."""

        def away(environ: Any, start_response: Any) -> Any:
            start_response("503 Service Unavailable", [])
            return [b""]

        self.api.application = away
        for client, url in self.parts:
            answer = client.get(url, **AJAX)
            self.assertEqual(503, answer.status_code, url)
            self.assertNotIn("X-Horizon-Location", answer)

    def test_what_is_gone_is_told_too(self) -> None:
        gone = "6b1f0a51-0000-4000-8000-000000000009"
        for client, url in self.parts:
            *before, _id, now, end = url.split("/")
            answer = client.get("/".join((*before, gone, now, end)), **AJAX)
            self.assertEqual(404, answer.status_code, url)

    def test_an_end_beyond_all_calendars_is_no_fault(self) -> None:
        client, _part = self.parts[0]
        form = {"field": "by", "by": "52w", "expires_at": "9999-12-31T00:00Z"}
        answer = client.post(f"{PROJECT}order/check/", form, **AJAX)
        self.assertEqual(200, answer.status_code)
