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


"""The real agent and the real API, over a socket."""

import threading
import time
import wsgiref.simple_server
from collections.abc import Callable
from typing import Any

import testtools

from tests.fixtures import agent_process
from tests.fixtures import api as test_api
from tests.fixtures import simulated_host

HOST = "gpu-1"
FIRST = simulated_host.A100[0].address


class _Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Silent: a test that fails shows the agent's own log."""


class AgentAndApiTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(test_api.Api((HOST,)))
        self.simulated = self.useFixture(simulated_host.SimulatedHost())
        bound = self.api.call(
            "PUT",
            f"/v1/hosts/{HOST}/agent",
            {"user_id": test_api.AGENT.user_id},
            test_api.ADMIN,
        )
        self.assertEqual(200, bound.status_int, bound.text)

    def serve(self) -> str:
        server = wsgiref.simple_server.make_server(
            "127.0.0.1", 0, self.api.application, handler_class=_Handler
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"

    def start(self, who: test_api.Persona) -> agent_process.AgentProcess:
        url = self.serve()
        agent = self.useFixture(
            agent_process.AgentProcess(
                self.simulated,
                {
                    "auth_type": "admin_token",
                    "endpoint": url,
                    "token": who.token,
                },
                host=HOST,
                api_endpoint=url,
            )
        )
        agent.start()
        return agent

    def card(self) -> dict[str, Any]:
        """The first card, as an operator sees it."""
        answer = self.api.call(
            "GET",
            f"/v1/devices?host={HOST}&pci_address={FIRST}",
            who=test_api.ADMIN,
        )
        self.assertEqual(200, answer.status_int, answer.text)
        (device,) = answer.json["devices"]
        found: dict[str, Any] = device
        return found

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        until = time.monotonic() + 20
        while not wanted(self.card()):
            self.assertLess(time.monotonic(), until, self.card())
            time.sleep(0.1)

    def test_what_the_host_shows_arrives(self) -> None:
        self.start(test_api.AGENT)
        first = simulated_host.A100[0]
        self.wait_for(lambda card: card["serial"] == first.serial)
        self.assertEqual("OK", self.card()["health"])
        self.assertEqual(first.uuid, self.card()["uuid"])
        self.simulated.host.xid(FIRST, 79)
        self.wait_for(lambda card: card["health"] == "BAD")
        reasons = [fence["reason"] for fence in self.card()["fences"]]
        self.assertIn("health", reasons)

    def test_an_agent_of_another_host_is_refused(self) -> None:
        agent = self.start(test_api.OTHER_AGENT)
        until = time.monotonic() + 20
        while "is it enrolled?" not in agent.words:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)
        self.assertIsNone(self.card()["serial"])
