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

"""An order that is sent again, since no answer came, is one order."""

from __future__ import annotations

import threading
from typing import Any

import testtools

from gpubroker.services import order as ordering
from tests.fixtures import api as api_fixture
from tests.fixtures import cloud

ID = "0d8a6e3e-6a58-4a5e-9d0c-3c1f4a1f7b11"


class Repeated(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())

    def order(
        self, who: api_fixture.Persona = api_fixture.MEMBER, **more: Any
    ) -> Any:
        workload = {"type": "server", "image": cloud.IMAGE}
        body = {"id": ID, "name": "train", "flavor": "gpu.1"}
        return self.api.call(
            "POST", "/v1/leases", {**body, "workload": workload, **more}, who
        )

    def trusts(self) -> int:
        return len(self.api.world.cloud.trusts)

    def leases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]]
        found = self.api.call("GET", "/v1/leases").json["leases"]
        return found

    def test_it_becomes_one_lease(self) -> None:
        first, again = self.order(), self.order()
        self.assertEqual((202, 202), (first.status_int, again.status_int))
        self.assertEqual((ID, ID), (first.json["id"], again.json["id"]))
        self.assertEqual([ID], [lease["id"] for lease in self.leases()])
        self.assertEqual(1, self.trusts())

    def test_whatever_has_become_of_it(self) -> None:
        self.order(duration=3600)
        path = f"/v1/leases/{ID}"
        self.api.call("PATCH", path, {"name": "other"})
        self.api.call("POST", f"{path}/extensions", {"by": 60})
        again = self.order(duration=3600)
        self.assertEqual("other", again.json["name"])
        self.api.call("DELETE", path)
        self.assertEqual("ending", self.order().json["state"])

    def test_two_at_a_time(self) -> None:
        """The one is written while the other one is looked at."""
        real = ordering._look_and_ask
        answers: list[Any] = []
        quicker: list[threading.Thread] = []

        def look(*args: Any) -> Any:
            found = real(*args)
            if not quicker:
                quicker.append(threading.Thread(target=order))
                quicker[0].start()
                quicker[0].join()
            return found

        def order() -> None:
            answers.append(self.order())

        self.patch(ordering, "_look_and_ask", look)
        order()
        self.assertEqual([202, 202], [a.status_int for a in answers])
        self.assertEqual([ID], [lease["id"] for lease in self.leases()])
        self.assertEqual(1, self.trusts())

    def test_another_order_of_that_id_is_refused(self) -> None:
        self.order()
        for more in (
            {"flavor": "gpu.2"},
            {"nodes": 2},
            {
                "workload": {
                    "type": "server",
                    "image": cloud.IMAGE,
                    "key_name": cloud.KEY,
                }
            },
            {"who": api_fixture.OTHER_MEMBER},
        ):
            answer = self.order(**more)
            self.assertEqual(409, answer.status_int, more)
            (error,) = answer.json["errors"]
            self.assertEqual("gpubroker.duplicate", error["code"])
            self.assertEqual("id", error["field"])
            self.assertNotIn("gpu.1", error["detail"])
        self.assertEqual(1, self.trusts())

    def test_what_is_no_uuid_is_refused(self) -> None:
        answer = self.order(id="train-1")
        self.assertEqual(400, answer.status_int)
        self.assertEqual("id", answer.json["errors"][0]["field"])
