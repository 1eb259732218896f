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

"""One test, three engines.

A class of tests is written once, without an engine, and bound to each of
them::

    class PoolTests(base.Tests): ...

    PoolTestsOnSQLite, PoolTestsOnMariaDB, PoolTestsOnPostgreSQL = (
        base.bound(PoolTests)
    )
"""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import testtools
from oslo_db.sqlalchemy import enginefacade
from oslo_db.sqlalchemy import test_fixtures
from sqlalchemy import engine

from gpubroker.db import base as db_base
from gpubroker.db import migration
from gpubroker.db import store as db_store
from gpubroker.db import tables
from gpubroker.services import ports
from tests.fixtures import database
from tests.fixtures import effort

#: Seconds after which a thread hangs; a long run shares its machine.
PATIENCE = 600 if effort.LONG else 60

#: Only a pattern that oslo.db's fixtures copy.
_FACADE = enginefacade.transaction_context()

START = datetime.datetime(2026, 11, 23, 12, 0, 0, 123456, datetime.UTC)


class Clock:
    """Goes on by a millisecond whenever somebody looks."""

    def __init__(self) -> None:
        self._now = START
        self._lock = threading.Lock()

    def now(self) -> datetime.datetime:
        with self._lock:
            self._now += datetime.timedelta(milliseconds=1)
            return self._now

    def monotonic(self) -> float:
        return (self.now() - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        threading.Event().wait(min(seconds, 0.05))


class _ByHand(db_store.Store):
    """A database server whose time is a clock of the test's."""

    def now(self) -> datetime.datetime:
        return self._clock.now()


class Case(testtools.TestCase):
    """``store`` on tables that hold the pool ``default`` and nothing else.

    ``url`` leads to the same database.
    """

    store: db_store.Store
    url: str

    def another_store(self) -> db_store.Store:
        """As another process has one: its own connections."""
        made = db_store.Store(database.configuration(self.url), Clock())
        self.addCleanup(made.close)
        return made

    def store_by(self, clock: ports.Clock) -> db_store.Store:
        """The same, where a test moves the database's time, too: else what
        waits for a clock by hand waits in vain, or for real."""
        made = _ByHand(database.configuration(self.url), clock)
        self.addCleanup(made.close)
        return made

    @contextlib.contextmanager
    def statements(self) -> Iterator[list[str]]:
        with database.counted(self.store) as found:
            yield found

    def together(self, *works: Callable[[], Any]) -> list[Any]:
        """What each returned or raised, all having run at once."""
        results: list[Any] = [None] * len(works)

        def run(n: int, work: Callable[[], Any]) -> None:
            try:
                results[n] = work()
            except Exception as error:
                results[n] = error

        threads = [
            threading.Thread(target=run, args=(n, work), daemon=True)
            for n, work in enumerate(works)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive(), "a thread hangs")
        return results


class OnSQLite(Case):
    def setUp(self) -> None:
        super().setUp()
        made = self.useFixture(database.Database(clock=Clock()))
        self.store, self.url = made.store, made.url


class _Tables(
    test_fixtures.GeneratesSchemaFromMigrations,  # type: ignore[misc]
    test_fixtures.DeletesFromSchema,  # type: ignore[misc]
    test_fixtures.OpportunisticDbFixture,  # type: ignore[misc]
):
    """A database of this process, migrated once and emptied by each test."""

    def get_enginefacade(self) -> Any:
        return _FACADE

    def generate_schema_migrations(self, made: engine.Engine) -> None:
        migration.upgrade(made)

    def delete_from_schema(self, made: engine.Engine) -> None:
        pool, owner = tables.table(tables.Pool), tables.table(tables.PoolOwner)
        kept = (pool, owner, tables.table(tables.Installation))
        default = pool.c.name == "default"
        with made.begin() as connection:
            for table in reversed(db_base.Base.metadata.sorted_tables):
                if table not in kept:
                    connection.execute(table.delete())
            connection.execute(pool.delete().where(~default))
            connection.execute(
                pool.update().values(generation=1, admission="manual")
            )
            connection.execute(
                owner.update().values(
                    owner=sa.null(), epoch=0, plans=0, expires_at=sa.null()
                )
            )


class _OnServer(
    test_fixtures.OpportunisticDBTestMixin,  # type: ignore[misc]
    Case,
):
    DRIVER = ""

    def generate_fixtures(self) -> _Tables:
        return _Tables(test=self, driver=self.DRIVER)

    def setUp(self) -> None:
        super().setUp()
        made = self._get_default_provisioned_db().engine
        self.url = made.url.render_as_string(hide_password=False)
        self.store = db_store.Store(database.configuration(self.url), Clock())
        self.addCleanup(self.store.close)


class OnMariaDB(_OnServer):
    DRIVER = "mysql"


class OnPostgreSQL(_OnServer):
    DRIVER = "postgresql"


if TYPE_CHECKING:
    Tests = Case
else:
    # No test case by itself, or it would run without an engine.
    Tests = object


def bound(tests: type) -> tuple[type, type, type]:
    """The same tests on SQLite, MariaDB and PostgreSQL."""
    sqlite, mariadb, postgresql = (
        type(
            f"{tests.__name__}{engine.__name__}",
            (tests, engine),
            {"__module__": tests.__module__, "__doc__": tests.__doc__},
        )
        for engine in (OnSQLite, OnMariaDB, OnPostgreSQL)
    )
    return sqlite, mariadb, postgresql
