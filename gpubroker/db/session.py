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

"""The engine: connections, isolation, and errors that leave this room.

One engine a store, made by oslo.db's enginefacade when it is first needed,
so that a process may fork before.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from typing import Any

from oslo_db import exception as db_exc
from oslo_db.sqlalchemy import enginefacade
from sqlalchemy import engine as sa_engine
from sqlalchemy import event
from sqlalchemy import exc as sa_exc
from sqlalchemy import orm

from gpubroker import errors

LOG = logging.getLogger(__name__)

#: Execution option of a connection: whether its transaction writes.
WRITES = "gpubroker_writes"

#: How long a writer waits for another one on SQLite, in milliseconds.
SQLITE_BUSY_MS = 30_000

#: The whole transaction was lost to no fault of its own: do it again.
LOST = (
    db_exc.DBDeadlock,
    db_exc.DBConnectionError,
    db_exc.DBConsistencyError,
    sa_exc.OperationalError,
)

#: All that the engine, or what lies between it and us, may raise.
ENGINE = (
    sa_exc.SQLAlchemyError,
    db_exc.DBError,
    db_exc.CantStartEngineError,
)

#: How the engines say that a table or a column is not there: MariaDB's error
#: numbers (ER_BAD_FIELD_ERROR, ER_NO_SUCH_TABLE), the SQLSTATEs of PostgreSQL
#: (undefined_column, undefined_table), and what SQLite writes, which has one
#: number for every mistake in a statement.
_MISSING_CODES = frozenset({1054, 1146, "42703", "42P01"})
_MISSING_WORDS = ("no such table", "no such column", "has no column named")

#: How they say that they only read at present, as a server does that is to
#: take over and does not yet: MariaDB (ER_OPTION_PREVENTS_STATEMENT,
#: ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION), MySQL (ER_READ_ONLY_MODE),
#: PostgreSQL (read_only_sql_transaction).
_READ_ONLY_CODES = frozenset({1290, 1792, 1836, "25006"})


class _Scope:
    """What enginefacade keys a transaction by; a new one each."""


def facade(options: dict[str, Any]) -> Any:
    """An enginefacade of our own, not yet connected.

    :param options: of oslo.db's group ``database``.
    """
    # Threads of the system need no sleep after each transaction to let others
    # run, as those of eventlet did; on a busy host it costs a turn each time.
    options = {**options, "sqlite_fk": True, "thread_checkin": False}
    backend = (options.get("connection") or "").partition(":")[0]
    if backend.startswith(("mysql", "mariadb")):
        # oslo.db's default is the three-byte utf8, without emoji.
        given = options.get("connection_parameters") or ""
        if "charset=" not in f"{given}{options['connection']}":
            charset = "charset=utf8mb4"
            options["connection_parameters"] = "&".join(
                filter(None, [given, charset])
            )
    made = enginefacade.transaction_context()
    made.configure(**options)
    made.append_on_engine_create(prepare)
    return made


def prepare(made: sa_engine.Engine) -> None:
    """Set up a new engine: pragmas of SQLite, isolation of transactions."""
    # An error's text gets into logs; among the values is people's user data.
    made.hide_parameters = True
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _sqlite_pragmas)
    event.listen(made, "begin", _begin)
    # The connection that oslo.db tried has not seen the listeners.
    made.dispose()


def _sqlite_pragmas(connection: Any, record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")
    connection.execute("PRAGMA journal_mode=WAL")


def _begin(connection: sa_engine.Connection) -> None:
    """The same promises on every engine.

    A write sees what is committed, statement by statement, and locks what it
    changes; a read is one snapshot.
    """
    writes = connection.get_execution_options().get(WRITES)
    if writes is None:
        return  # somebody else's connection, such as a test's
    if connection.dialect.name == "sqlite":
        if writes:
            # oslo.db has begun a deferred one, which holds nothing yet. Its
            # read lock could not become a write lock once somebody else
            # wrote; IMMEDIATE waits its turn.
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        only = "OFF" if writes else "ON"
        connection.exec_driver_sql(f"PRAGMA query_only={only}")
    else:
        level = "READ COMMITTED" if writes else "REPEATABLE READ, READ ONLY"
        connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {level}")


@contextlib.contextmanager
def transaction(manager: Any, *, writes: bool) -> Iterator[orm.Session]:
    """One transaction.

    :raises errors.Unavailable: when the engine is down.
    :raises errors.ConcurrentUpdate: when the transaction was lost to a
        deadlock or a lock that did not come.

    After both all of it may be done again; ``lost(__cause__)`` says where
    that helps.
    """
    mode = manager.writer if writes else manager.reader
    with translated(), mode.using(_Scope()) as session:
        session.connection(execution_options={WRITES: writes})
        yield session


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """:raises errors.Unavailable: for what the database is at fault for.
    :raises errors.ConcurrentUpdate: for what other writers are.
    """
    try:
        yield
    except ENGINE as error:
        # MariaDB forgets the savepoints of a transaction that it gives up,
        # so that the way back fails first; the cause is what counts.
        before = getattr(error, "cause", None)
        first = before if isinstance(before, LOST) else error
        outward = _outward(first)
        if outward is first:
            raise
        raise outward from first


def _outward(error: Exception) -> Exception:
    """What other rooms see of an error of the database."""
    if isinstance(error, sa_exc.StatementError) and isinstance(
        error.orig, errors.GpubrokerError
    ):
        return error.orig
    if of_another_schema(error):
        LOG.error("The schema of the database: %s", reason(error))
        return errors.Unavailable(
            "The database does not have the tables of this release: run "
            "gpubroker-manage db upgrade."
        )
    if isinstance(error, db_exc.DBDuplicateEntry | db_exc.DBReferenceError):
        # Where a repository expects these it says what they mean.
        return errors.ConcurrentUpdate(
            "Somebody else wrote the same at the same time; try again."
        )
    if isinstance(error, db_exc.DBDeadlock):
        # Nothing of it stands, and whoever won has written.
        LOG.info("The database: %s", reason(error))
        return errors.ConcurrentUpdate(
            "Somebody else wrote at the same time; try again."
        )
    down = (
        *LOST,
        sa_exc.TimeoutError,
        db_exc.CantStartEngineError,
        db_exc.DBNonExistentDatabase,
        sa_exc.ArgumentError,
        sa_exc.NoSuchModuleError,
    )
    if isinstance(error, down) or _only_reads(error):
        LOG.warning("The database: %s", reason(error))
        return errors.Unavailable(
            "The database does not answer at present; try again."
        )
    return error


def lost(error: BaseException | None) -> bool:
    """Whether the whole transaction may come through when done again."""
    return isinstance(error, LOST) and not of_another_schema(error)


def of_engine(error: BaseException | None) -> bool:
    """Whether an error came from the engine, and not from a use case."""
    return isinstance(error, ENGINE)


def of_another_schema(error: BaseException) -> bool:
    """Whether a table or a column is missing.

    To most engines this is an error like that of a lost connection; but it
    lasts until somebody upgrades.
    """
    inner = _innermost(error)
    if isinstance(inner, sqlite3.OperationalError):
        return any(words in str(inner) for words in _MISSING_WORDS)
    return _code(inner) in _MISSING_CODES


def _only_reads(error: BaseException) -> bool:
    return _code(_innermost(error)) in _READ_ONLY_CODES


def _code(inner: BaseException) -> str | int | None:
    """What the driver calls the error: PostgreSQL's SQLSTATE, or the number
    that MariaDB gives it."""
    first = next(iter(inner.args), None)
    number = first if isinstance(first, int) else None
    return getattr(inner, "pgcode", None) or number


def reason(error: BaseException) -> str:
    """The engine's own words, without statement, parameters or password."""
    inner = _innermost(error)
    return " ".join(str(inner).split()) or type(inner).__name__


def _innermost(error: BaseException) -> BaseException:
    """What the driver raised, below the wrappings."""
    inner = error
    while True:
        found = getattr(inner, "inner_exception", None) or getattr(
            inner, "orig", None
        )
        if not isinstance(found, BaseException):
            return inner
        inner = found
