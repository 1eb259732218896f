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

"""The schema: which revision it has, and bringing it to the newest.

There is no way back: a release can be undone with the backup that was made
before it.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

import alembic.command
import alembic.config
import alembic.migration
import alembic.script
import sqlalchemy as sa
from sqlalchemy import engine

from gpubroker.db import session

_HERE = pathlib.Path(__file__).parent


def scripts() -> pathlib.Path:
    """The folder of the migrations, in a wheel or in a checkout.

    Looked up by path and with a guard: without one, a wheel that lacks the
    folder would resolve to the alembic library itself.

    :raises FileNotFoundError: when there is none.
    """
    for folder in (_HERE / "migrations", _HERE.parents[1] / "alembic"):
        if (folder / "env.py").is_file() and (folder / "versions").is_dir():
            return folder
    raise FileNotFoundError("gpubroker was installed without its migrations")


def config() -> alembic.config.Config:
    made = alembic.config.Config()
    made.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def directory() -> alembic.script.ScriptDirectory:
    return alembic.script.ScriptDirectory.from_config(config())


def head() -> str:
    """The newest revision that this release knows."""
    found = directory().get_current_head()
    if found is None:
        raise FileNotFoundError("gpubroker was installed without revisions")
    return found


def version(database: engine.Engine) -> str | None:
    """The revision of a database, ``None`` for one that is empty.

    :raises Unavailable: when it does not answer.
    """
    with session.translated(), database.connect() as connection:
        context = alembic.migration.MigrationContext.configure(connection)
        return context.get_current_revision()


def known(revision: str) -> bool:
    """Whether this release has that revision."""
    return any(s.revision == revision for s in directory().walk_revisions())


def upgrade(database: engine.Engine, revision: str = "head") -> None:
    """Bring the schema to a revision; one that it has already is no change.

    Of several at once the others wait, and then find it done.

    :raises Unavailable: when it does not answer.
    """
    made = config()
    with session.translated(), database.connect() as plain:
        connection = plain.execution_options(**{session.WRITES: True})
        with _alone(connection):
            made.attributes["connection"] = connection
            alembic.command.upgrade(made, revision)
            connection.commit()


@contextlib.contextmanager
def _alone(connection: engine.Connection) -> Iterator[None]:
    """A lock of the session, since DDL ends transactions on MariaDB."""
    take, leave = _LOCKS[connection.dialect.name]
    connection.execute(sa.text(take))
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.rollback()
            connection.execute(sa.text(leave))
            connection.commit()


#: The number and the name mean nothing but this.
_LOCKS = {
    "mysql": (
        "SELECT GET_LOCK(CONCAT('gpubroker:', DATABASE()), 600)",
        "SELECT RELEASE_LOCK(CONCAT('gpubroker:', DATABASE()))",
    ),
    "postgresql": (
        "SELECT pg_advisory_lock(7203145551)",
        "SELECT pg_advisory_unlock(7203145551)",
    ),
    # Whatever comes first takes the write lock.
    "sqlite": ("SELECT 1", "SELECT 1"),
}
