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

"""A way to a server's console is made when somebody goes it."""

from __future__ import annotations

import fixtures

from tests.fixtures import api as test_api
from tests.functional.dashboard import base

INDEX = "/project/gpu_leases/"
URL = "http://novnc.test/vnc_auto.html?path=%3Ftoken%3D4c7d"


class ConsoleTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.made: list[str] = []
        self.url: str | None = URL
        self.useFixture(
            fixtures.MonkeyPatch(
                "tests.fixtures.cloud_ports.UserCloud.console_url", self.make
            )
        )
        lease = self.world.order("train")
        lease = self.world.settle(lease.id, "active")
        self.server = str(lease.nodes[0].server_id)
        self.page = f"{INDEX}{lease.id}/"
        self.path = f"{self.page}console/{self.server}/"
        self.client = self.sign_in()

    def make(self, _cloud: object, server: str) -> str | None:
        self.made.append(server)
        return self.url

    def test_none_is_made_by_looking_at_the_lease(self) -> None:
        for path in (self.page, f"{self.page}now/"):
            self.assertIn(f'href="{self.path}"', self.read(self.client, path))
        self.assertEqual([], self.made)

    def test_who_goes_there_is_led_to_it(self) -> None:
        answer = self.client.get(self.path)
        self.assertEqual((302, URL), (answer.status_code, answer["location"]))
        self.assertEqual([self.server], self.made)

    def test_that_there_is_none_is_said_on_the_page(self) -> None:
        self.url = None
        answer = self.client.get(self.path)
        self.assertEqual(self.page, answer["location"])
        self.assertIn(
            "There is no console of this server",
            self.client.get(self.page).text,
        )

    def test_of_another_server_there_is_none(self) -> None:
        other = self.path.replace(
            self.server, "11111111-2222-4333-8444-555555555555"
        )
        self.assertEqual(self.page, self.client.get(other)["location"])

    def test_another_project_is_led_nowhere(self) -> None:
        client = self.sign_in(test_api.OTHER_MEMBER)
        self.assertEqual(INDEX, client.get(self.path)["location"])
        self.assertEqual([], self.made)
