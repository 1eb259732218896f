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

"""Promise 1 with four workers at once: nobody's card is given to another.

Each round several orders come for the last cards, and four workers, each of
which takes itself for the owner of the pool, plan and drive them at the same
time, on each of the databases; each knows only what it has read itself.
``GPUBROKER_TEST_LONG=1`` makes a thousand rounds of it.
"""

from __future__ import annotations

import dataclasses
import random

from gpubroker import errors
from gpubroker.domain import pools
from gpubroker.services import drive
from gpubroker.services import end
from gpubroker.services import plan
from gpubroker.services import ports
from gpubroker.services import standing
from tests.fixtures import clock
from tests.fixtures import effort
from tests.fixtures import world
from tests.functional.db import base

ROUNDS = 1000 if effort.LONG else 3
WORKERS = 4
CARDS = 3


class RaceTests(base.Tests):
    def setUp(self):
        super().setUp()
        self.clock = clock.Clock()
        self.world = self.useFixture(
            world.World(
                ["gpu-1"],
                cards=CARDS,
                clock=self.clock,
                store=self.store_by(self.clock),
                # The owner of a pool is another one with every look.
                ownership_seconds=0.0,
            )
        )
        self.cores = [self.core_of_another() for _worker in range(WORKERS)]
        self.dice = random.Random(effort.SEED)

    def core_of_another(self):
        """As another process has it: what it knows it has read itself."""
        return dataclasses.replace(
            self.world.core,
            store=self.store_by(self.clock),
            cache=standing.Cache(),
            meter=ports.Uncounted(),
        )

    def test_orders_for_the_last_cards(self):
        for number in range(ROUNDS):
            self.one_round(f"round {number}")
            effort.tell(f"{self.id()}: round {number} done")

    def one_round(self, which):
        flavors = [self.dice.choice(["gpu.1", "gpu.2"]) for _ in range(4)]
        orders = [self.world.order(flavor=flavor) for flavor in flavors]
        for _turn in range(40):
            self.everybody_works()
            self.world.clock.advance(2)
            self.nothing_is_given_twice(which)
            if self.as_many_as_fit(orders):
                break
        else:
            self.fail(f"{which}: {self.world.open()}")
        for lease in orders:
            self.together(
                *[lambda c=core: self.ended(c, lease) for core in self.cores]
            )
        for _turn in range(40):
            self.everybody_works()
            self.world.clock.advance(10)
            if not self.world.open():
                break
        self.world.turn()
        self.assertEqual({}, self.world.leftovers(), which)

    def everybody_works(self):
        results = self.together(
            *[
                lambda c=core, n=number: self.work(c, f"worker-{n}")
                for number, core in enumerate(self.cores)
            ]
        )
        wrong = [r for r in results if isinstance(r, Exception)]
        self.assertEqual([], wrong)
        self.world._reconcile(self.world.core)

    def work(self, core, name):
        plan.plan_pool(core, pools.DEFAULT, name)
        for lease in self.world.open():
            drive.drive(core, lease.id)

    def ended(self, core, lease):
        try:
            end.end(core, lease.id)
        except errors.ConcurrentUpdate:
            # The API answers 409, and its client asks again.
            self.ended(core, lease)

    def nothing_is_given_twice(self, which):
        held = [
            card
            for lease in self.world.open()
            for node in lease.nodes
            for card in node.planned
        ]
        self.assertEqual(len(set(held)), len(held), which)
        machines = self.world.cloud.machines.values()
        alive = [m for m in machines if m.gone_at is None]
        nodes = [n for lease in self.world.open() for n in lease.nodes]
        self.assertLessEqual(len(alive), len(nodes), which)

    def as_many_as_fit(self, orders):
        """In the order of their coming; the first that does not fit keeps
        back all behind it."""
        free = CARDS
        for lease in orders:
            lease = self.world.get(lease.id)
            if lease.gpus > free:
                return lease.state == "queued"
            if lease.state != "active":
                return False
            free -= lease.gpus
        return True


(
    RaceTestsOnSQLite,
    RaceTestsOnMariaDB,
    RaceTestsOnPostgreSQL,
) = base.bound(RaceTests)
