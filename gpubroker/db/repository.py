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

"""What every repository does: insert, compare and swap, find by key."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import engine
from sqlalchemy import orm

from gpubroker import errors
from gpubroker.db import base
from gpubroker.db import marks
from gpubroker.db import tables
from gpubroker.services import ports

T = TypeVar("T")

#: Keys in one IN (...). SQLite takes 32766 parameters; this many in one
#: statement also covers any page, so that a page is a fixed number of them.
_BATCH = 10_000


class Repository:
    """Repositories of one transaction share its session.

    Each write that may change what a host can offer says ``of`` which hosts:
    they get another mark, see ``marks``.
    """

    def __init__(self, session: orm.Session, clock: ports.Clock) -> None:
        self._session = session
        self._clock = clock

    def _now(self) -> datetime.datetime:
        return self._clock.now()

    def _rows(self, statement: base.Query) -> Sequence[Any]:
        """What stands in the database, never what was read before."""
        return self._session.execute(
            statement, execution_options={"populate_existing": True}
        ).all()

    def _first(self, statement: base.Query) -> Any:
        rows = self._rows(statement)
        return rows[0] if rows else None

    def _grouped(
        self,
        statement: base.Query,
        column: Any,
        keys: Collection[int],
    ) -> dict[int, list[Any]]:
        """Rows of children by the key of their parent.

        One statement for any page; the first column must be the key.
        """
        found: dict[int, list[Any]] = {}
        for some in batches(keys):
            for row in self._rows(statement.where(column.in_(some))):
                found.setdefault(row[0], []).append(row)
        return found

    def _insert(
        self,
        entity: type[base.Base],
        values: Mapping[str, Any],
        taken: str,
        of: marks.Of | None = None,
    ) -> Any:
        """The new row's primary key.

        In a savepoint, since PostgreSQL gives up the whole transaction when
        a statement fails and the caller may want to go on.

        :raises Duplicate: with ``taken`` as its words.
        """
        marks.check(entity.__tablename__, of)
        statement = sa.insert(tables.table(entity)).values(**values)
        try:
            with self._session.begin_nested():
                result = self._session.execute(statement)
        except db_exc.DBDuplicateEntry as error:
            raise errors.Duplicate(taken) from error
        except db_exc.DBReferenceError as error:
            raise errors.Conflict(
                "Something that it refers to has just been deleted."
            ) from error
        marks.note(self._session, of)
        keys = cursor(result).inserted_primary_key
        return keys[0] if keys else None

    def _insert_many(
        self,
        entity: type[base.Base],
        rows: Sequence[Mapping[str, Any]],
        of: marks.Of | None = None,
    ) -> None:
        marks.check(entity.__tablename__, of)
        if rows:
            statement = sa.insert(tables.table(entity))
            self._session.execute(statement, [dict(row) for row in rows])
            marks.note(self._session, of)

    def _swap(
        self,
        entity: type[base.Stamped],
        key: sa.ColumnElement[bool],
        generation: int,
        values: Mapping[str, Any],
        taken: str,
        of: marks.Of | None = None,
    ) -> int | None:
        """UPDATE the row of that generation.

        :returns: its new generation, ``None`` when there is no such row.
        :raises Duplicate: with ``taken`` as its words.
        """
        stood = entity.generation == generation
        statement = (
            sa.update(entity)
            .where(key, stood)
            .values(generation=generation + 1, **values)
            .execution_options(synchronize_session=False)
        )
        marks.check(_table(statement), of)
        try:
            with self._session.begin_nested():
                count = cursor(self._session.execute(statement)).rowcount
        except db_exc.DBDuplicateEntry as error:
            raise errors.Duplicate(taken) from error
        if not count:
            return None
        marks.note(self._session, of)
        return generation + 1

    def _remove(
        self, key: sa.Delete, used: str, of: marks.Of | None = None
    ) -> int:
        """DELETE; how many rows.

        :raises InUse: with ``used`` as its words, when others refer to it.
        """
        try:
            with self._session.begin_nested():
                return self._execute(key, of)
        except db_exc.DBReferenceError as error:
            raise errors.InUse(used) from error

    def _execute(
        self, statement: sa.Update | sa.Delete, of: marks.Of | None = None
    ) -> int:
        """Run a write; how many rows it met."""
        marks.check(_table(statement), of)
        met = cursor(
            self._session.execute(
                statement, execution_options={"synchronize_session": False}
            )
        ).rowcount
        if met:
            marks.note(self._session, of)
        return met


def _table(statement: sa.Update | sa.Delete) -> str:
    return str(statement.entity_description["table"].name)


def cursor(result: sa.Result[Any]) -> engine.CursorResult[Any]:
    if not isinstance(result, engine.CursorResult):
        raise TypeError(f"{result!r} is not the result of a write")
    return result


def batches(keys: Iterable[T], size: int = _BATCH) -> Iterator[list[T]]:
    rest = iter(keys)
    while some := list(islice(rest, size)):
        yield some


def moved_on(noun: str, name: str) -> errors.ConcurrentUpdate:
    return errors.ConcurrentUpdate(
        f"{noun} {name} was changed meanwhile: read it again."
    )


def missing(noun: str, name: str) -> errors.NotFound:
    return errors.NotFound(f"There is no {noun} {name}.")
