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

"""A member boots the shape of a lease before the lease's own server is made.

A private flavor is open to its whole project while a start needs it, so that
the ticket can be taken at any moment; the broker may be killed in between.
"""

from __future__ import annotations

import testtools

from gpubroker.domain import leases
from gpubroker.services import end
from gpubroker.services import ports
from tests.fixtures import cloud
from tests.fixtures import tripwire
from tests.fixtures import world
from tests.functional.leases import test_caller

#: More than an ending has.
MANY = 60


class DeadAfter(tripwire.Wire):
    """Dies at the first place of that name."""

    def __init__(self, name):
        super().__init__()
        self._name = name

    def cross(self, place):
        self.places.append(place)
        if place == self._name:
            self.at = len(self.places)
            raise tripwire.Killed(place)


class TakenCase(test_caller.Case):
    def shape_is_there(self, **more):
        """And its broker is dead before it has asked for the server."""
        lease = self.world.order(**more)
        core = DeadAfter("compute.ensure_shape").around(self.world.core)
        self.assertRaises(tripwire.Killed, self.world.turn, core)
        return self.world.get(lease.id)

    def member_boots(self, lease, seconds=0.0):
        """:param seconds: until Nova has placed it."""
        spec = ports.ServerSpec(
            name="mine",
            shape_id=lease.nodes[0].shape_id,
            tag="mine",
            image=cloud.IMAGE,
        )
        theirs = self.cloud.boot(world.PROJECT, "mallory", spec)
        self.cloud.machines[theirs].ready_at += seconds
        return theirs


class Starts(TakenCase):
    def active_without(self, lease, theirs):
        lease = self.world.settle(lease.id, "active")
        self.assertNotIn(theirs, self.cloud.machines)
        self.assertEqual(
            [n.server_id for n in lease.nodes], [*self.cloud.machines]
        )
        told = [e.message for e in self.world.history(lease.id)]
        self.assertTrue([m for m in told if "took its place" in m], told)
        self.ends_with_nothing_left(lease)

    def test_whose_place_was_taken_is_started_again(self):
        lease = self.shape_is_there()
        theirs = self.member_boots(lease)
        self.world.clock.advance(5)
        self.cloud.progress()
        self.active_without(lease, theirs)

    def test_with_the_token_of_its_order_it_is_no_other(self):
        lease = self.shape_is_there(methods=test_caller.CREDENTIAL)
        self.assertIs(leases.IdentityMode.CALLER, lease.identity_mode)
        theirs = self.member_boots(lease)
        self.world.clock.advance(5)
        self.cloud.progress()
        self.both(lease, "active")
        self.active_without(lease, theirs)


class Ends(TakenCase):
    def test_what_comes_late_is_removed_whenever_it_comes(self):
        """Accepted by Nova while the shape was there, placed only when the
        broker has found nothing to delete any more."""
        for at in range(1, MANY):
            lease = self.shape_is_there()
            theirs = self.member_boots(lease, seconds=10_000)
            end.end(self.world.core, lease.id)

            def placed(machine=self.cloud.machines[theirs]):
                machine.ready_at = 0.0
                self.cloud.progress()

            wire = tripwire.Meanwhile(at, placed)
            self.world.turn(wire.around(self.world.core))
            self.world.settle(
                lease.id, "ended", told=["server-left"], seconds=300
            )
            if wire.over:
                return
            for machine in [*self.cloud.machines.values()]:
                # In ERROR it holds nothing, and is theirs to delete.
                self.assertEqual("ERROR", machine.seen.status, wire.places)
                self.cloud.delete(machine.seen.id)
            self.world.clock.advance(700)
            self.world.turn()
            self.assertEqual({}, self.world.leftovers(), wire.places)
        self.fail("the way has no end")


class Nodes(testtools.TestCase):
    def test_one_that_can_not_be_removed_keeps_no_other(self):
        found = self.useFixture(world.World(("gpu-1", "gpu-2"), cards=1))
        lease = found.order(flavor="gpu.1", nodes=2)
        lease = found.settle(lease.id, "active")
        first, second = (node.server_id for node in lease.nodes)
        found.cloud.dark = {lease.nodes[0].host}
        end.end(found.core, lease.id)
        found.run(lambda: second not in found.cloud.machines, seconds=60)
        self.assertIn(first, found.cloud.machines)
        found.cloud.dark = set()
        found.settle(lease.id, "ended")
        self.assertEqual({}, found.leftovers())
