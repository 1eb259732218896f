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
"""Workers that share the pools, on every engine."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from typing import Any

from gpubroker.domain import pools
from gpubroker.services import broker
from gpubroker.services import ports
from gpubroker.services import share
from tests.fixtures import clock as test_clock
from tests.functional.db import base

SECONDS = 6.0
LATER = base.START + datetime.timedelta(seconds=10)
MUCH_LATER = base.START + datetime.timedelta(seconds=20)


class WorkerTests(base.Tests):
    def announce(
        self,
        name: str,
        now: datetime.datetime = base.START,
        until: datetime.datetime = LATER,
        store: ports.Store | None = None,
    ) -> int:
        with (store or self.store).write() as tx:
            return tx.workers.announce(name, now, until)

    def test_those_that_work_are_counted(self) -> None:
        self.assertEqual(1, self.announce("a"))
        self.assertEqual(1, self.announce("a"))
        self.assertEqual(2, self.announce("b"))
        with self.store.write() as tx:
            tx.workers.leave("a")
            tx.workers.leave("x")
        self.assertEqual(1, self.announce("b"))

    def test_who_says_nothing_any_more_does_not_count(self) -> None:
        self.announce("a")
        almost = LATER - datetime.timedelta(microseconds=1)
        self.assertEqual(2, self.announce("b", almost, MUCH_LATER))
        self.assertEqual(1, self.announce("b", LATER, MUCH_LATER))
        self.assertEqual(2, self.announce("a", LATER, MUCH_LATER))

    def test_one_counts_itself_however_short_its_time(self) -> None:
        self.assertEqual(1, self.announce("a", LATER, LATER))

    def test_many_at_once(self) -> None:
        """Those of before are gone, and nobody waits for anybody."""
        stores = [self.another_store() for _ in range(4)]
        for n in range(4):
            self.announce(f"old-{n}")
        for _round in range(3):
            found = self.together(
                *(
                    functools.partial(
                        self.announce, f"w{n}", LATER, MUCH_LATER, one
                    )
                    for n, one in enumerate(stores)
                )
            )
            self.assertTrue(all(isinstance(f, int) for f in found), found)
        self.assertEqual([4] * 4, found)


class OnOneClock:
    """A store whose database's clock is moved by hand."""

    def __init__(self, store: ports.Store, clock: test_clock.Clock) -> None:
        self.now = clock.now
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class ShareTests(base.Tests):
    """Brokers with a connection each, on one clock."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = test_clock.Clock()
        with self.store.write() as tx:
            for name in "abcd":
                tx.pools.add(pools.Pool(name=name))

    def broker(self) -> broker.Broker:
        return broker.Broker(
            store=OnOneClock(  # type: ignore[arg-type]
                self.another_store(), self.clock
            ),
            # A worker's own clock tells nothing here.
            clock=test_clock.Clock(),
            bell=None,  # type: ignore[arg-type]
            ledger=None,  # type: ignore[arg-type]
            compute=None,  # type: ignore[arg-type]
            identity=None,  # type: ignore[arg-type]
            settings=broker.Settings(ownership_seconds=SECONDS),
        )

    def look(self, workers: dict[str, broker.Broker]) -> dict[str, int]:
        """Each looks, one after the other; how many pools each has."""
        self.clock.advance(SECONDS / 4)
        return {
            name: len(share.take(core, name).pools)
            for name, core in workers.items()
        }

    def owners(self) -> set[str | None]:
        with self.store.read() as tx:
            return set(tx.pools.owners(self.clock.now()).values())

    def test_each_has_about_as_many_as_the_others(self) -> None:
        workers = {"a": self.broker()}
        self.assertEqual({"a": 5}, self.look(workers))
        workers["b"] = self.broker()
        self.look(workers)
        self.assertEqual({"a": 3, "b": 2}, self.look(workers))
        workers["c"] = self.broker()
        self.look(workers)
        self.look(workers)
        found = self.look(workers)
        self.assertEqual([1, 2, 2], sorted(found.values()), found)
        self.assertEqual({"a", "b", "c"}, self.owners())
        # At rest nothing moves.
        self.assertEqual(found, self.look(workers))

    def test_who_leaves_is_followed_at_the_next_look(self) -> None:
        workers = {name: self.broker() for name in "ab"}
        for _look in range(3):
            self.look(workers)
        share.leave(workers.pop("a"), "a")
        self.assertEqual({"b": 5}, self.look(workers))

    def test_who_is_killed_is_followed_when_its_time_is_over(self) -> None:
        workers = {name: self.broker() for name in "ab"}
        for _look in range(3):
            self.look(workers)
        killed = workers.pop("a")
        looks = 1
        while self.look(workers) != {"b": 5}:
            looks += 1
        self.assertEqual(4, looks)
        # It was not dead, only very slow: it gets its part again.
        workers["a"] = killed
        self.look(workers)
        self.look(workers)
        self.assertEqual([2, 3], sorted(self.look(workers).values()))

    def test_more_workers_than_pools(self) -> None:
        workers = {name: self.broker() for name in "abcdefg"}
        for _look in range(4):
            found = self.look(workers)
        self.assertEqual(5, sum(found.values()))
        self.assertEqual({0, 1}, set(found.values()))

    def test_one_is_the_chief(self) -> None:
        workers = {name: self.broker() for name in "abc"}
        for _look in range(4):
            self.look(workers)
        chiefs = [
            share.take(core, name).chief for name, core in workers.items()
        ]
        self.assertEqual([False, False, True], sorted(chiefs))

    def test_all_at_once_come_to_the_same(self) -> None:
        workers = {name: self.broker() for name in "abc"}

        def take(name: str, core: broker.Broker) -> int:
            core = dataclasses.replace(core)
            return len(share.take(core, name).pools)

        for _look in range(6):
            self.clock.advance(SECONDS / 4)
            found = self.together(
                *(functools.partial(take, *one) for one in workers.items())
            )
            self.assertTrue(all(isinstance(n, int) for n in found), found)
        self.assertEqual([1, 2, 2], sorted(found))
        self.assertEqual({"a", "b", "c"}, self.owners())


WorkerTestsOnSQLite, WorkerTestsOnMariaDB, WorkerTestsOnPostgreSQL = (
    base.bound(WorkerTests)
)

ShareTestsOnSQLite, ShareTestsOnMariaDB, ShareTestsOnPostgreSQL = base.bound(
    ShareTests
)
