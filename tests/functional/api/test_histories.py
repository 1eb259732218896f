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


"""Histories tell who did what, and which request it was."""

from __future__ import annotations

from typing import Any

import testtools
import webtest

from tests.fixtures import api as api_fixture
from tests.fixtures import cloud

ORDER = {
    "name": "train",
    "flavor": "gpu.2",
    "duration": 3600,
    "workload": {"type": "server", "image": cloud.IMAGE},
}
MEMBER, ADMIN = api_fixture.MEMBER, api_fixture.ADMIN


class HistoryCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())

    def call(
        self, method: str, path: str, body: Any = None, who: Any = MEMBER
    ) -> webtest.TestResponse:
        answer = self.api.call(method, path, body, who)
        self.assertLess(answer.status_int, 300, answer.text)
        return answer

    def request(self, *asked: Any) -> str:
        """The id of a request that was made."""
        return str(self.call(*asked).headers["X-Openstack-Request-Id"])

    def events(self, path: str, who: Any) -> dict[str, tuple[Any, Any]]:
        """Kind -> (by, request id)."""
        found = self.call("GET", f"{path}/events", None, who).json["events"]
        return {one["kind"]: (one["by"], one["request_id"]) for one in found}


class OfLeases(HistoryCase):
    def order(self) -> tuple[str, str]:
        """(path, request id) of a lease that is active."""
        answer = self.call("POST", "/v1/leases", ORDER)
        lease_id = answer.json["id"]
        self.api.world.settle(lease_id, "active")
        return (
            f"/v1/leases/{lease_id}",
            str(answer.headers["X-Openstack-Request-Id"]),
        )

    def ended(self, path: str) -> str:
        self.api.world.settle(path.rpartition("/")[2], "ended")
        return str(self.call("GET", path).json["end_cause"])

    def test_each_change_has_its_own_request_and_actor(self) -> None:
        path, ordered = self.order()
        renamed = self.request("PATCH", path, {"name": "other"})
        extended = self.request("POST", f"{path}/extensions", {"by": 60})
        deleted = self.request("DELETE", path)
        self.assertEqual("user", self.ended(path))
        found = self.events(path, MEMBER)
        user = MEMBER.user_id
        self.assertEqual(4, len({ordered, renamed, extended, deleted}))
        self.assertEqual(
            {
                "lease.ordered": (user, ordered),
                "lease.starting": (None, ordered),
                "lease.server": (None, ordered),
                "lease.active": (None, ordered),
                "lease.renamed": (user, renamed),
                "lease.extended": (user, extended),
                "lease.ending": (user, deleted),
                "lease.ended": (None, deleted),
            },
            found,
        )

    def test_an_operator_is_named_to_operators_only(self) -> None:
        path, _ = self.order()
        asked = {
            "lease.extended": self.request(
                "POST", f"{path}/extensions", {"by": 60}, ADMIN
            ),
            "lease.ending": self.request("DELETE", path, None, ADMIN),
        }
        self.assertEqual("operator", self.ended(path))
        for who, name in ((MEMBER, "operator"), (ADMIN, ADMIN.user_id)):
            found = self.events(path, who)
            for kind, request in asked.items():
                self.assertEqual((name, request), found[kind])
            self.assertEqual(MEMBER.user_id, found["lease.ordered"][0])
        text = self.call("GET", f"{path}/events").text
        # In quotes: the hexadecimal of a request id may have it as well.
        self.assertNotIn(f'"{ADMIN.user_id}"', text)
        self.assertIn("an operator asked for it", text)

    def test_what_no_request_caused_has_none(self) -> None:
        path, _ = self.order()
        self.api.world.clock.advance(3600)
        self.assertEqual("expiry", self.ended(path))
        found = self.events(path, MEMBER)
        for kind in ("lease.ending", "lease.ended"):
            self.assertEqual((None, ""), found[kind])


class OfCards(HistoryCase):
    def test_who_fenced_and_lifted(self) -> None:
        (card,) = self.call("GET", "/v1/devices?limit=1", None, ADMIN).json[
            "devices"
        ]
        path = f"/v1/devices/{card['id']}"
        fence = f"{path}/fences/operator"
        fenced = self.request("PUT", fence, {"detail": "loud"}, ADMIN)
        lifted = self.request("DELETE", f"{fence}?detail=new+fan", None, ADMIN)
        found = self.events(path, ADMIN)
        self.assertEqual((ADMIN.user_id, fenced), found["device.fenced"])
        self.assertEqual((ADMIN.user_id, lifted), found["device.unfenced"])
