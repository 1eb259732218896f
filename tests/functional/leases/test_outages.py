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


"""A service that is down costs waiting, however long; it fails no lease."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import itertools

import testtools

from gpubroker import errors
from gpubroker.services import drive
from gpubroker.services import end
from gpubroker.services import plan
from tests.fixtures import cloud_ports
from tests.fixtures import world

TIMEOUT = 40.0


class Away:
    """A port whose service gives no answer while ``down``."""

    def __init__(self, real):
        self._real = real
        self.down = False

    def __getattr__(self, name):
        if self.down:
            raise errors.Unavailable(f"{name}: http://inside:8778 is silent")
        return getattr(self._real, name)


class Refusing(cloud_ports.Compute):
    """Nova whose policy has lost the broker's user."""

    def ensure_shape(self, spec):
        raise errors.Misconfigured("Nova refuses what the broker needs.")


class Occupied(cloud_ports.Compute):
    """Nova, in which a server is not in a state to be deleted."""

    def delete_server(self, server_id):
        raise errors.Conflict("Nova: the server is busy.")


class Conflicts(testtools.TestCase):
    def test_a_server_that_is_busy_is_deleted_later(self):
        here = self.useFixture(world.World(["gpu-1"], cards=2))
        lease = here.settle(here.order().id, "active")
        end.end(here.core, lease.id)
        occupied = dataclasses.replace(here.core, compute=Occupied(here.cloud))
        self.assertEqual(5.0, drive.step(occupied, lease.id))
        self.assertEqual("ending", here.get(lease.id).state)
        here.settle(lease.id, "ended")


class Pauses(testtools.TestCase):
    """A service that has too much to do gets fewer questions, not more."""

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(["gpu-1"], cards=2))

    def pauses(self, lease):
        return [drive.drive(self.world.core, lease.id) for _turn in range(6)]

    def test_of_a_lease_that_runs(self):
        lease = self.world.settle(self.world.order().id, "active")
        well = self.world.core.settings.check_interval
        self.world.cloud.down = {"nova"}
        pauses = self.pauses(lease)
        self.assertLessEqual(well / 2, min(pauses))
        self.assertLess(1, len(set(pauses)))
        self.world.cloud.down = set()
        self.assertIsNone(drive.drive(self.world.core, lease.id))
        self.assertEqual(0, self.world.core.patience.lost(lease.id))

    def test_of_one_that_starts(self):
        lease = self.world.order()
        plan.plan_pool(self.world.core, "default", "worker-1")
        self.world.cloud.down = {"keystone"}
        self.grows(lease)
        self.world.cloud.down = set()
        self.world.settle(lease.id, "active")
        self.assertEqual(0, self.world.core.patience.lost(lease.id))

    def test_of_one_that_ends(self):
        lease = self.world.settle(self.world.order().id, "active")
        end.end(self.world.core, lease.id)
        self.world.cloud.down = {"nova"}
        self.grows(lease)
        self.world.cloud.down = set()
        self.world.settle(lease.id, "ended")
        self.assertEqual(0, self.world.core.patience.lost(lease.id))

    def grows(self, lease):
        pauses = self.pauses(lease)
        self.assertLess(sum(pauses[:2]), sum(pauses[-2:]))
        self.assertTrue(all(2.5 <= pause <= 45 for pause in pauses), pauses)


