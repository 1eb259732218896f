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

"""Whatever somebody does while a worker is at work, at whatever place.

Each way is walked once for each of its places: after each thing that the
worker reads, writes, or does outside, somebody else does something; then all
goes on. Some places of each way by default, all of them with
``GPUBROKER_TEST_LONG=1``.
"""

from __future__ import annotations

import testtools

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain.fences import Reason
from gpubroker.services import drain
from gpubroker.services import end
from gpubroker.services import extend
from gpubroker.services import fence
from gpubroker.services import ports
from tests.fixtures import cloud
from tests.fixtures import effort
from tests.fixtures import tripwire
from tests.fixtures import world

#: Every how manieth place is tried.
STRIDE = 1 if effort.LONG else 23
_MANY = 400
OLGA = events.Actor(user_id="olga")


def places(first=1):
    return range(first, _MANY + 1, STRIDE)


MORE = 600


class MeanwhileCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(
            world.World(["gpu-1"], cards=2, suspect_seconds=1)
        )

    def each_place(self, prepare, act, work, check, places):
        """Until the way is over, or the places are.

        :param act: what is done meanwhile, with the lease.
        :param work: what the worker does, with a broker and the lease.
        """
        tried = []
        for at in places:
            lease = prepare()
            wire = tripwire.Meanwhile(at, lambda le=lease: act(le))
            work(wire.around(self.world.core), lease)
            if wire.over:
                end.end(self.world.core, lease.id)
                self.world.settle(lease.id, "ended")
                return tried
            place = f"{at}: meanwhile, after {wire.places[at - 1]}"
            tried.append(wire.places[at - 1])
            check(lease, place)
            self.nothing_is_left(lease, place)
        self.assertLess(at, _MANY, "the way has no end")
        return tried

    def nothing_is_left(self, lease, place):
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers(), place)
        self.world.clock.advance(10)

    def to_rest(self, core, lease):
        rest = ("active", "ended", "failed")
        self.world.run(
            lambda: self.world.get(lease.id).state in rest, core=core
        )
        self.world.turn(core)

    def active(self, **more):
        lease = self.world.order(**more)
        return self.world.settle(lease.id, "active")

    def stays(self, state, lease, place):
        self.world.run(lambda: self.world.get(lease.id).state == state)
        for _turn in range(3):
            self.world.clock.advance(5)
            self.world.turn()
        self.assertEqual(state, self.world.get(lease.id).state, place)


