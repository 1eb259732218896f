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


"""A drained host gives out no card, also none that is found there later."""

from __future__ import annotations

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain.fences import Reason
from gpubroker.services import drain
from gpubroker.services import fence
from tests.fixtures import estate
from tests.fixtures import nova_tree
from tests.functional.reconcile import base

OLGA = events.Actor(user_id="olga", request_id="req-1")
FIRST = estate.ADDRESSES[0]


def unseen(_generation):
    """Any generation will do."""


class Drained(base.HostCase):
    def setUp(self):
        super().setUp()
        self.report()
        self.drain()

    def drain(self, detail="new firmware"):
        return drain.drain(self.core, "gpu-1", detail, OLGA, unseen)

    def resume(self):
        drain.resume(self.core, "gpu-1", OLGA, unseen)

    def held(self):
        """How many cards have the fence, and Placement has closed."""
        self.estate.pass_()
        cards = self.estate.cards()
        fenced = [c for c in cards if Reason.DRAIN in c.reasons]
        return len(fenced), sum(1 for card in cards if card.reserved)

    def test_every_card_is_closed_until_the_host_is_resumed(self):
        self.assertEqual((4, 4), self.held())
        (found,) = self.estate.card(FIRST).fences
        self.assertEqual(("new firmware", "olga"), (found.detail, found.by))
        self.resume()
        self.assertEqual((0, 0), self.held())
        self.assertIsNone(self.estate.get().drain)

    def test_again_changes_nothing(self):
        before = self.estate.get()
        self.assertEqual(before, self.drain("another reason"))
        self.resume()
        before = self.estate.get()
        self.resume()
        self.assertEqual(before, self.estate.get())

    def test_a_card_that_is_found_later_is_closed_too(self):
        new = nova_tree.ADDRESSES[len(estate.ADDRESSES)]
        self.tree.add_card(new)
        self.assertEqual((5, 5), self.held())
        self.assertIn("drain", self.estate.reasons(new))

    def test_a_card_that_comes_back_as_another_provider_is_closed(self):
        self.held()
        self.tree.remove_card(FIRST)
        self.estate.pass_()
        self.tree.add_card(FIRST)
        self.assertEqual((4, 4), self.held())

    def test_a_lifted_row_is_set_again(self):
        """As after a restored database: what stands in the host counts."""
        card = self.estate.card(FIRST)
        with self.core.store.write() as tx:
            tx.fences.remove(card.id, Reason.DRAIN)
        self.assertEqual((4, 4), self.held())

    def test_no_other_fence_goes_with_it(self):
        card = self.estate.card(FIRST)
        fence.fence(self.core, card.id, Reason.OPERATOR, "fan", "olga")
        self.resume()
        self.assertEqual((0, 1), self.held())
        self.assertEqual({"operator"}, self.estate.reasons(FIRST))

    def test_it_is_not_lifted_card_by_card(self):
        card = self.estate.card(FIRST)
        refused = self.assertRaises(
            errors.Invalid,
            fence.unfence,
            self.core,
            card.id,
            Reason.DRAIN,
            "olga",
        )
        self.assertIn("resuming the host", refused.message)
