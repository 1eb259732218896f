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
"""What a user is told of a service that fails, and what only the log is."""

from __future__ import annotations

import logging

import fixtures
import requests

from gpubroker import errors
from gpubroker.api import errors as api_errors
from tests.unit.clouds import wire

INSIDE = "nova-api-3.inside.example"


class Words(wire.WireCase):
    def told(self, **answer):
        """The error of one call, and what was logged meanwhile."""
        log = self.useFixture(fixtures.FakeLogger(level=logging.WARNING))
        self.wire.get(f"{wire.NOVA}/os-services", **answer)
        raised = self.assertRaises(
            errors.Unavailable, self.clouds.compute.services
        )
        return raised, log.output

    def check(self, raised, log, word):
        self.assertEqual("Nova does not answer at present.", raised.message)
        self.assertIn(word, log)
        self.assertIn(word, raised.fields["detail"])
        answer = api_errors.render(raised, "req-1")
        self.assertEqual(503, answer.status_int)
        self.assertNotIn(word, answer.text)
        self.assertNotIn("nova.test", answer.text)
        self.assertIn("req-1", answer.text)

    def test_an_address_that_nothing_answers_at(self):
        raised, log = self.told(exc=requests.exceptions.ConnectionError)
        self.check(raised, log, wire.NOVA)

    def test_a_service_that_tells_of_its_inside(self):
        words = f"Unexpected API Error at {INSIDE}"
        raised, log = self.told(
            status_code=500, json={"computeFault": {"message": words}}
        )
        self.check(raised, log, INSIDE)

    def test_a_keystone_that_is_down(self):
        log = self.useFixture(fixtures.FakeLogger(level=logging.WARNING))
        self.wire.post(
            f"{wire.KEYSTONE}/auth/tokens",
            exc=requests.exceptions.ConnectionError,
        )
        raised = self.assertRaises(
            errors.Unavailable, self.clouds.compute.services
        )
        self.assertNotIn("http", raised.message)
        self.assertIn(wire.KEYSTONE, log.output)
