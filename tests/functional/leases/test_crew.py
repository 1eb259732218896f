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

"""The loops of workers, with threads and in real time."""

from __future__ import annotations

import dataclasses
import datetime
import time

import testtools

from gpubroker import conf as configuration
from gpubroker.domain import pools
from gpubroker.services import change
from gpubroker.services import end
from gpubroker.services import extend
from gpubroker.services import memory
from gpubroker.worker import bells
from gpubroker.worker import crew
from gpubroker.worker import leases
from gpubroker.worker import plans
from gpubroker.worker import service
from gpubroker.worker import turns
from tests.fixtures import clock
from tests.fixtures import world
from tests.unit.worker.test_jobs import wait_until

PACE = crew.Pace(
    plan_interval=0.5,
    lease_interval=0.2,
    check_interval=1.0,
    reconcile_interval=5.0,
    sweep_interval=1.0,
    threads=4,
    reconcile_threads=4,
)
#: Rings do all the work here, or the test takes too long.
_SLOW = dataclasses.replace(
    service.pace(configuration.load([], files=[])),
    plan_interval=60,
    lease_interval=60,
    reconcile_interval=60,
)


class CrewCase(testtools.TestCase):
    def hire(self, pace, **limits):
        self.world = self.useFixture(
            world.World(cards=2, clock=clock.Running(), **limits)
        )
        self.world.cloud.boot_seconds = 0.2
        self.world.cloud.delete_seconds = 0.1
        bell = bells.Bells()
        self.world.core = dataclasses.replace(self.world.core, bell=bell)
        self.crew = crew.Crew(self.world.core, "worker-1", pace)
        bell.hang(self.crew)
        self.crew.start()
        self.addCleanup(self.crew.stop, 20.0)

    def state(self, lease):
        return self.world.get(lease.id).state

    def nothing_is_left(self):
        """At the latest when the sweep has come by."""
        try:
            wait_until(lambda: not self.world.leftovers(), 60)
        except AssertionError:
            self.assertEqual({}, self.world.leftovers())

    def wait(self, lease, state):
        wait_until(lambda: self.state(lease) == state, 60)
        return self.world.get(lease.id)


class OneWorker(CrewCase):
    def test_leases_start_and_end_by_themselves(self):
        self.hire(PACE)
        made = [self.world.order(flavor="gpu.1") for _number in range(3)]
        for lease in made:
            self.wait(lease, "active")
        for lease in made:
            end.end(self.world.core, lease.id)
        for lease in made:
            self.wait(lease, "ended")
        self.nothing_is_left()
        self.assertEqual(3, self.world.cloud.posts)

    def test_rings_alone_bring_an_order_on_its_way(self):
        self.hire(_SLOW)
        # The first pass of each loop is over.
        wait_until(lambda: self.crew._plans._mine.known, 60)
        lease = self.world.order()
        self.wait(lease, "active")
        end.end(self.world.core, lease.id)
        self.wait(lease, "ended")

    def test_a_stopped_worker_leaves_the_rest_to_the_next(self):
        self.hire(PACE, ownership_seconds=1.0)
        self.world.cloud.boot_seconds = 2.0
        lease = self.world.order()
        wait_until(lambda: self.world.cloud.machines, 60)
        self.assertTrue(self.crew.stop(20.0))
        self.assertEqual("starting", self.state(lease))
        other = crew.Crew(self.world.core, "worker-2", PACE)
        other.start()
        self.addCleanup(other.stop, 20.0)
        self.wait(lease, "active")
        self.assertEqual(1, self.world.cloud.posts)


class Restored(CrewCase):
    def test_yesterdays_database_ends_nothing_that_was_extended(self):
        """Long before the next search for leftovers."""
        pace = dataclasses.replace(PACE, sweep_interval=300.0)
        self.hire(pace, ownership_seconds=1.0)
        lease = self.wait(self.world.order(duration=3600), "active")
        with change.of(self.world.core, lease.id) as now:
            now.set(expires_at=now.now + datetime.timedelta(seconds=12))
        wait_until(lambda: self.counted() == 1, 60)
        backup = self.world.database.backup()
        extend.extend(self.world.core, lease.id, by=86400)
        memory.count(self.world.core)
        wait_until(lambda: self.crew._mine._count == 2, 60)
        self.world.database.restore(backup)
        wait_until(lambda: self.crew.standing().behind, 60)
        self.assertEqual((), self.crew.standing().pools)
        gone = now.lease.expires_at - self.world.clock.now()
        self.assertGreater(gone.total_seconds(), 0, "the machine is too slow")
        time.sleep(gone.total_seconds() + 2)
        self.assertEqual("active", self.state(lease))
        (machine,) = self.world.cloud.machines.values()
        self.assertIsNone(machine.gone_at)

    def counted(self):
        with self.world.store.read() as tx:
            return tx.installation.count()


class Sharing(CrewCase):
    def test_a_killed_worker_is_followed_within_ten_seconds(self):
        """With the settings that it comes with."""
        self.hire(PACE)
        core = self.world.core
        with self.world.store.write() as tx:
            tx.pools.add(pools.Pool(name="other"))
            host = tx.hosts.get("gpu-2")
            tx.hosts.update(dataclasses.replace(host, pool="other"))
        crews = {"worker-1": self.crew}
        crews["worker-2"] = crew.Crew(core, "worker-2", PACE)
        core.bell.hang(crews["worker-2"])
        crews["worker-2"].start()
        self.addCleanup(crews["worker-2"].stop, 20.0)
        wait_until(lambda: None not in self.owners(), 60)
        wait_until(lambda: len(set(self.owners())) == 2, 60)
        for name in ("default", "other"):
            lease = self.world.order(name, flavor="gpu.1", pool=name)
            self.wait(lease, "active")
        self.kill(crews[self.owner("other")])
        killed = time.monotonic()
        lease = self.world.order("late", flavor="gpu.1", pool="other")
        wait_until(lambda: self.state(lease) != "queued", 60)
        self.assertLess(time.monotonic() - killed, 10.0)
        self.wait(lease, "active")

    def kill(self, victim):
        """It does nothing any more, and tells nobody."""
        for loop in victim.loops:
            loop.stop()
        for loop in victim.loops:
            self.assertTrue(loop.join(20))

    def owner(self, pool):
        with self.world.store.read() as tx:
            return tx.pools.owners(self.world.clock.now())[pool]

    def owners(self):
        with self.world.store.read() as tx:
            found = tx.pools.owners(self.world.clock.now())
        return list(found.values())


class TwoWorkers(CrewCase):
    def test_two_that_both_believe_to_be_the_owner_make_one_server_each(self):
        self.hire(PACE, ownership_seconds=0.0)
        mine = turns.Turns(self.world.core, "worker-2")
        planner = plans.PlanLoop(self.world.core, mine, 0.3)
        driver = leases.LeaseLoop(self.world.core, mine, 0.1, 1.0, 4)
        for second in (planner.loop, driver.loop):
            second.start()
            self.addCleanup(second.join, 20.0)
            self.addCleanup(second.stop)
        self.addCleanup(driver.stop, 20.0)
        made = [self.world.order(flavor="gpu.1") for _number in range(4)]
        for lease in made:
            self.wait(lease, "active")
        self.assertEqual(4, self.world.cloud.posts)
        self.assertEqual(4, len(self.world.cloud.machines))
        for lease in made:
            end.end(self.world.core, lease.id)
        for lease in made:
            self.wait(lease, "ended")
        self.nothing_is_left()
