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

"""Cards of which the backup says that a write was under way."""

from __future__ import annotations

from gpubroker.domain.fences import Reason
from gpubroker.services import end
from gpubroker.services import fence
from tests.fixtures import tripwire
from tests.functional.leases import memory


class _Backup(tripwire.Wire):
    """Nobody dies; a backup is made as soon as a card is noted as about to
    be closed."""

    def __init__(self, its):
        super().__init__()
        self.made = None
        self._world = its

    def cross(self, place):
        super().cross(place)
        with self._world.store.read() as tx:
            noted = [r for r in tx.devices.all() if r.closing_generation]
        if noted and self.made is None:
            self.made = self._world.database.backup()


class Pending(memory.Case):
    def setUp(self):
        super().setUp()
        self.begin()
        self.addCleanup(self.world.cleanUp)
        self.wire = _Backup(self.world)
        self.core = self.wire.around(self.world.core)

    def test_a_card_that_an_operator_closed_since_stays_closed(self):
        lease = self.world.order(flavor="gpu.1")
        lease = self.world.settle(lease.id, "active", core=self.core)
        self.assertIsNotNone(self.wire.made)
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        (card,) = lease.nodes[0].planned
        fence.fence(self.world.core, card, Reason.OPERATOR, "bad", "op")
        self.work(2)
        closed = self.closed()
        self.assertEqual(1, len(closed))
        self.world.database.restore(self.wire.made)
        self.assertEqual(["fence"], [line.act for line in self.mend()])
        self.work()
        self.assertEqual(closed, self.closed())
        self.end_all()
        self.assertEqual(set(), self.closed())

    def test_one_that_the_write_itself_closed_is_the_leases(self):
        lease = self.world.order(flavor="gpu.1")
        self.world.settle(lease.id, "active", core=self.core)
        self.world.database.restore(self.wire.made)
        self.assertEqual([], self.mend())
        self.work()
        self.assert_known()
        self.end_all()
