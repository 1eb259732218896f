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

"""A host goes once nobody shows its cards any more."""

from __future__ import annotations

from gpubroker import errors
from gpubroker.services import enrol
from tests.fixtures import estate
from tests.functional.reconcile import base

CARD = estate.ADDRESSES[0]


class Removal(base.HostCase):
    def setUp(self):
        super().setUp()
        self.report()

    def remove(self):
        enrol.remove_host(self.core, "gpu-1", lambda _generation: None)

    def silence(self):
        timeout = self.core.settings.heartbeat_timeout
        self.estate.clock.advance(timeout + 1)

    def test_gone_from_placement_with_an_agent_that_is_silent(self):
        self.tree.remove()
        self.estate.pass_()
        self.silence()
        self.remove()
        self.assertRaises(errors.NotFound, self.estate.get)

    def test_not_while_its_agent_reports_cards(self):
        self.estate.told = ["card-not-in-placement"]
        self.tree.remove()
        self.estate.pass_()
        refused = self.assertRaises(errors.InUse, self.remove)
        self.assertIn("agent", str(refused))

    def test_not_while_placement_shows_its_cards(self):
        self.silence()
        refused = self.assertRaises(errors.InUse, self.remove)
        self.assertIn("Placement", str(refused))
        self.assertEqual(4, len(self.estate.cards()))
