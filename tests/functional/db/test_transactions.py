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

"""What a transaction promises, on every engine."""

from __future__ import annotations

import dataclasses
import datetime
import os
import threading
import time
from collections.abc import Callable

import fixtures

from gpubroker import errors
from gpubroker.db import store
from gpubroker.services import ports
from tests.fixtures import database
from tests.functional.db import base
from tests.functional.db import samples


class TransactionTests(base.Tests):
    def names(self, of: store.Store | None = None) -> list[str]:
        with (of or self.store).read() as tx:
            return [host.name for host in tx.hosts.all()]

    def test_of_a_write_that_raised_nothing_stays(self) -> None:
        class Stop(Exception):
            pass

        for stop in (Stop, KeyboardInterrupt):
            with self.assertRaises(stop), self.store.write() as tx:
                tx.hosts.add(samples.host())
                raise stop
            self.assertEqual([], self.names())

    def test_an_error_on_the_way_leaves_the_rest_to_the_caller(self) -> None:
        with self.store.write() as tx:
            tx.hosts.add(samples.host("a"))
            self.assertRaises(
                errors.Duplicate, tx.hosts.add, samples.host("a")
            )
            tx.hosts.add(samples.host("b"))
        self.assertEqual(["a", "b"], self.names())

    def test_what_is_written_is_seen_at_once_and_by_others_after(self) -> None:
        other = self.another_store()
        with self.store.write() as tx:
            tx.hosts.add(samples.host())
            self.assertEqual(1, len(tx.hosts.all()))
            self.assertEqual([], self.names(other))
        self.assertEqual(["gpu-1"], self.names(other))

    def test_a_read_is_one_snapshot(self) -> None:
        other = self.another_store()
        with self.store.read() as tx:
            self.assertEqual([], tx.hosts.all())
            with other.write() as theirs:
                theirs.hosts.add(samples.host())
            self.assertEqual([], tx.hosts.all())
        self.assertEqual(["gpu-1"], self.names())

    def test_a_write_sees_what_others_have_committed(self) -> None:
        """Or a plan would be made from what stood before its lock."""
        if self.url.startswith("sqlite"):
            return  # nobody else can commit meanwhile
        other = self.another_store()
        with self.store.write() as tx:
            self.assertEqual([], tx.hosts.all())
            with other.write() as theirs:
                theirs.hosts.add(samples.host())
            self.assertEqual(1, len(tx.hosts.all()))

    def test_nothing_can_be_written_in_a_read(self) -> None:
        try:
            with self.store.read() as tx:
                tx.hosts.add(samples.host())
        except Exception as error:
            refused: Exception | None = error
        else:
            refused = None
        self.assertIsNotNone(refused)
        self.assertEqual([], self.names())

    def test_many_writers_at_once_all_come_through(self) -> None:
        stores = [self.another_store() for _ in range(4)]

        def write(of: store.Store, n: int) -> None:
            for m in range(5):
                of.run(
                    lambda tx: tx.hosts.add(samples.host(f"h{n}-{m}")) and None
                )

        self.assertEqual(
            [None] * 4,
            self.together(
                *(
                    lambda one=one, n=n: write(one, n)
                    for n, one in enumerate(stores)
                )
            ),
        )
        self.assertEqual(20, len(self.names()))

    def test_a_transaction_lost_to_a_deadlock_is_run_again(self) -> None:
        with self.store.write() as tx:
            for name in ("a", "b"):
                tx.hosts.add(samples.host(name))
        other = self.another_store()
        # Both hold their first row before either asks for its second. SQLite
        # lets only one of them in, so there the wait runs into its end.
        both = threading.Barrier(2)
        runs: list[str] = []
        found = self.together(
            lambda: self.store.run(_in_step("a", "b", both, runs)),
            lambda: other.run(_in_step("b", "a", both, runs)),
        )
        if not self.url.startswith("sqlite"):
            # The loser of the deadlock, or of the compare and swap after it.
            self.assertGreaterEqual(len(runs), 2)
        done = found.count("done")
        self.assertGreaterEqual(done, 1, found)
        for one in found:
            if one != "done":
                self.assertIsInstance(one, errors.ConcurrentUpdate)
        with self.store.read() as tx:
            reasons = {
                tx.hosts.get(name).compute_reason for name in ("a", "b")
            }
        # Each change is there on both hosts or on none.
        (reason,) = {"".join(sorted(reason)) for reason in reasons}
        self.assertEqual(done, len(reason))

    def test_a_process_may_fork_with_a_store_in_use(self) -> None:
        self.assertEqual([], self.names())
        child = os.fork()
        if child == 0:  # pragma: no cover
            code = 1
            try:
                with self.store.write() as tx:
                    tx.hosts.add(samples.host("child"))
                code = 0
            finally:
                os._exit(code)
        with self.store.write() as tx:
            tx.hosts.add(samples.host("parent"))
        _, status = os.waitpid(child, 0)
        self.assertEqual(0, os.waitstatus_to_exitcode(status))
        self.assertEqual(["child", "parent"], self.names())

    def test_the_time_of_the_database_is_aware_and_in_utc(self) -> None:
        now = datetime.datetime.now(datetime.UTC)
        if self.store.engine.dialect.name == "sqlite":
            now = base.START  # it has no clock but that of the store
        skew = abs(self.store.now() - now)
        self.assertLess(skew, datetime.timedelta(seconds=30))

    def test_ping(self) -> None:
        self.store.ping()


(
    TransactionTestsOnSQLite,
    TransactionTestsOnMariaDB,
    TransactionTestsOnPostgreSQL,
) = base.bound(TransactionTests)


def _in_step(
    first: str, second: str, both: threading.Barrier, runs: list[str]
) -> Callable[[ports.Transaction], str]:
    """Changes two hosts; the second one once another has its first, too."""

    def work(tx: ports.Transaction) -> str:
        runs.append(first)
        for name in (first, second):
            host = tx.hosts.get(name)
            tx.hosts.update(
                dataclasses.replace(
                    host, compute_reason=host.compute_reason + first
                )
            )
            if not both.broken:
                try:
                    both.wait(0.5)
                except threading.BrokenBarrierError:
                    pass
        return "done"

    return work


class LostTests(base.Case):
    """A database that is not there."""

    def gone(self, url: str) -> store.Store:
        made = store.Store(database.configuration(url), base.Clock())
        self.addCleanup(made.close)
        return made

    def test_unavailable_at_once_and_without_the_password(self) -> None:
        for url in (
            "mysql+pymysql://u:S3cret@127.0.0.1:1/x",
            "postgresql+psycopg2://u:S3cret@127.0.0.1:1/x",
            "sqlite:////nonexistent/folder/x.sqlite",
        ):
            gone = self.gone(url)
            began = time.monotonic()
            error = self.assertRaises(errors.Unavailable, gone.ping)
            self.assertLess(time.monotonic() - began, 5)
            self.assertNotIn("S3cret", str(error))
            with self.assertRaises(errors.Unavailable), gone.read() as tx:
                tx.pools.all()

    def test_without_tables_it_says_what_to_do(self) -> None:
        folder = self.useFixture(fixtures.TempDir()).path
        empty = self.gone(f"sqlite:///{folder}/empty.sqlite")
        empty.ping()

        def read() -> None:
            with empty.read() as tx:
                tx.pools.all()

        error = self.assertRaises(errors.Unavailable, read)
        self.assertIn("gpubroker-manage db upgrade", error.message)
