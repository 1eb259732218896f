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


"""What a drained host means for the leases on it and for those that wait."""

from __future__ import annotations

import testtools

from gpubroker.domain import events
from gpubroker.services import drain
from gpubroker.services import end
from tests.fixtures import world

OLGA = events.Actor(user_id="olga")


def unseen(_generation):
    """Any generation will do."""


class Drained(testtools.TestCase):
    def test_leases_end_by_themselves_and_new_ones_wait(self):
        one = self.useFixture(world.World(("gpu-1",), cards=2))
        running = one.order("running")
        one.settle(running.id, "active")
        drain.drain(one.core, "gpu-1", "moves", OLGA, unseen)
        one.turn()
        waiting = one.order("waiting")
        end.end(one.core, running.id)
        one.settle(running.id, "ended")
        self.assertEqual("queued", one.get(waiting.id).state)
        self.assertIn("2 held back", one.get(waiting.id).reason)
        with one.store.read() as tx:
            reserved = [card.reserved for card in tx.devices.of_host("gpu-1")]
        self.assertEqual([1, 1], reserved)
        drain.resume(one.core, "gpu-1", OLGA, unseen)
        one.settle(waiting.id, "active")
