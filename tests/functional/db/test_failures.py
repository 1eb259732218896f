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


"""Failed starts in the store."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from gpubroker import errors
from gpubroker.domain import failures
from gpubroker.domain import pools
from tests.functional.db import base
from tests.functional.db import samples

LEASES = [samples.new_id() for _ in range(3)]


def after(seconds: float) -> datetime.datetime:
    return base.START + datetime.timedelta(seconds=seconds)


def failure(
    lease: int, seconds: float = 0, host: str = "gpu-1", **fields: Any
) -> failures.Failure:
    made = failures.Failure(
        host=host,
        lease_id=LEASES[lease],
        project_id="p1",
        at=after(seconds),
        until=after(seconds + 60),
        message="boom ü",
    )
    return dataclasses.replace(made, **fields)


class FailureTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="r"))
            tx.hosts.add(samples.host())
            tx.hosts.add(samples.host("gpu-2"))
            tx.hosts.add(samples.host("gpu-3", pool="r"))

    def note(
        self, *some: failures.Failure, since: datetime.datetime = base.START
    ) -> None:
        with self.store.write() as tx:
            for one in some:
                tx.failures.note(one, since)

    def of(self, *hosts: str) -> dict[str, tuple[failures.Failure, ...]]:
        with self.store.read() as tx:
            return tx.failures.of_hosts(hosts)

    def test_they_come_back_as_they_went_in_oldest_first(self) -> None:
        late, early = failure(0, 5), failure(1, counts=False)
        there = failure(0, host="gpu-2")
        self.note(late, early, there)
        self.assertEqual(
            {"gpu-1": (early, late), "gpu-2": (there,)},
            self.of("gpu-1", "gpu-2", "gpu-3"),
        )
        self.assertEqual({}, self.of())

    def test_of_many_hosts_in_one_statement(self) -> None:
        self.note(failure(0), failure(1, host="gpu-3"))
        with self.store.read() as tx, self.statements() as sent:
            found = tx.failures.of_hosts(["gpu-2", "gpu-3"])
        self.assertEqual({"gpu-3": (failure(1, host="gpu-3"),)}, found)
        self.assertEqual(1, len(sent))

    def test_a_lease_has_one_a_host_the_last(self) -> None:
        self.note(failure(0), failure(0, 7))
        self.assertEqual({"gpu-1": (failure(0, 7),)}, self.of("gpu-1"))

    def test_old_ones_of_the_host_are_forgotten(self) -> None:
        there = failure(2, host="gpu-2")
        self.note(failure(0), failure(1, 30), there)
        self.note(failure(2, 60), since=after(30))
        self.assertEqual(
            {"gpu-1": (failure(1, 30), failure(2, 60)), "gpu-2": (there,)},
            self.of("gpu-1", "gpu-2"),
        )

    def test_excused_ones_stay_and_count_no_more(self) -> None:
        self.note(failure(0), failure(1, host="gpu-2"))
        with self.store.write() as tx, self.statements() as sent:
            tx.failures.excuse(["gpu-1", "gpu-3"])
            self.assertEqual(2, len(sent))
            tx.failures.excuse(["gpu-1", "gpu-3"])
        # None is left to excuse.
        self.assertEqual(3, len(sent))
        self.assertEqual(
            {
                "gpu-1": (failure(0, counts=False),),
                "gpu-2": (failure(1, host="gpu-2"),),
            },
            self.of("gpu-1", "gpu-2"),
        )

    def test_they_go_with_their_host(self) -> None:
        self.note(failure(0))
        with self.store.write() as tx:
            tx.hosts.delete("gpu-1")
            tx.hosts.add(samples.host())
        self.assertEqual({}, self.of("gpu-1"))

    def test_an_unknown_host_has_none(self) -> None:
        self.assertRaises(
            errors.NotFound, lambda: self.note(failure(0, host="x"))
        )


FailureTestsOnSQLite, FailureTestsOnMariaDB, FailureTestsOnPostgreSQL = (
    base.bound(FailureTests)
)
