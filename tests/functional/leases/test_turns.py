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
"""Which worker looks after a pool."""

from __future__ import annotations

import random

import testtools

from gpubroker.domain import pools
from gpubroker.services import broker
from gpubroker.services import plan
from gpubroker.worker import plans
from gpubroker.worker import turns
from tests.fixtures import clock
from tests.fixtures import database

SECONDS = 5.0
TICK = SECONDS / 4


class Ledger:
    """All that these ask of Placement."""

    def classes(self, prefix):
        return []


class Case(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = clock.Clock()
        store = self.useFixture(database.Database(clock=self.clock)).store
        self.core = broker.Broker(
            store=store,
            clock=self.clock,
            bell=None,
            ledger=Ledger(),
            compute=None,
            identity=None,
            settings=broker.Settings(ownership_seconds=SECONDS),
        )

    def make_pools(self, names):
        with self.core.store.write() as tx:
            for name in names:
                tx.pools.add(pools.Pool(name=name))

    def owners(self):
        with self.core.store.read() as tx:
            return tx.pools.owners(self.clock.now())


class Turns(Case):
    def setUp(self):
        super().setUp()
        self.changes = []
        self.first = turns.Turns(
            self.core, "first", lambda: self.changes.append(self.first.known)
        )
        self.second = turns.Turns(self.core, "second")

    def test_a_worker_that_leaves_is_followed_at_once(self):
        self.assertEqual(("default",), self.first.pools())
        self.assertIsNone(plan.own(self.core, "default", "second"))
        self.first.leave()
        self.assertEqual(("default",), self.second.pools())
        self.assertEqual((), self.first.pools())

    def test_who_leaves_lets_go_only_of_its_own(self):
        self.assertEqual(("default",), self.first.pools())
        self.second.leave()
        third = turns.Turns(self.core, "third")
        self.assertEqual((), third.pools())

    def test_a_plan_of_before_is_not_written_after_leaving(self):
        before = plan.own(self.core, "default", "first")
        self.first.leave()
        with self.core.store.write() as tx:
            self.assertFalse(tx.pools.still_owned(before))

    def test_nor_after_the_pool_was_let_go(self):
        self.make_pools("ab")
        self.first.pools()
        before = {
            name: plan.own(self.core, name, "first") for name in self.owners()
        }
        self.second.pools()
        self.clock.advance(TICK)
        (gone,) = set(before) - set(self.first.pools())
        with self.core.store.write() as tx:
            self.assertFalse(tx.pools.still_owned(before[gone]))

    def test_it_says_when_its_pools_are_others(self):
        self.make_pools("ab")
        self.first.pools()
        self.clock.advance(TICK)
        self.first.pools()
        self.second.pools()
        self.clock.advance(TICK)
        self.first.pools()
        self.assertEqual([("a", "b", "default"), ("a", "b")], self.changes)

    def test_a_pool_that_was_let_go_is_not_planned(self):
        """To plan it would be to take it again."""
        self.make_pools("ab")

        class Meanwhile:
            owner = "first"
            known = ("a",)

            @staticmethod
            def pools():
                return ("a", "b")

        plans.PlanLoop(self.core, Meanwhile, 1.0)._pass()
        self.assertEqual(
            {"a": "first", "b": None, "default": None}, self.owners()
        )


class Comings(Case):
    """Workers come, leave and are killed at any time."""

    def test_no_pool_is_long_without_an_owner(self):
        self.make_pools("abcdef")
        for seed in range(4):
            self._one(random.Random(seed))

    def _one(self, chance):
        workers = [self._worker(chance)]
        free = {}
        # A killed worker's last look, the time it bought, and the next look
        # of another one.
        longest = SECONDS + 2 * TICK
        for _step in range(60):
            self.clock.advance(TICK / 2)
            what = chance.random()
            if what < 0.12:
                workers.append(self._worker(chance))
            elif what < 0.18 and len(workers) > 1:
                workers.pop(chance.randrange(len(workers))).leave()
            elif what < 0.24 and len(workers) > 1:
                workers.pop(chance.randrange(len(workers)))
            for worker in workers:
                worker.pools()
            alive = {worker.owner for worker in workers}
            now = self.clock.monotonic()
            for name, owner in self.owners().items():
                if owner in alive:
                    free.pop(name, None)
                since = (
                    free.setdefault(name, now) if owner not in alive else now
                )
                self.assertLessEqual(now - since, longest, (name, owner))
        self._at_rest(workers)
        for worker in workers:
            worker.leave()

    def _worker(self, chance):
        return turns.Turns(self.core, f"w-{chance.random()}")

    def _at_rest(self, workers):
        for _look in range(10):
            self.clock.advance(TICK)
            found = [worker.pools() for worker in workers]
        self.assertEqual(
            sorted(self.owners()), sorted(p for some in found for p in some)
        )
        most = pools.share(7, len(workers))
        self.assertLessEqual(max(map(len, found)), most)
        self.assertEqual(1, sum(worker.chief for worker in workers))
