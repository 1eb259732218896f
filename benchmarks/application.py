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


"""The real WSGI application on a database of its own, without a cloud.

Middleware, policies, schemas and SQL are the real ones, configured as in
production; the tokens come from keystonemiddleware's own test fixture, and
what is not asked for in these benchmarks (Placement, Nova, Keystone) is not
there.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import fixtures
import sqlalchemy as sa
import webtest
from keystonemiddleware import fixture as token_fixture

from benchmarks import estate
from gpubroker import clock as system_clock
from gpubroker import conf as configuration
from gpubroker.api import app
from gpubroker.db import builtin
from gpubroker.db import migration
from gpubroker.db import store
from gpubroker.domain import catalogue
from gpubroker.services import broker
from gpubroker.worker import bells
from tests.fixtures import database as test_database

NAME = "gpubroker_benchmark"

#: As Keystone expands them.
ROLES = {
    "member": ["member", "reader"],
    "admin": ["admin", "manager", "member", "reader"],
    "agent": ["gpubroker_agent"],
}

_CONFIGURATION = """
[database]
connection = {url}
[keystone_authtoken]
www_authenticate_uri = http://keystone.example/v3
"""


class Database(fixtures.Fixture):
    """An empty, migrated database with the built-in models.

    :param server: URL of a server where databases can be made, with any
        database of it; by default a file for SQLite.

    :ivar url: of the new database.
    """

    url: str

    def __init__(self, server: str | None = None) -> None:
        super().__init__()
        self._server = server

    def _setUp(self) -> None:
        if self._server is None:
            folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
            self.url = f"sqlite:///{folder / 'gpubroker.sqlite'}"
        else:
            self.url = self._make(sa.make_url(self._server))
        self.store = store.Store(
            test_database.configuration(self.url), system_clock.SystemClock()
        )
        self.addCleanup(self.store.close)
        migration.upgrade(self.store.engine)
        builtin.sync(self.store, catalogue.MODELS)

    def _make(self, server: sa.URL) -> str:
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        self.addCleanup(engine.dispose)
        with engine.connect() as connection:
            # Fails when it is there: it may be somebody's.
            connection.execute(sa.text(f"CREATE DATABASE {NAME}"))
        self.addCleanup(self._drop, engine)
        return server.set(database=NAME).render_as_string(hide_password=False)

    @staticmethod
    def _drop(engine: sa.Engine) -> None:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {NAME}"))


class Application(fixtures.Fixture):
    """:param database: already set up, and filled by whom it concerns."""

    application: Callable[..., Any]

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.store = database.store
        self._url = database.url

    def _setUp(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path = folder / "gpubroker.conf"
        path.write_text(_CONFIGURATION.format(url=self._url))
        tokens = self.useFixture(token_fixture.AuthTokenFixture())
        for name, roles in ROLES.items():
            tokens.add_token_data(
                token_id=name,
                user_id=name,
                user_name=name,
                project_id=estate.PROJECT,
                project_name=estate.PROJECT,
                role_list=roles,
            )
        self._client = webtest.TestApp(
            app.build(
                configuration.load([], files=[str(path)]),
                broker.Broker(
                    store=self.store,
                    clock=system_clock.SystemClock(),
                    bell=bells.Bells(),
                    ledger=None,  # type: ignore[arg-type]
                    compute=None,  # type: ignore[arg-type]
                    identity=None,  # type: ignore[arg-type]
                ),
                {},
            )
        )

    def get(self, path: str, who: str) -> Any:
        return self._client.get(path, headers={"X-Auth-Token": who}).json

    def put(self, path: str, body: Any, who: str) -> Any:
        return self._client.put_json(
            path, body, headers={"X-Auth-Token": who}
        ).json

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The SQL sent meanwhile, without BEGIN, COMMIT and the like."""
        with test_database.counted(self.store) as found:
            yield found
