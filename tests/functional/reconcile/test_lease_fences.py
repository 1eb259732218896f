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

"""The fence of a lease goes when the lease is over and the card unused."""

from __future__ import annotations

import datetime

from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.domain.fences import Reason
from gpubroker.services import fence
from tests.fixtures import estate
from tests.functional.reconcile import base

CARD = estate.ADDRESSES[0]


class LeaseFences(base.HostCase):
    def lease(self, state):
        lease = leases.Lease(
            id="11111111-1111-4111-8111-111111111111",
            name="l",
            project_id="p",
            user_id="u",
            flavor="f",
            kind="vm",
            models=(estate.MODEL,),
            gpus=1,
            vcpus=1,
            ram_mib=1,
            disk_gib=1,
            topology="any",
            pool="default",
            state=leases.State(state),
            target=leases.State(state),
            requested_at=self.estate.clock.now(),
        )
        with self.estate.store.write() as tx:
            tx.leases.add(lease, None)
            tx.fences.add(
                fences.Fence(
                    device_id=self.estate.card(CARD).id,
                    reason=Reason.LEASE,
                    lease_id=lease.id,
                    created_at=datetime.datetime.now(datetime.UTC),
                )
            )

    def test_a_running_lease_keeps_its_card_closed(self):
        # A lease without a node has no card.
        self.estate.told = ["fence-lease-left"]
        server = self.tree.boot([CARD])
        self.lease("active")
        self.estate.pass_()
        self.assertEqual(1, self.tree.reserved(CARD))
        self.tree.delete_server(server)
        self.estate.pass_()
        self.assertEqual({"lease"}, self.estate.reasons(CARD))
        self.assertEqual(1, self.tree.reserved(CARD))

    def test_the_fence_goes_when_the_lease_is_over_and_the_card_unused(self):
        server = self.tree.boot([CARD])
        self.lease("ended")
        self.estate.pass_()
        self.assertEqual({"lease"}, self.estate.reasons(CARD))
        self.assertEqual(1, self.tree.reserved(CARD))
        self.tree.delete_server(server)
        self.estate.bell.rung.clear()
        self.estate.pass_()
        self.assertEqual(set(), self.estate.reasons(CARD))
        self.assertEqual(0, self.tree.reserved(CARD))
        self.assertIn(("pool", "default"), self.estate.bell.rung)

    def test_another_reason_keeps_the_card_closed(self):
        self.lease("ended")
        fence.fence(
            self.core, self.estate.card(CARD).id, Reason.OPERATOR, "", "olga"
        )
        self.estate.pass_()
        self.estate.pass_()
        self.assertEqual({"operator"}, self.estate.reasons(CARD))
        self.assertEqual(1, self.tree.reserved(CARD))
