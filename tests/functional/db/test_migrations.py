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

"""The migrations make exactly the tables that the code expects."""

from __future__ import annotations

import dataclasses
from typing import Any

import fixtures
import sqlalchemy as sa
from oslo_db.sqlalchemy import test_fixtures
from oslo_db.sqlalchemy import test_migrations
from sqlalchemy import engine as sa_engine

from gpubroker import errors
from gpubroker.db import base as db_base
from gpubroker.db import builtin
from gpubroker.db import migration
from gpubroker.db import store
from gpubroker.db import tables
from gpubroker.domain import catalogue
from gpubroker.services import ports
from tests.fixtures import database
from tests.functional.db import base
from tests.functional.db import samples


class MigrationTests(base.Tests):
    """On an empty database that is thrown away."""

    engine: sa_engine.Engine

    def walk(self) -> list[str]:
        """Upgrade step by step, checking each; the revisions."""
        walked = []
        script = migration.directory()
        for step in reversed(list(script.walk_revisions())):
            prepare = getattr(self, f"_pre_upgrade_{step.revision}", None)
            data = prepare() if prepare else None
            migration.upgrade(self.engine, step.revision)
            self.assertEqual(step.revision, migration.version(self.engine))
            getattr(self, f"_check_{step.revision}")(data)
            walked.append(step.revision)
        return walked

    def _check_0001(self, data: Any) -> None:
        with self.engine.connect() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT p.name, p.admission, p.generation, o.epoch "
                    "FROM pool p JOIN pool_owner o ON o.pool_id = p.id"
                )
            ).all()
        self.assertEqual(
            [("default", "manual", 1, 0)], [tuple(r) for r in rows]
        )
        self.assertRegex(self.installation(), "^[0-9a-f]{8}$")

    def installation(self) -> str:
        with self.engine.connect() as connection:
            (row,) = connection.execute(
                sa.select(tables.Installation.name)
            ).all()
        return str(row[0])

    def test_every_revision_does_what_it_says(self) -> None:
        self.assertIsNone(migration.version(self.engine))
        self.assertEqual(migration.head(), self.walk()[-1])

    def test_upgrading_twice_changes_nothing(self) -> None:
        migration.upgrade(self.engine)
        installation = self.installation()
        migration.upgrade(self.engine)
        self.assertEqual(installation, self.installation())
        with self.engine.connect() as connection:
            pools = connection.execute(
                sa.select(sa.func.count()).select_from(tables.Pool)
            ).scalar()
        self.assertEqual(1, pools)

    def test_of_two_upgrades_at_once_both_end_well(self) -> None:
        found = self.together(
            *(lambda: migration.upgrade(self.engine) for _ in range(3))
        )
        self.assertEqual([None] * 3, found)
        self.assertEqual(migration.head(), migration.version(self.engine))

    def test_who_meets_another_schema_says_so_and_waits_for_nothing(
        self,
    ) -> None:
        migration.upgrade(self.engine)
        with self.engine.begin() as connection:
            for change in (
                "ALTER TABLE model RENAME COLUMN family TO kin",
                "ALTER TABLE pool_project RENAME TO pool_tenant",
            ):
                connection.execute(sa.text(change))
        url = self.engine.url.render_as_string(hide_password=False)
        found = store.Store(database.configuration(url), base.Clock())
        self.addCleanup(found.close)
        runs: list[str] = []

        def add(tx: ports.Transaction) -> None:
            runs.append("add")
            tx.models.add(samples.model())

        def read(tx: ports.Transaction) -> None:
            runs.append("read")
            tx.models.all()

        def other_table(tx: ports.Transaction) -> None:
            runs.append("table")
            tx.pools.all()

        for work in (add, read, other_table):
            error = self.assertRaises(
                errors.Unavailable, lambda work=work: found.run(work)
            )
            self.assertIn("gpubroker-manage db upgrade", error.message)
        self.assertEqual(["add", "read", "table"], runs)

    def test_names_tell_upper_from_lower_case(self) -> None:
        migration.upgrade(self.engine)
        insert = sa.insert(tables.table(tables.PoolProject))
        pool = sa.select(tables.Pool.id)
        with self.engine.begin() as connection:
            key = connection.execute(pool).scalar()
            for project in ("a", "A", "ä", "Ä"):
                connection.execute(
                    insert.values(pool_id=key, project_id=project)
                )


