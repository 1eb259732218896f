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

import testtools

from gpubroker.domain import leases
from tests.fixtures import world


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
