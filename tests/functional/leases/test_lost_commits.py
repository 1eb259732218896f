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

"""A commit that stands and whose answer nobody heard.

The connection to a real server breaks at each commit of a lease's life: once
before the server hears of it, once after it has done it. All commits with
``GPUBROKER_TEST_LONG=1``, some without it.
"""

from __future__ import annotations

import random

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import delegate
from gpubroker.services import end
from tests.fixtures import clock
from tests.fixtures import effort
from tests.fixtures import severed
from tests.fixtures import world
from tests.functional.db import base

#: Commits of a short run, by the seed.
SOME = 4
#: More tries than a life has commits.
TRIES = 300


class LifeTests(base.Tests):
    """SQLite is no server: nothing lies between it and us."""

    def setUp(self):
        super().setUp()
        self.way = self.useFixture(severed.Severed(self.url))
        self.url = self.way.url
        time = clock.Clock()
        self.world = self.useFixture(
            world.World(
                ["gpu-1"],
                cards=2,
                clock=time,
                store=self.store_by(time),
                suspect_seconds=1,
            )
        )

    def test_a_life_gets_on(self):
        self.way.cut(0, severed.Moment.AFTER)
        self.life("unbroken")
        commits = self.way.commits
        self.assertGreater(commits, 20)
        places = [
            (at, moment)
            for at in range(1, commits + 1)
            for moment in severed.Moment
        ]
        if not effort.LONG:
            places = random.Random(effort.SEED).sample(places, SOME)
        broken = 0
        for at, moment in places:
            self.way.cut(at, moment)
            place = f"{moment} commit {at} of {commits}"
            self.life(place)
            # No life is like another: one may have been shorter.
            self.assertTrue(self.way.broken or self.way.commits < at, place)
            broken += self.way.broken
            effort.tell(f"{self.id()}: {place}")
        self.assertGreater(broken, 0.9 * len(places) - 1)

    def life(self, place):
        name = f"train-{place.replace(' ', '-')}"
        lease = self.ordered(name)
        self.until(lease, leases.State.ACTIVE, place)
        machines = self.world.cloud.machines
        now = self.world.get(lease.id)
        self.assertEqual([n.server_id for n in now.nodes], [*machines], place)
        self.persist(lambda: end.end(self.world.core, lease.id))
        self.until(lease, leases.State.ENDED, place)
        for _turn in range(3):
            self.world.clock.advance(700)
            self.persist(self.world.turn)
            self.persist(self.swept)
        self.assertEqual({}, self.world.leftovers(), place)
        ended = self.world.events(lease.id).count("lease.ended")
        self.assertEqual(1, ended, place)

    def swept(self):
        delegate.sweep(self.world.core)

    def ordered(self, name):
        """As a person whose connection breaks: look whether it was taken."""

        def attempt():
            with self.world.store.read() as tx:
                known = tx.leases.find(name, world.PROJECT)
            return known[0] if known else self.world.order(name)

        return self.persist(attempt)

    def until(self, lease, state, place):
        for _turn in range(TRIES):
            wait = self.persist(self.world.turn)
            self.world.clock.advance(max(wait, 0.01))
            now = self.persist(lambda: self.world.get(lease.id))
            if now.state is state:
                return
            self.assertFalse(now.final, f"{place}: {now.state} {now.reason}")
        self.fail(f"{place}: {now.state} {now.reason}")

    def persist(self, call):
        """Each loop of a worker comes again after an error; so do people."""
        for _try in range(5):
            try:
                return call()
            except errors.Unavailable:
                self.world.clock.advance(1)
        raise self.failureException("the database never came back")


class OnMariaDB(LifeTests, base.OnMariaDB):
    pass


class OnPostgreSQL(LifeTests, base.OnPostgreSQL):
    pass
