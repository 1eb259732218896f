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

"""The way of an order, from the queue to the end."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any

import testtools

from gpubroker.domain import leases
from gpubroker.services import drive
from gpubroker.services import plan
from gpubroker.services import reconcile
from tests.fixtures import world


class Counting:
    """A port that counts what it is asked."""

    def __init__(self, real: Any) -> None:
        self.asked: collections.Counter[str] = collections.Counter()
        self._real = real

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.asked[name] += 1
            return method(*args, **kwargs)

        return counted


class Way(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World())

    def test_an_order_runs_and_ends_and_leaves_nothing(self):
        lease = self.world.order(duration=60)
        self.assertEqual(leases.State.QUEUED, lease.state)
        lease = self.world.settle(lease.id, "active")
        self.assertIsNotNone(lease.nodes[0].server_id)
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual(leases.EndCause.EXPIRY, lease.end_cause)
        self.assertEqual({}, self.world.leftovers())

    def test_to_prove_eight_cards_takes_no_more_than_to_prove_one(self):
        for name in self.world.trees:
            reconcile.reconcile_host(self.world.core, name)
        counts = [self.asked_for(flavor) for flavor in ("gpu.1", "gpu.8")]
        for asked in counts:
            # The first ticket of a host also makes its provider.
            del asked["ensure_ticket_provider"]
        self.assertEqual(counts[0], counts[1])
        self.assertEqual(0, counts[1]["consumers"])

    def asked_for(self, flavor):
        """What a start asks of Placement."""
        lease = self.world.order(flavor=flavor)
        ledger = Counting(self.world.core.ledger)
        core = dataclasses.replace(self.world.core, ledger=ledger)
        plan.plan_pool(core, lease.pool, "worker-1")
        while self.world.get(lease.id).state == leases.State.STARTING:
            self.world.clock.advance(drive.drive(core, lease.id))
        self.assertEqual("active", self.world.get(lease.id).state)
        return ledger.asked
