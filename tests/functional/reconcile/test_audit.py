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

"""What the auditor finds at the end fails a test of hosts and cards."""

from __future__ import annotations

import testtools

from gpubroker.domain.fences import Reason
from gpubroker.services import fence
from tests.fixtures import estate
from tests.fixtures import nova_tree


class AtTheEnd(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.estate = estate.Estate()
        self.estate.setUp()
        self.tree = self.estate.tree()
        self.estate.host()

    def ghost(self):
        """A host that Nova does not know, which nobody reconciles."""
        nova_tree.NovaTree(
            self.estate.placement.api,
            "ghost",
            resource_class=estate.A100,
            addresses=estate.ADDRESSES[:1],
        ).build()

    def test_nothing(self):
        self.estate.cleanUp()

    def test_what_the_broker_does_not_know(self):
        self.ghost()
        error = self.assertRaises(AssertionError, self.estate.cleanUp)
        self.assertIn("card-unknown", str(error))

    def test_what_waits_for_a_server_to_go(self):
        """Its fence was lifted; only then is it opened."""
        address = estate.ADDRESSES[0]
        self.tree.boot([address])
        self.estate.pass_()
        card = self.estate.card(address).id
        fence.fence(self.estate.core, card, Reason.OPERATOR, "odd", "ada")
        self.estate.pass_()
        fence.unfence(self.estate.core, card, Reason.OPERATOR, "ada")
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(address))
        self.estate.cleanUp()

    def test_what_the_test_has_named(self):
        self.ghost()
        self.estate.told = ["card-unknown"]
        self.estate.cleanUp()

    def test_what_the_broker_knows_and_does_not_mend(self):
        """As if it could not write."""
        address = estate.ADDRESSES[0]
        self.estate.pass_ = lambda name: self.tree.set_reserved(address, 1)
        error = self.assertRaises(AssertionError, self.estate.cleanUp)
        self.assertIn("fence-unknown", str(error))
