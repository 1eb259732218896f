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

"""Two workers, one with a clock that is off, on one lease.

What one of them begins the other one goes on with, both ways round: the age
that it has is neither more nor less for it.
"""

from __future__ import annotations

import dataclasses
import datetime

import testtools

from gpubroker.domain import leases
from gpubroker.services import caller
from gpubroker.services import delegate
from gpubroker.services import drive
from gpubroker.services import end
from tests.fixtures import clock
from tests.fixtures import cloud_ports
from tests.fixtures import world

CREDENTIAL = ("application_credential",)
OFF = (-600, 600, 8 * 86400)


class Case(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(["gpu-1"], cards=2))
        self.cloud = self.world.cloud

    def pairs(self):
        """Who begins, and who goes on."""
        right = self.world.core
        for seconds in OFF:
            off = dataclasses.replace(
                right, clock=clock.Off(self.world.clock, seconds)
            )
            skew = (off.machine.now() - right.machine.now()).total_seconds()
            self.assertEqual(seconds, skew)
            yield right, off
            yield off, right

    def get(self, lease):
        return self.world.get(lease.id)

    def until(self, lease, state, core, seconds=300.0):
        self.world.run(
            lambda: self.get(lease).state == state, seconds=seconds, core=core
        )

    def begun(self, lease, name):
        with self.world.store.read() as tx:
            return name in {s.name for s in tx.steps.of_lease(lease.id)}

    def ends_with_nothing_left(self, lease, core):
        if self.get(lease).state != "ending":
            end.end(core, lease.id)
        self.until(lease, "ended", core)
        # What turns up later than this nobody would look for.
        self.world.clock.advance(120)
        self.world.turn()
        self.world.turn()
        self.assertEqual({}, self.world.leftovers())
        self.assertNotEqual(
            leases.EndCause.START_FAILED, self.get(lease).end_cause
        )


class Starting(Case):
    def test_a_server_whose_answer_was_lost_is_waited_for(self):
        self.cloud.unseen["lost"] = 20.0
        for first, second in self.pairs():
            self.cloud.fates = ["lost"]
            lease = self.world.order(core=first)
            self.world.turn(first)
            self.assertEqual([], self.cloud.visible())
            end.end(first, lease.id)
            self.ends_with_nothing_left(lease, second)

    def test_who_came_onto_the_cards_is_given_time_to_vanish(self):
        address = self.world.trees["gpu-1"].addresses[0]
        for first, second in self.pairs():
            self.cloud.over_allocate = address
            lease = self.world.order(core=first)
            self.world.run(lambda: self.begun(lease, "verify"), core=first)
            self.world.turn(second)
            self.assertEqual("starting", self.get(lease).state)
            self.assertEqual(0, self.get(lease).attempts)
            self.cloud.strangers_go()
            self.until(lease, "active", second)
            self.ends_with_nothing_left(lease, second)

    def test_the_token_of_an_order_is_good_for_as_long(self):
        user = cloud_ports.UserCloud(self.cloud, "alice@demo")
        for first, second in self.pairs():
            lease = self.world.order(core=first, methods=CREDENTIAL)
            self.assertEqual(leases.IdentityMode.CALLER, lease.identity_mode)
            drive.drive(second, lease.id)
            self.assertEqual("queued", self.get(lease).state)
            for _turn in range(60):
                self.world.clock.advance(0.5)
                self.world.turn(second)
                caller.drive(first, lease.id, user)
            self.assertEqual("active", self.get(lease).state)
            self.ends_with_nothing_left(lease, second)


class Waiting(Case):
    def at_rest(self, lease):
        lease = self.get(lease)
        return lease.state == "queued" and lease.rights_gone_at is not None

    def test_a_lease_held_for_rights_is_not_given_up(self):
        for first, second in self.pairs():
            lease = self.world.order(core=first)
            self.cloud.rights = False
            self.world.run(lambda: self.at_rest(lease), core=first)
            for _look in range(5):
                self.world.clock.advance(600)
                wait = drive.drive(second, lease.id)
                self.assertEqual("queued", self.get(lease).state)
                self.assertLessEqual(wait, 300)
            self.cloud.rights = True
            self.until(lease, "active", second, seconds=400)
            self.ends_with_nothing_left(lease, second)

    def test_the_cards_of_a_shelved_server_stay_open_for_it(self):
        for first, second in self.pairs():
            lease = self.world.order(core=first)
            self.until(lease, "active", first)
            server = self.get(lease).nodes[0].server_id
            self.cloud.shelve(server)
            self.world.turn(first)
            self.cloud.unshelve(server)
            self.world.run(
                lambda: "once more" in self.get(lease).reason, core=first
            )
            self.world.turn(second)
            self.world.turn(second)
            self.cloud.unshelve(server)
            self.assertEqual("ACTIVE", self.cloud.machines[server].seen.status)
            self.world.run(lambda: not self.get(lease).reason, core=second)
            self.ends_with_nothing_left(lease, second)

    def test_a_consumer_that_may_be_the_leases_is_waited_for(self):
        tree = self.world.trees["gpu-1"]
        for first, second in self.pairs():
            self.cloud.over_allocate = tree.addresses[0]
            lease = self.world.order(core=first)
            self.world.run(lambda: self.cloud.strangers, core=first)
            # Nova shows nothing of it, as of a migration.
            unknown = self.cloud.strangers.pop().id
            end.end(first, lease.id)
            self.world.run(lambda: self.begun(lease, "allocation"), core=first)
            self.world.turn(second)
            self.world.turn(second)
            self.assertEqual("ending", self.get(lease).state)
            tree.delete_server(unknown)
            self.ends_with_nothing_left(lease, second)


class Died(BaseException):
    """The process of an order, with the trust made."""


class Dying(cloud_ports.Identity):
    def delegate(self, *args):
        super().delegate(*args)
        raise Died


class Trusts(Case):
    def rows(self):
        with self.world.store.read() as tx:
            return tx.trusts.all()

    def test_the_trust_of_an_order_under_way_is_left_alone(self):
        for first, second in self.pairs():
            dying = dataclasses.replace(first, identity=Dying(self.cloud))
            self.assertRaises(Died, self.world.order, core=dying)
            self.world.clock.advance(300)
            self.assertEqual(0, delegate.sweep(second))
            self.assertEqual(1, len(self.cloud.trusts))
            self.assertEqual(1, len(self.rows()))
            # And not for ever.
            for _sweep in range(3):
                self.world.clock.advance(600)
                delegate.sweep(second)
            self.assertEqual({}, self.world.leftovers())

    def test_one_that_has_days_to_go_is_not_forgotten(self):
        for first, second in self.pairs():
            dying = dataclasses.replace(first, identity=Dying(self.cloud))
            self.assertRaises(Died, self.world.order, core=dying)
            (row,) = self.rows()
            self.cloud.rights = False
            left = row.expires_at - self.world.clock.now()
            day = datetime.timedelta(days=1)
            self.world.clock.advance((left - day).total_seconds())
            delegate.sweep(second)
            self.assertEqual(1, len(self.rows()), "the trust stands")
            self.world.clock.advance(day.total_seconds())
            self.assertEqual(1, delegate.sweep(second))
            self.cloud.rights = True
            self.cloud.trusts.clear()
