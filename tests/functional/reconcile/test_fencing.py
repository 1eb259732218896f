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

"""``reserved`` in Placement follows the fences."""

from __future__ import annotations

from gpubroker import errors
from gpubroker.domain.fences import Reason
from gpubroker.services import discovery
from gpubroker.services import fence
from tests.fixtures import estate
from tests.functional.reconcile import base

CARD, OTHER = estate.ADDRESSES[:2]


class Fencing(base.EstateCase):
    def fence(self, address=CARD, detail="noisy fan", by="olga"):
        return fence.fence(
            self.core,
            self.estate.card(address).id,
            Reason.OPERATOR,
            detail,
            by,
        )

    def unfence(self, reason=Reason.OPERATOR, address=CARD):
        return fence.unfence(
            self.core, self.estate.card(address).id, reason, "olga"
        )

    def test_a_fence_closes_the_card_and_lifting_it_opens_it(self):
        tree = self.estate.tree()
        self.estate.host()
        self.fence()
        self.assertIn(("host", "gpu-1"), self.estate.bell.rung)
        self.assertEqual(5.0, self.estate.pass_())
        self.assertEqual(1, tree.reserved(CARD))
        self.assertEqual(1, self.estate.card(CARD).reserved)
        self.assertIsNone(self.estate.pass_())
        self.unfence()
        self.estate.pass_()
        self.assertEqual(0, tree.reserved(CARD))
        kinds = self.estate.events(self.estate.card(CARD).id)
        self.assertEqual(
            [
                "device.found",
                "device.fenced",
                "device.closed",
                "device.unfenced",
                "device.opened",
            ],
            kinds,
        )

    def test_fencing_again_replaces_the_detail(self):
        self.estate.tree()
        self.estate.host()
        first = self.fence().fences[0]
        again = self.fence(detail="fan is loud, ticket 4711", by="otto")
        (stands,) = again.fences
        self.assertEqual(
            ("fan is loud, ticket 4711", "otto", first.created_at),
            (stands.detail, stands.by, stands.created_at),
        )
        # The same once more is no news.
        self.fence(detail="fan is loud, ticket 4711", by="olga")
        self.assertEqual(
            ["device.found", "device.fenced", "device.fence_reworded"],
            self.estate.events(again.id),
        )

    def test_an_observed_host_is_never_written_to(self):
        tree = self.estate.tree()
        self.estate.host(mode="observe", admission="manual")
        self.fence()
        generation = tree.generation(CARD)
        self.estate.pass_()
        self.assertEqual({"operator", "unadmitted"}, self.estate.reasons(CARD))
        self.assertEqual(generation, tree.generation(CARD))
        self.assertEqual(0, tree.reserved(CARD))

    def test_new_cards_stay_closed_until_somebody_admits_them(self):
        tree = self.estate.tree()
        self.estate.host(admission="manual")
        self.estate.pass_()
        self.assertEqual(1, tree.reserved(CARD))
        self.unfence(Reason.UNADMITTED)
        self.estate.pass_()
        self.assertEqual(0, tree.reserved(CARD))
        self.assertEqual(1, tree.reserved(OTHER))

    def test_a_pool_that_becomes_automatic_admits_what_waits(self):
        tree = self.estate.tree()
        self.estate.host(admission="manual")
        self.estate.pass_()
        self.estate.admission("automatic")
        self.estate.pass_()
        self.assertEqual(set(), self.estate.reasons(CARD))
        self.assertEqual(0, tree.reserved(CARD))

    def test_a_provider_made_anew_gets_its_fence_back_in_one_pass(self):
        tree = self.estate.tree()
        self.estate.host()
        self.fence()
        self.estate.pass_()
        tree.remove_card(CARD)
        tree.add_card(CARD, 0)
        self.assertEqual(0, tree.reserved(CARD))
        self.estate.pass_()
        self.assertEqual(1, tree.reserved(CARD))
        self.assertEqual({"operator"}, self.estate.reasons(CARD))

    def test_a_fence_that_somebody_clears_is_set_again(self):
        tree = self.estate.tree()
        self.estate.host()
        self.fence()
        self.estate.pass_()
        tree.set_reserved(CARD, 0)
        self.estate.bell.rung.clear()
        discovery.discover(self.core)
        self.assertIn(("host", "gpu-1"), self.estate.bell.rung)
        self.estate.pass_()
        self.assertEqual(1, tree.reserved(CARD))

    def test_reserved_by_somebody_else_is_external_and_theirs_to_lift(self):
        tree = self.estate.tree()
        self.estate.host()
        tree.set_reserved(CARD, 1)
        self.estate.pass_()
        self.assertEqual({"external"}, self.estate.reasons(CARD))
        self.fence()
        self.estate.pass_()
        self.unfence()
        self.estate.pass_()
        self.assertEqual(1, tree.reserved(CARD))
        tree.set_reserved(CARD, 0)
        self.estate.pass_()
        self.assertEqual(set(), self.estate.reasons(CARD))

    def test_reserved_before_the_broker_came_is_external(self):
        tree = self.estate.tree()
        tree.set_reserved(CARD, 1)
        self.estate.host()
        self.estate.pass_()
        self.assertEqual({"external"}, self.estate.reasons(CARD))
        self.assertEqual(1, tree.reserved(CARD))

    def test_a_used_card_is_fenced_and_is_not_opened_while_in_use(self):
        tree = self.estate.tree()
        self.estate.host()
        server = tree.boot([CARD])
        self.fence()
        self.estate.pass_()
        self.assertEqual(1, tree.reserved(CARD))
        self.unfence()
        self.estate.pass_()
        self.assertEqual(1, tree.reserved(CARD))
        tree.delete_server(server)
        self.estate.pass_()
        self.assertEqual(0, tree.reserved(CARD))
        self.assertEqual(set(), self.estate.reasons(CARD))

    def test_a_claim_that_slipped_in_is_told_at_the_second_look(self):
        tree = self.estate.tree()
        self.estate.host()
        self.fence()
        self.estate.pass_()
        # As the default Placement lets it happen (N 15.8).
        tree.set_reserved(CARD, 0)
        tree.boot([CARD])
        tree.set_reserved(CARD, 1)
        self.estate.pass_()
        kinds = self.estate.events(self.estate.card(CARD).id)
        self.assertIn("device.used_while_fenced", kinds)

    def test_only_operator_is_set_by_hand(self):
        self.estate.tree()
        self.estate.host()
        device_id = self.estate.card(CARD).id
        for reason in set(Reason) - {Reason.OPERATOR}:
            self.assertRaises(
                errors.Invalid,
                fence.fence,
                self.core,
                device_id,
                reason,
                "",
                "olga",
            )
        for reason in (Reason.LEASE, Reason.EXTERNAL):
            self.assertRaises(
                errors.Invalid,
                fence.unfence,
                self.core,
                device_id,
                reason,
                "olga",
            )
        self.assertRaises(
            errors.NotFound,
            fence.unfence,
            self.core,
            device_id,
            Reason.OPERATOR,
            "olga",
        )
