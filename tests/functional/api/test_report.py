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


"""A report that is no news costs two statements."""

from __future__ import annotations

from typing import Any

import testtools

from gpubroker.services import enrol
from tests.fixtures import api as api_fixture
from tests.fixtures import database
from tests.fixtures import estate
from tests.fixtures import nova_tree


def report() -> dict[str, Any]:
    return estate.body(*estate.whole_host(nova_tree.ADDRESSES))


class Reports(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())
        enrol.bind_agent(
            self.api.world.core,
            "gpu-1",
            api_fixture.AGENT.user_id,
            lambda seen: None,
        )

    def send(self, body: Any) -> Any:
        answer = self.api.call(
            "PUT", "/v1/hosts/gpu-1/report", body, who=api_fixture.AGENT
        )
        self.assertEqual(200, answer.status_int, answer.text)
        return answer.json

    def test_no_news_is_two_statements(self) -> None:
        self.assertTrue(self.send(report())["changed"])
        with database.counted(self.api.world.store) as found:
            self.assertFalse(self.send(report())["changed"])
        self.assertLessEqual(len(found), 2, found)

    def test_cards_of_a_lease_are_to_be_left_alone(self) -> None:
        self.send(report())
        lease = self.api.world.order()
        self.api.world.settle(lease.id, "active")
        claimed = self.send(report())["claimed"]
        self.assertEqual(2, len(claimed))
        self.assertLessEqual(set(claimed), set(nova_tree.ADDRESSES))
