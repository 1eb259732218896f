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

"""Pools in the store, and the planners that own them."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import threading

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services import ports
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples

LATER = base.START + datetime.timedelta(seconds=10)
MUCH_LATER = base.START + datetime.timedelta(seconds=60)


class PoolTests(base.Tests):
    def test_a_pool_comes_back_as_it_went_in(self) -> None:
        with self.store.write() as tx:
            added = tx.pools.add(
                pools.Pool(
                    name="research",
                    description="für alle",
                    admission=pools.Admission.AUTOMATIC,
                    projects=("p1", "p2"),
                )
            )
        with self.store.read() as tx:
            self.assertEqual(added, tx.pools.get("research"))
            self.assertEqual(
                ["default", "research"], [p.name for p in tx.pools.all()]
            )

    def test_update_replaces_projects(self) -> None:
        with self.store.write() as tx:
            read = tx.pools.add(pools.Pool(name="r", projects=("p1", "p2")))
            won = tx.pools.update(dataclasses.replace(read, projects=("p3",)))
            self.assertEqual(won, tx.pools.get("r"))
            self.assertRaises(errors.ConcurrentUpdate, tx.pools.update, read)
            self.assertRaises(
                errors.NotFound, tx.pools.update, pools.Pool(name="x")
            )
            self.assertRaises(
                errors.Duplicate, tx.pools.add, pools.Pool(name="r")
            )

    def test_pools_that_a_project_may_use(self) -> None:
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="theirs", projects=("p2",)))
            tx.pools.add(pools.Pool(name="ours", projects=("p1", "p2")))
            found = tx.pools.page(Page(filters={"project_id": "p1"}))
            self.assertEqual(
                ["default", "ours"], [p.name for p in found.items]
            )

    def test_a_pool_with_hosts_stays(self) -> None:
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="r", projects=("p1",)))
            tx.hosts.add(samples.host(pool="r"))
            self.assertRaises(errors.InUse, tx.pools.delete, "r")
            tx.hosts.delete("gpu-1")
            tx.pools.delete("r")
            self.assertRaises(errors.NotFound, tx.pools.delete, "r")

    def test_a_pool_with_an_open_lease_stays(self) -> None:
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="r"))
            lease = tx.leases.add(samples.lease(pool="r"), None)
            self.assertRaises(errors.InUse, tx.pools.delete, "r")
            tx.leases.update(
                dataclasses.replace(lease, state=leases.State.ENDED)
            )
            tx.pools.delete("r")
        with self.store.read() as tx:
            self.assertEqual("r", tx.leases.get(lease.id).pool)

    def test_an_order_and_the_end_of_its_pool_can_not_both_happen(
        self,
    ) -> None:
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="r"))
        ordered = threading.Event()
        other = self.another_store()

        def order() -> str:
            with self.store.write() as tx:
                tx.leases.add(samples.lease(pool="r"), None)
                ordered.set()
                # Long enough for the other one to look at the leases.
                threading.Event().wait(0.3)
            return "ordered"

        def delete() -> str:
            ordered.wait(10)
            with other.write() as tx:
                tx.pools.delete("r")
            return "deleted"

        first, second = self.together(order, delete)
        self.assertEqual("ordered", first)
        self.assertIsInstance(second, errors.InUse)


class OwnershipTests(base.Tests):
    def own(
        self,
        owner: str,
        now: datetime.datetime,
        until: datetime.datetime,
        of: ports.Store | None = None,
    ) -> pools.Ownership | None:
        with (of or self.store).write() as tx:
            return tx.pools.own("default", owner, now, until)

    def test_owner_renews_and_keeps_its_epoch(self) -> None:
        first = self.own("a", base.START, LATER)
        again = self.own("a", base.START, MUCH_LATER)
        self.assertEqual(
            pools.Ownership(
                pool="default", owner="a", epoch=1, expires_at=LATER
            ),
            first,
        )
        assert first and again
        self.assertEqual((1, MUCH_LATER), (again.epoch, again.expires_at))

    def test_nobody_else_owns_it_before_the_time_is_over(self) -> None:
        self.own("a", base.START, LATER)
        almost = LATER - datetime.timedelta(microseconds=1)
        self.assertIsNone(self.own("b", almost, MUCH_LATER))
        taken = self.own("b", LATER, MUCH_LATER)
        assert taken
        self.assertEqual(("b", 2), (taken.owner, taken.epoch))
        self.assertIsNone(self.own("a", LATER, MUCH_LATER))

    def test_an_old_epoch_is_not_owned_any_more(self) -> None:
        old = self.own("a", base.START, LATER)
        new = self.own("b", LATER, MUCH_LATER)
        assert old and new
        with self.store.write() as tx:
            self.assertFalse(tx.pools.still_owned(old))
            self.assertTrue(tx.pools.still_owned(new))

    def test_whoever_lets_the_time_run_out_begins_anew(self) -> None:
        old = self.own("a", base.START, LATER)
        new = self.own("a", LATER, MUCH_LATER)
        assert old and new
        self.assertEqual(old.epoch + 1, new.epoch)

    def test_owning_does_not_touch_the_generation(self) -> None:
        self.own("a", base.START, LATER)
        with self.store.read() as tx:
            self.assertEqual(1, tx.pools.get("default").generation)

    def test_of_many_planners_one_owns(self) -> None:
        stores = [self.another_store() for _ in range(4)]
        for round_ in range(5):
            now = base.START + datetime.timedelta(minutes=round_)
            until = now + datetime.timedelta(seconds=10)
            found = self.together(
                *(
                    functools.partial(self.own, f"w{n}", now, until, one)
                    for n, one in enumerate(stores)
                )
            )
            won = [one for one in found if one is not None]
            self.assertEqual(1, len(won), f"{won}")
            self.assertEqual(round_ + 1, won[0].epoch)

    def test_a_plan_that_is_being_written_holds_up_the_next_owner(
        self,
    ) -> None:
        mine = self.own("a", base.START, LATER)
        assert mine
        checked = threading.Event()
        written = threading.Event()
        other = self.another_store()

        def plan() -> bool:
            with self.store.write() as tx:
                owned = tx.pools.still_owned(mine)
                checked.set()
                threading.Event().wait(0.3)
                written.set()
            return owned

        def take() -> bool:
            checked.wait(10)
            self.assertTrue(self.own("b", LATER, MUCH_LATER, other))
            return written.is_set()

        self.assertEqual([True, True], self.together(plan, take))

    def test_an_order_does_not_wait_for_a_planner(self) -> None:
        if self.url.startswith("sqlite"):
            return  # one writer at a time is all that SQLite has
        mine = self.own("a", base.START, LATER)
        assert mine
        other = self.another_store()
        with self.store.write() as tx:
            tx.pools.still_owned(mine)

            def order() -> str:
                with other.write() as theirs:
                    theirs.leases.add(samples.lease(), None)
                return "ordered"

            self.assertEqual(["ordered"], self.together(order))


PoolTestsOnSQLite, PoolTestsOnMariaDB, PoolTestsOnPostgreSQL = base.bound(
    PoolTests
)

OwnershipTestsOnSQLite, OwnershipTestsOnMariaDB, OwnershipTestsOnPostgreSQL = (
    base.bound(OwnershipTests)
)
