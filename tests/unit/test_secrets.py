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

"""The look through the logs finds what is there, and says when it can not."""

from __future__ import annotations

import json
import pathlib

import fixtures
import testtools

from sandbox import layout as layouts
from tests.cloud import secrets

LEASE = "c7ee8c0b-9694-41b5-a0a3-7d14d7990101"
TOKEN = f"gAAAAA{'x' * 70}"
TALK = f"2026-11-28 DEBUG gpubroker Lease {LEASE}: ordered\n"
ORDERED = '2026-11-28 DEBUG urllib3 http://x "POST /v1/leases HTTP/1.1" 201\n'


class SecretsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.layout = layouts.Layout.at(folder / "sandbox")
        self.layout.make()
        self.layout.passwords.write_text(json.dumps({"nova": "pw-of-nova"}))
        keys = self.layout.data / "gpubroker-keys"
        keys.mkdir()
        (keys / "0").write_text("a-key\n")
        host = self.layout.host("gpu-1")
        host.mkdir(parents=True)
        (host / "agent-identity.conf").write_text("[a]\npassword = pw-agent\n")
        for name in ("gpubroker-api", "gpubroker-worker", "horizon"):
            self.log(name, TALK)

    def log(self, name, *lines):
        with self.layout.log_of(name).open("a") as log:
            log.writelines(lines)

    def test_all_that_is_secret_is_found_in_each_log(self):
        self.assertEqual([], [*secrets.leaks(self.layout)])
        self.log("gpubroker-agent-gpu-1", "pw-agent\n")
        self.log("gpubroker-api", "fine\n", f"X-Auth-Token: {TOKEN}\n")
        self.log("gpubroker-worker", "the key a-key\n", "adminPass\n")
        self.log("horizon", f"{secrets.encoded()}\n", "/vnc?token=1\n")
        # Of others: what they write is not for us to judge.
        self.log("nova", f"{TOKEN} pw-of-nova\n")
        self.assertEqual(
            [
                "gpubroker-agent-gpu-1.log:1: password of gpu-1",
                "gpubroker-api.log:3: a token",
                "gpubroker-worker.log:2: key 0 of user data",
                "gpubroker-worker.log:3: a password of a server",
                "horizon.log:2: user data in base64",
                "horizon.log:3: the address of a console",
            ],
            [*secrets.leaks(self.layout)],
        )

    def unheard(self, lease=LEASE, horizon=False):
        return [*secrets.unheard(self.layout, lease, horizon)]

    def test_logs_that_tell_nothing_prove_nothing(self):
        self.assertEqual([], self.unheard())
        for path in secrets.logs(self.layout):
            path.write_text("2026-11-28 INFO gpubroker Ready\n")
        self.assertEqual(4, len(self.unheard()))

    def test_the_order_has_to_be_in_the_logs(self):
        told = self.unheard("another")
        self.assertEqual(
            [
                "gpubroker-api says nothing of lease another",
                "gpubroker-worker says nothing of lease another",
            ],
            told,
        )

    def test_which_worker_had_the_lease_does_not_matter(self):
        self.layout.log_of("gpubroker-worker").write_text("INFO x\n")
        self.log("gpubroker-worker-2", TALK)
        self.assertEqual([], self.unheard())

    def test_an_order_in_horizon_has_to_be_in_its_log(self):
        self.assertEqual(
            ["horizon says nothing of an order"], self.unheard(horizon=True)
        )
        self.log("horizon", ORDERED)
        self.assertEqual([], self.unheard(horizon=True))