class WhileItStarts(MeanwhileCase):
    """From the queue on: a plan is read, made and written on the way."""

    def ended(self, lease, place):
        self.stays("ended", lease, place)
        self.assertEqual([], self.world.open(), place)

    def test_its_user_ends_it(self):
        tried = self.each_place(
            self.world.order, self.end, self.to_rest, self.ended, places()
        )
        self.assertIn("read", tried)

    def end(self, lease):
        end.end(self.world.core, lease.id)

    def test_two_end_it_and_another_worker_sees_to_it(self):
        def act(lease):
            self.end(lease)
            self.end(lease)
            self.world.run(lambda: self.world.get(lease.id).final)
            self.end(lease)

        self.each_place(
            self.world.order, act, self.to_rest, self.ended, places(2)
        )

    def test_a_card_is_fenced(self):
        """It starts with none that was fenced before it had it."""
        self.withdrawn(self.fence, self.unfence)

    def test_its_host_is_drained(self):
        self.withdrawn(self.drain, self.resume)

    def withdrawn(self, take, give):
        before = {}

        def act(lease):
            before[lease.id] = self.world.get(lease.id).state == "queued"
            take()

        def check(lease, place):
            if before[lease.id]:
                self.stays("queued", lease, place)
            give()
            self.assertEqual(
                "active", self.world.settle(lease.id, "active").state, place
            )

        def work(core, _lease):
            for _turn in range(3):
                self.world.clock.advance(max(self.world.turn(core), 0.01))

        self.each_place(
            lambda: self.world.order(flavor="gpu.2"),
            act,
            work,
            check,
            range(1, 14, 1 if effort.LONG else 3),
        )
        self.assertIn(True, before.values())
        self.assertIn(False, before.values())

    def card(self):
        with self.world.store.read() as tx:
            return tx.devices.all()[0].id

    def fence(self):
        core = self.world.core
        fence.fence(core, self.card(), Reason.OPERATOR, "sick", "olga")

    def unfence(self):
        fence.unfence(self.world.core, self.card(), Reason.OPERATOR, "olga")

    def drain(self):
        drain.drain(self.world.core, "gpu-1", "", OLGA, lambda _seen: None)

    def resume(self):
        drain.resume(self.world.core, "gpu-1", OLGA, lambda _seen: None)

    def test_it_is_extended(self):
        def act(lease):
            extend.extend(self.world.core, lease.id, MORE)

        def check(lease, place):
            lease = self.world.get(lease.id)
            self.assertEqual("active", lease.state, place)
            lasts = (lease.expires_at - lease.started_at).total_seconds()
            self.assertEqual((7200 + MORE,) * 2, (lasts, lease.duration))

        self.each_place(
            lambda: self.world.order(duration=7200),
            act,
            self.to_rest,
            check,
            places(3),
        )

    def test_a_member_boots_its_flavor(self):
        """Before our own POST, during it or after: the ticket is one."""

        def act(lease):
            for shape in self.world.cloud.shapes:
                self.booted.append(self.boot(shape))

        there = self.while_there_is_a_flavor()
        if not effort.LONG:
            there = [there[0], there[len(there) // 2], there[-1]]
        self.booted = []
        self.each_place(
            self.world.order, act, self.to_rest, self.one_server, there
        )
        self.assertEqual(len(there), len(self.booted))

    def while_there_is_a_flavor(self):
        """The places of a start at which somebody could use it."""
        # The first one also makes the ticket provider of the host.
        self.nothing_is_left(self.active(), "the first")
        found = []
        wire = tripwire.Meanwhile(0, lambda: None)
        cross = wire.cross

        def crossed(place):
            cross(place)
            if self.world.cloud.shapes:
                found.append(len(wire.places))

        wire.cross = crossed
        lease = self.world.order()
        self.to_rest(wire.around(self.world.core), lease)
        self.nothing_is_left(lease, "alone")
        names = {wire.places[at - 1] for at in found}
        self.assertLess({"compute.ensure_shape", "user.create_server"}, names)
        return found

    def boot(self, shape):
        spec = ports.ServerSpec(
            name="mine", shape_id=shape, tag="mine", image=cloud.IMAGE
        )
        return self.world.cloud.boot(world.PROJECT, "mallory", spec)

    def one_server(self, lease, place):
        """The lease is active as promised; nobody else got a card."""
        lease = self.world.settle(lease.id, "active", told=["server-doubled"])
        held = self.world.core.ledger.allocations(lease.nodes[0].server_id)
        with self.world.store.read() as tx:
            cards = tx.devices.many(lease.nodes[0].planned)
        self.assertLessEqual({c.provider_id for c in cards}, set(held), place)
        for card in cards:
            self.assertEqual(
                [lease.nodes[0].server_id],
                list(self.world.core.ledger.consumers(card.provider_id)),
                place,
            )
        mine = [
            m
            for m in self.world.cloud.machines.values()
            if m.seen.id != lease.nodes[0].server_id
        ]
        # A server of theirs in ERROR holds nothing; it is theirs to delete.
        for machine in mine:
            self.assertEqual("ERROR", machine.seen.status, place)
            self.assertIn(machine.seen.id, self.booted, place)
            self.world.cloud.delete(machine.seen.id)
        self.world.clock.advance(1)


class WhileItEnds(MeanwhileCase):
    def extend(self, lease):
        """Whether it was granted."""
        try:
            extend.extend(self.world.core, lease.id, MORE)
        except errors.Conflict:
            return
        self.granted.append(lease.id)

    def test_it_is_extended_and_still_ends(self):
        def work(core, lease):
            end.end(core, lease.id)
            self.to_rest(core, lease)

        def check(lease, place):
            self.stays("ended", lease, place)

        self.granted = []
        self.each_place(self.active, self.extend, work, check, places())
        self.assertEqual([], self.granted)

    def test_it_is_ended_once_more(self):
        def work(core, lease):
            end.end(core, lease.id)
            self.to_rest(core, lease)

        def act(lease):
            end.end(self.world.core, lease.id)

        self.each_place(
            self.active,
            act,
            work,
            lambda lease, place: self.stays("ended", lease, place),
            places(2),
        )

    def test_it_is_extended_while_it_expires(self):
        """Who is told that it lasts longer has it for longer."""

        def prepare():
            lease = self.active(duration=100)
            gone = lease.expires_at - self.world.clock.now()
            self.world.clock.advance(gone.total_seconds() + 1)
            return lease

        def work(core, lease):
            for _turn in range(4):
                self.world.turn(core)

        def check(lease, place):
            lasts = lease.id in self.granted
            self.stays("active" if lasts else "ended", lease, place)
            if lasts:
                self.world.clock.advance(MORE)
                self.stays("ended", lease, place)

        self.granted = []
        self.each_place(prepare, self.extend, work, check, places(3))
        self.assertNotEqual([], self.granted)
