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

"""What a Horizon that logs at debug level does not write down: its log is the
operators', and what the panels send and are sent is their users'."""

from __future__ import annotations

import base64
import logging

import fixtures

from tests.fixtures import cloud
from tests.functional.dashboard import base

INDEX = "/project/gpu_leases/"
CONSOLE = "http://novnc.test/vnc_auto.html?path=%3Ftoken%3D4c7d"
SECRET = "a-password-in-user-data"


class LogsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(
            fixtures.FakeLogger(level=logging.DEBUG, format="%(message)s")
        )
        self.useFixture(
            fixtures.MonkeyPatch(
                "tests.fixtures.cloud_ports.UserCloud.console_url",
                lambda _cloud, _server: CONSOLE,
            )
        )

    def test_neither_user_data_nor_the_way_to_a_console(self) -> None:
        # Not before Django is set up.
        from gpubroker.dashboard import api

        client = self.sign_in()
        request = client.get(INDEX).wsgi_request
        data = base64.b64encode(SECRET.encode()).decode()
        lease = api.order(
            request,
            name="train",
            flavor="gpu.2",
            workload={
                "type": "server",
                "image": cloud.IMAGE,
                "user_data": data,
            },
        )
        self.world.settle(lease.id, "active")
        server = self.world.get(lease.id).nodes[0].server_id
        answer = client.get(f"{INDEX}{lease.id}/console/{server}/")
        self.assertEqual(CONSOLE, answer["location"])
        self.assertIn('"POST /v1/leases ', self.log.output)
        secrets = (data, SECRET, CONSOLE, request.user.token.id)
        self.assertEqual([], [s for s in secrets if s in self.log.output])
