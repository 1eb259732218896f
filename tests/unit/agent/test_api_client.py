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


import pathlib

import fixtures
import requests_mock
import testtools
from keystoneauth1 import adapter
from keystoneauth1 import session
from keystoneauth1 import token_endpoint
from oslo_config import cfg

from gpubroker import errors
from gpubroker.agent import api_client
from gpubroker.conf import agent as agent_options
from gpubroker.conf import agent_auth

ENDPOINT = "http://127.0.0.1:1/gpu-broker"
URL = f"{ENDPOINT}/v1/hosts/a%2Fb/report"


class BrokerTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.wire = requests_mock.Mocker()
        self.wire.start()
        self.addCleanup(self.wire.stop)
        auth = token_endpoint.Token(ENDPOINT, "not-a-real-token")
        self.client = api_client.ApiClient(
            adapter.Adapter(session.Session(auth), service_type="gpu-broker"),
            "a/b",
        )

    def answer(self, **options: object) -> None:
        self.wire.put(URL, **options)

    def test_the_request(self) -> None:
        self.answer(json={"claimed": []})
        self.client.report(b'{"a":1}')
        request = self.wire.last_request
        self.assertEqual(b'{"a":1}', request.body)
        self.assertEqual("application/json", request.headers["Content-Type"])
        self.assertEqual(
            "gpu-broker 1.0", request.headers["OpenStack-API-Version"]
        )

    def test_the_reply(self) -> None:
        self.answer(json={"claimed": ["0000:07:00.0"], "interval": 10})
        self.assertEqual(
            api_client.Reply(claimed=frozenset({"0000:07:00.0"}), interval=10),
            self.client.report(b"{}"),
        )

    def test_an_interval_that_is_none(self) -> None:
        for interval in (None, "soon", True, [1]):
            self.answer(json={"claimed": [], "interval": interval})
            self.assertIsNone(self.client.report(b"{}").interval)

    def test_an_answer_that_is_not_the_apis(self) -> None:
        for options in (
            {"text": "<html>It works!</html>"},
            {"json": {}},
            {"json": []},
            {"json": {"claimed": 7}},
            {"text": ""},
        ):
            self.answer(**options)
            self.assertRaises(errors.Unavailable, self.client.report, b"{}")

    def test_refusals_carry_the_apis_words(self) -> None:
        words = {"errors": [{"detail": "another host's agent"}]}
        for status, kind in (
            (400, errors.Rejected),
            (401, errors.Forbidden),
            (403, errors.Forbidden),
            (404, errors.Rejected),
            (413, errors.Rejected),
            (429, errors.Unavailable),
            (500, errors.Unavailable),
            (503, errors.Unavailable),
        ):
            self.answer(status_code=status, json=words)
            error = self.assertRaises(kind, self.client.report, b"{}")
            self.assertEqual(f"{status}: another host's agent", str(error))

    def test_refusals_without_words(self) -> None:
        for options in (
            {"text": "nginx"},
            {"json": {"errors": []}},
            {"json": []},
        ):
            self.answer(status_code=502, **options)
            error = self.assertRaises(
                errors.Unavailable, self.client.report, b"{}"
            )
            self.assertIn("502", str(error))

    def test_nobody_there(self) -> None:
        self.wire.stop()
        self.assertRaises(errors.Unavailable, self.client.report, b"{}")
        self.wire.start()


class ConnectTest(testtools.TestCase):
    def conf(self, text: str) -> cfg.ConfigOpts:
        folder = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(folder) / "agent.conf"
        path.write_text(text)
        conf = cfg.ConfigOpts()
        agent_options.register(conf)
        agent_auth.register(conf)
        conf(["--config-file", str(path)])
        return conf

    def test_an_incomplete_identity_names_the_group(self) -> None:
        for text in ("", "[agent_auth]\nauth_type = nonsense\n"):
            error = self.assertRaises(
                errors.Invalid, api_client.connect, self.conf(text)
            )
            self.assertIn("[agent_auth]", str(error))

    def test_an_endpoint_of_ones_own(self) -> None:
        conf = self.conf(
            f"[agent]\nhost = h\napi_endpoint = {ENDPOINT}/\n"
            "[agent_auth]\nauth_type = none\n"
        )
        with requests_mock.Mocker() as wire:
            wire.put(f"{ENDPOINT}/v1/hosts/h/report", json={"claimed": []})
            api_client.connect(conf).report(b"{}")
            self.assertEqual(1, wire.call_count)
