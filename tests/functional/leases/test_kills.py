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

"""Promise 2: after any kill every lease gets on, and nothing is left."""

from __future__ import annotations

import testtools

from gpubroker.domain import leases
from gpubroker.services import delegate
from gpubroker.services import end
from gpubroker.services import expire
from gpubroker.services import order
from tests.fixtures import cloud
from tests.fixtures import effort
from tests.fixtures import tripwire
from tests.fixtures import world

#: More than any of these ways has; reaching it would mean a way without end.
_MANY = 300

#: Each way is walked by as many tests, which several processes can share.
_PARTS = 3

#: All places in a long run, else every fourth.
_STEP = 1 if effort.LONG else 4


def parts(tests):
    """The same tests, each at every third of the places: the first, the
    second and the third part of them."""
    return [
        type(
            f"{tests.__name__}{part + 1}",
            (tests, KillCase),
            {"__module__": tests.__module__, "part": part},
        )
        for part in range(_PARTS)
    ]


class KillCase(testtools.TestCase):
    """One world for all places: each round must leave it as it was."""

    hosts = ("gpu-1",)
    part = 0

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(
            world.World(self.hosts, cards=2, suspect_seconds=1)
        )

    def each_place(self, prepare, act, check, first=1):
        """``act`` in a broker that dies at the first, second ... place,
        until it lives through; then ``check``, with one that does not die.

        :param first: leaves out places that another test has covered.
        :returns: the places.
        """
        begin = first + self.part * _STEP
        for at in range(begin, _MANY, _PARTS * _STEP):
            lease = prepare()
            wire = tripwire.Wire(at)
            try:
                act(wire.around(self.world.core), lease)
            except tripwire.Killed as killed:
                self.world.clock.advance(15)
                check(lease, f"{at}: killed after {killed}")
            else:
                self.end(lease, "alive")
                return wire.places
        return self.fail("the way has no end")

    def run_to(self, state):
        """A way that goes on until the lease is there and at rest."""

        def act(core, lease):
            self.world.run(
                lambda: self.world.get(lease.id).state == state, core=core
            )
            self.world.turn(core)

        return act

    def end(self, lease, place):
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers(), place)

    def is_active_alone(self, lease, place):
        lease = self.world.settle(lease.id, "active")
        cloud = self.world.cloud
        self.assertEqual(
            [n.server_id for n in lease.nodes], list(cloud.machines), place
        )
        self.assertEqual([], [*cloud.shapes, *cloud.trusts], place)
        self.assertEqual({1}, {n.attempt for n in lease.nodes}, place)
        self.end(lease, place)


class OneNode:
    def test_a_start_may_be_killed_anywhere(self):
        places = self.each_place(
            self.world.order, self.run_to("active"), self.is_active_alone
        )
        self.assertIn("user.create_server", places)
        self.assertIn("identity.revoke", places)

    def test_an_end_may_be_killed_anywhere(self):
        def active():
            lease = self.world.order()
            return self.world.settle(lease.id, "active")

        def act(core, lease):
            end.end(core, lease.id)
            self.run_to("ended")(core, lease)

        places = self.each_place(active, act, self.end)
        self.assertIn("compute.delete_server", places)
        self.assertIn("ledger.drop_ticket", places)

    def test_an_expiry_may_be_killed_anywhere(self):
        """From there on its way is that of any end."""

        def over():
            lease = self.world.order(duration=3600)
            self.world.settle(lease.id, "active")
            self.world.clock.advance(3600)
            return lease

        def act(core, lease):
            self.assertEqual([lease.id], expire.expire(core))

        def check(lease, place):
            over = self.world.settle(lease.id, "ended")
            self.assertIs(leases.EndCause.EXPIRY, over.end_cause, place)
            self.assertEqual({}, self.world.leftovers(), place)
            said = self.world.events(lease.id).count("lease.ending")
            self.assertEqual(1, said, place)

        self.each_place(over, act, check)

    def test_the_undoing_of_a_start_may_be_killed_anywhere(self):
        def failing():
            self.world.clock.advance(10)
            self.world.cloud.fates = ["no_valid_host"]
            return self.world.order()

        def is_active(lease, place):
            self.world.cloud.fates = []
            lease = self.world.settle(lease.id, "active")
            self.assertEqual(1, len(self.world.cloud.machines), place)
            self.end(lease, place)

        places = self.each_place(
            failing, self.run_to("active"), is_active, first=14
        )
        self.assertEqual(2, places.count("user.create_server"))

    def test_a_cancelled_start_may_be_killed_anywhere(self):
        def starting():
            lease = self.world.order()
            self.world.run(lambda: self.world.cloud.machines)
            return lease

        def act(core, lease):
            end.end(core, lease.id)
            self.run_to("ended")(core, lease)

        self.each_place(starting, act, self.end)


class Orders(KillCase):
    def test_an_order_may_be_killed_anywhere(self):
        """What dies before its row is written leaves a trust, which the
        sweep removes; an order that was written goes its way."""
        body = {
            "name": "train",
            "flavor": "gpu.2",
            "workload": {"type": "server", "image": cloud.IMAGE},
        }

        def act(core, _lease):
            order.order(core, self.world.caller(), body)

        for at in range(1, 4):
            wire = tripwire.Wire(at)
            core = wire.around(self.world.core)
            self.assertRaises(tripwire.Killed, act, core, None)
            place = f"killed after {wire.places}"
            trusts = len(self.world.cloud.trusts)
            self.assertEqual(0 if at == 1 else 1, trusts, place)
            self.assertEqual(1 if at == 3 else 0, len(self.world.open()))
            for _look in range(2):
                self.world.clock.advance(600)
                delegate.sweep(self.world.core)
            if at < 3:
                self.assertEqual({}, self.world.leftovers(), place)
            for lease in self.world.open():
                self.is_active_alone(lease, place)
        self.assertEqual(
            ["commit", "identity.delegate", "commit"], wire.places
        )


class TwoNodes:
    hosts = ("gpu-1", "gpu-2")

    def test_a_start_of_two_nodes_may_be_killed_anywhere(self):
        places = self.each_place(
            lambda: self.world.order(nodes=2),
            self.run_to("active"),
            self.is_active_alone,
            first=14,
        )
        self.assertEqual(2, places.count("user.create_server"))


OneNode1, OneNode2, OneNode3 = parts(OneNode)
TwoNodes1, TwoNodes2, TwoNodes3 = parts(TwoNodes)
