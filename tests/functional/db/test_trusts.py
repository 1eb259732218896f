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
"""Trusts that no lease has, in the store."""

from __future__ import annotations

import dataclasses
import datetime

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import trusts
from tests.functional.db import base
from tests.functional.db import samples

END = base.START.replace(microsecond=0) + datetime.timedelta(days=400)


def trust(**fields: object) -> trusts.Trust:
    made = trusts.Trust(
        user_id="u1", project_id="p1", expires_at=END, begun_at=base.START
    )
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


class TrustTests(base.Tests):
    def all(self) -> list[trusts.Trust]:
        with self.store.read() as tx:
            return tx.trusts.all()

    def test_one_comes_back_as_it_went_in(self) -> None:
        others = [
            trust(user_id="u2"),
            trust(project_id="p2"),
            trust(expires_at=END + datetime.timedelta(seconds=1)),
        ]
        with self.store.write() as tx:
            for one in (trust(), *others):
                tx.trusts.add(one)
            self.assertRaises(errors.Duplicate, tx.trusts.add, trust())
        self.assertEqual([trust(), *others], self.all())

    def test_who_was_not_the_last_to_see_it_changes_nothing(self) -> None:
        later = base.START + datetime.timedelta(hours=1)
        with self.store.write() as tx:
            tx.trusts.add(trust())
            self.assertTrue(tx.trusts.tried(trust(), later))
            self.assertFalse(tx.trusts.tried(trust(), later))
            self.assertFalse(tx.trusts.remove(trust()))
        (stands,) = self.all()
        self.assertEqual(trust(tries=1, tried_at=later), stands)
        with self.store.write() as tx:
            self.assertTrue(tx.trusts.remove(stands))
            self.assertFalse(tx.trusts.remove(stands))
        self.assertEqual([], self.all())

    def test_an_order_and_a_sweep_do_not_both_get_it(self) -> None:
        other = self.another_store()
        for _ in range(5):
            with self.store.write() as tx:
                tx.trusts.add(trust())

            def order() -> bool:
                with self.store.write() as tx:
                    return tx.trusts.remove(trust())

            def sweep() -> bool:
                with other.write() as tx:
                    return tx.trusts.tried(trust(), base.START)

            found = self.together(order, sweep)
            self.assertEqual([False, True], sorted(found))
            with self.store.write() as tx:
                for one in tx.trusts.all():
                    tx.trusts.remove(one)

    def test_the_trusts_that_leases_have(self) -> None:
        with self.store.write() as tx:
            for name in ("t1", None):
                lease = samples.lease()
                tx.leases.add(
                    lease,
                    leases.Delegation(
                        lease_id=lease.id,
                        mode=leases.IdentityMode.TRUST,
                        trust_id=name,
                    ),
                )
        with self.store.read() as tx:
            self.assertEqual({"t1"}, tx.leases.trust_ids())


TrustTestsOnSQLite, TrustTestsOnMariaDB, TrustTestsOnPostgreSQL = base.bound(
    TrustTests
)