class SyncTests(test_migrations.ModelsMigrationsSync):  # type: ignore[misc]
    """``test_models_sync`` of oslo.db."""

    engine: sa_engine.Engine

    def db_sync(self, made: sa_engine.Engine) -> None:
        migration.upgrade(made)

    def get_engine(self) -> sa_engine.Engine:
        return self.engine

    def get_metadata(self) -> sa.MetaData:
        return db_base.Base.metadata

    def include_object(
        self, item: Any, name: str, kind: str, reflected: bool, other: Any
    ) -> bool:
        return name != "alembic_version"


class _Empty(test_fixtures.OpportunisticDbFixture):  # type: ignore[misc]
    """A database without tables; what a test makes is dropped after it."""

    def get_enginefacade(self) -> Any:
        return base._FACADE


class _OnServer(
    test_fixtures.OpportunisticDBTestMixin,  # type: ignore[misc]
    base.Case,
):
    DRIVER = ""

    def generate_fixtures(self) -> _Empty:
        return _Empty(test=self, driver=self.DRIVER)

    def setUp(self) -> None:
        super().setUp()
        self.engine = self._get_default_provisioned_db().engine


class _OnSQLite(base.Case):
    def setUp(self) -> None:
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        conf = database.configuration(f"sqlite:///{folder}/empty.sqlite")
        made = store.Store(conf, base.Clock())
        self.addCleanup(made.close)
        self.engine = made.engine


class MigrationsOnSQLite(MigrationTests, _OnSQLite):
    pass


class MigrationsOnMariaDB(MigrationTests, _OnServer):
    DRIVER = "mysql"


class MigrationsOnPostgreSQL(MigrationTests, _OnServer):
    DRIVER = "postgresql"


class SyncOnSQLite(SyncTests, _OnSQLite):
    def setUp(self) -> None:
        super().setUp()
        # Without foreign keys, so that oslo.db can drop the tables after.
        self.engine = sa.create_engine(self.engine.url)


class SyncOnMariaDB(SyncTests, _OnServer):
    DRIVER = "mysql"


class SyncOnPostgreSQL(SyncTests, _OnServer):
    DRIVER = "postgresql"


class BuiltinTests(base.Tests):
    """``db upgrade`` brings the built-in catalogue."""

    def test_all_models_are_added_once(self) -> None:
        first = builtin.sync(self.store, catalogue.MODELS)
        second = builtin.sync(self.store, catalogue.MODELS)
        self.assertEqual(
            [model.name for model in catalogue.MODELS], first.added
        )
        self.assertEqual(([], [], []), dataclasses.astuple(second))
        with self.store.read() as tx:
            stand = tx.models.all()
        self.assertTrue(all(model.builtin for model in stand))
        self.assertEqual(
            {model.name for model in catalogue.MODELS},
            {model.name for model in stand},
        )

    def test_what_an_operator_changed_is_left_alone(self) -> None:
        builtin.sync(self.store, catalogue.MODELS)
        name = catalogue.MODELS[0].name
        with self.store.write() as tx:
            mine = tx.models.update(
                dataclasses.replace(
                    tx.models.get(name), memory_mib=1, builtin=False
                )
            )
        done = builtin.sync(self.store, catalogue.MODELS)
        self.assertEqual([name], done.kept)
        with self.store.read() as tx:
            self.assertEqual(mine, tx.models.get(name))

    def test_a_newer_release_renews_what_is_still_builtin(self) -> None:
        builtin.sync(self.store, catalogue.MODELS)
        newer = dataclasses.replace(catalogue.MODELS[0], memory_mib=7)
        done = builtin.sync(self.store, [newer])
        self.assertEqual([newer.name], done.updated)
        with self.store.read() as tx:
            stands = tx.models.get(newer.name)
            count = len(tx.models.all())
        self.assertEqual((7, 2), (stands.memory_mib, stands.generation))
        self.assertEqual(len(catalogue.MODELS), count)


BuiltinTestsOnSQLite, BuiltinTestsOnMariaDB, BuiltinTestsOnPostgreSQL = (
    base.bound(BuiltinTests)
)