class Outage(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(
            world.World(
                ["gpu-1"],
                cards=2,
                start_timeout=TIMEOUT,
                post_doubt_seconds=10.0,
            )
        )
        self.cloud = self.world.cloud
        self.seen = set()

    def turn(self, lease, core=None):
        with contextlib.suppress(errors.Unavailable):
            # The host can not be read, either.
            self.world.turn(core)
        self.world.clock.advance(5)
        found = self.world.get(lease.id)
        self.assertEqual(0, found.attempts)
        self.assertIn(found.state, ("queued", "starting"), found.reason)
        self.seen.add(found.reason)
        return found

    def outlasts(self, lease, tries, core=None):
        """So many starts, none of which counts."""
        self.turns(lease, lambda found: found.nodes[0].attempt > tries, core)

    def turns(self, lease, until, core=None):
        for _turn in range(500):
            if until(self.turn(lease, core)):
                return
        self.fail(f"not in time: {self.world.get(lease.id)}")

    def comes_up(self, lease):
        lease = self.world.settle(lease.id, "active")
        self.assertEqual((0, ""), (lease.attempts, lease.reason))
        with self.world.store.read() as tx:
            self.assertEqual({}, tx.failures.of_hosts(["gpu-1"]))
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def says(self, *words):
        """One sentence, and no name of anything inside."""
        told = self.seen - {""}
        self.assertEqual(1, len(told), told)
        for word in words:
            self.assertIn(word, told.copy().pop())


class OfAService(Outage):
    def test_keystone(self):
        self.cloud.down = {"keystone"}
        with self.world.ordering_allowed():
            lease = self.world.order()
        self.outlasts(lease, 4)
        self.says("A service of the cloud does not answer at present")
        self.cloud.down.clear()
        self.comes_up(lease)

    def test_what_nova_needs_for_a_post(self):
        """Neutron, Glance or its message bus: each POST ends in a 5xx."""
        lease = self.world.order()
        self.cloud.fates = ["unmade"] * 1000
        self.outlasts(lease, 4)
        self.says("A service of the cloud does not answer at present")
        self.cloud.fates = []
        self.comes_up(lease)

    def test_nova(self):
        """What was made can not be proven gone before it is back."""
        self.cloud.down = {"nova"}
        with self.world.ordering_allowed():
            lease = self.world.order()
        for _turn in range(int(4 * TIMEOUT / 5)):
            self.turn(lease)
        self.says("A service of the cloud does not answer at present")
        self.cloud.down.clear()
        self.comes_up(lease)

    def test_nova_after_a_post_without_an_answer(self):
        self.cloud.fates = ["unmade"]
        lease = self.world.order()
        self.turns(lease, lambda _: self.cloud.posts)
        self.cloud.down = {"nova"}
        for _turn in range(int(4 * TIMEOUT / 5)):
            self.turn(lease)
        self.cloud.down = set()
        self.comes_up(lease)
        self.assertEqual(2, self.cloud.posts)

    def test_nova_once_it_has_the_server(self):
        """There is nothing to give back, and nothing to make anew."""
        self.cloud.boot_seconds = 20.0
        lease = self.world.order()
        self.turns(lease, lambda found: found.nodes[0].server_id)
        self.cloud.down = {"nova"}
        for _turn in range(int(4 * TIMEOUT / 5)):
            self.turn(lease)
        self.says("A service of the cloud does not answer at present")
        self.cloud.down = set()
        self.comes_up(lease)
        self.assertEqual(1, self.cloud.posts)

    def test_placement(self):
        away = Away(self.world.core.ledger)
        core = dataclasses.replace(self.world.core, ledger=away)
        lease = self.world.order()
        for _number in range(4):
            away.down = True
            self.turns(lease, lambda found: found.not_before is None, core)
            self.turns(lease, lambda found: found.not_before, core)
            away.down = False
            self.turns(lease, lambda found: found.state == "queued", core)
        self.says("A service of the cloud does not answer at present")
        self.comes_up(lease)

    def test_nova_that_refuses_the_broker(self):
        lease = self.world.order()
        lost = dataclasses.replace(
            self.world.core, compute=Refusing(self.cloud)
        )
        self.outlasts(lease, 4, lost)
        self.says("Nova refuses")
        self.comes_up(lease)

    def test_the_cards_are_given_back_meanwhile(self):
        self.cloud.down = {"keystone"}
        with self.world.ordering_allowed():
            lease = self.world.order()
        self.turns(lease, lambda found: found.state == "starting")
        self.turns(lease, lambda found: found.state == "queued")
        left = self.world.leftovers()
        self.assertEqual({"trusts", "delegations"}, set(left))
        found = self.world.get(lease.id)
        pause = found.not_before - self.world.clock.now()
        self.assertLess(pause.total_seconds(), 90)
        self.assertGreater(pause.total_seconds(), 10)

    def test_not_all_come_back_at_the_same_moment(self):
        self.cloud.down = {"keystone"}
        with self.world.ordering_allowed():
            some = [self.world.order(f"l{i}", flavor="gpu.1") for i in "12"]
        self.turns(some[1], lambda found: found.not_before)
        first, second = (self.world.get(one.id).not_before for one in some)
        self.assertNotEqual(first, second)


class StillAFailure(Outage):
    def test_a_server_that_never_comes_up(self):
        self.cloud.fates = ["stuck"] * 3
        lease = self.world.order()
        lease = self.world.settle(lease.id, "failed")
        self.assertEqual(
            "Start 3 of 3 failed: Not started within 40 s: it did not come "
            "up.",
            lease.reason,
        )

    def test_an_outage_before_takes_no_time_from_the_boot(self):
        self.cloud.boot_seconds = 0.7 * TIMEOUT
        self.cloud.down = {"keystone"}
        with self.world.ordering_allowed():
            lease = self.world.order()
        for _turn in range(int(0.7 * TIMEOUT / 5)):
            self.turn(lease)
        self.cloud.down = set()
        self.turn(lease)
        self.assertEqual("", self.world.get(lease.id).reason)
        lease = self.world.settle(lease.id, "active")
        self.assertEqual((0, 1), (lease.attempts, lease.nodes[0].attempt))

    def test_a_worker_whose_clock_is_ahead_fails_no_start(self):
        class Ahead:
            def __init__(self, real):
                self.monotonic = real.monotonic
                self.sleep = real.sleep
                self._real = real

            def now(self):
                return self._real.now() + datetime.timedelta(hours=1)

        self.cloud.fates = ["stuck"]
        lease = self.world.order()
        self.world.run(lambda: self.cloud.machines)
        ahead = dataclasses.replace(
            self.world.core, clock=Ahead(self.world.clock)
        )
        drive.drive(ahead, lease.id)
        self.assertEqual(0, self.world.get(lease.id).attempts)
        self.assertEqual("active", self.world.get(lease.id).target)


class Busy(Outage):
    """Nova answers the POST with a refusal that holds for now only."""

    def setUp(self):
        super().setUp()
        self.boot = self.cloud.boot
        self.times = []

    def refuse(self, number, seconds):
        """The first so many of the POSTs."""
        left = itertools.repeat(1, number)

        def boot(*args):
            self.times.append(self.world.clock.monotonic())
            if next(left, None):
                raise errors.NotDone("Nova refuses for now", seconds=seconds)
            return self.boot(*args)

        self.cloud.boot = boot

    def drive(self, lease):
        plan.plan_pool(self.world.core, "default", "worker-1")
        wait = drive.drive(self.world.core, lease.id)
        self.world.clock.advance(max(wait or 0.0, 0.01))

    def test_it_is_tried_again_as_soon_as_nova_says(self):
        self.refuse(2, 7.0)
        lease = self.world.order()
        while len(self.times) < 3:
            self.drive(lease)
        for gap in map(float.__sub__, self.times[1:], self.times[:-1]):
            self.assertGreaterEqual(gap, 7.0)
            self.assertLess(gap, 11.0)
        self.comes_up(lease)
        self.assertEqual(1, self.cloud.posts)

    def test_the_pauses_grow_where_nova_does_not_say(self):
        self.refuse(3, None)
        lease = self.world.order()
        while len(self.times) < 4:
            self.drive(lease)
        gaps = list(map(float.__sub__, self.times[1:], self.times[:-1]))
        for gap, least in zip(gaps, (5, 10, 20), strict=True):
            self.assertGreaterEqual(gap, least)
            self.assertLess(gap, 1.5 * least + 0.5)

    def test_no_number_of_them_fails_the_lease(self):
        self.refuse(1000, 9.0)
        lease = self.world.order()
        self.outlasts(lease, 4)
        self.says("takes no further request at present")
        self.cloud.boot = self.boot
        self.comes_up(lease)
