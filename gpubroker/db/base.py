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

"""The declarative base and the column types that mean the same everywhere.

SQLite, MariaDB and PostgreSQL disagree about time zones, fractions of a
second, JSON, enums and how text compares. These types settle it once, so
that no repository has to know which engine it talks to.
"""

from __future__ import annotations

import datetime
import enum
import json
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import engine
from sqlalchemy import orm
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from gpubroker import errors

E = TypeVar("E", bound=enum.StrEnum)

if TYPE_CHECKING:
    #: A SELECT of any columns.
    Query: TypeAlias = sa.Select[*tuple[Any, ...]]
else:
    Query = sa.Select

#: utf8mb4_bin: names compare by code point, as they do on SQLite, so that
#: ``A100`` and ``a100`` are two names on every engine.
TABLE = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


class Unstorable(errors.Invalid, db_exc.DBError):  # type: ignore[misc]
    """Invalid input; a DBError only so that oslo.db, through whose hands it
    goes, does not take it for a fault of the database and log it."""


class Base(orm.DeclarativeBase):
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __table_args__: Any = TABLE


class Moment(sa.TypeDecorator[datetime.datetime]):
    """Aware UTC outside, naive UTC with microseconds in SQL."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(
        self, dialect: engine.Dialect
    ) -> TypeEngine[datetime.datetime]:
        # Plain DATETIME drops the fraction there, and with it the order in
        # which leases were asked for.
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: engine.Dialect
    ) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(
        self, value: Any, dialect: engine.Dialect
    ) -> datetime.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=datetime.UTC)  # type: ignore[no-any-return]


class Json(sa.TypeDecorator[Any]):
    """JSON as text: the same bytes on every engine, never queried into."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: engine.Dialect) -> TypeEngine[Any]:
        return _long_text(dialect)

    def process_bind_param(
        self, value: Any, dialect: engine.Dialect
    ) -> str | None:
        if value is None:
            return None
        return json.dumps(value, separators=(",", ":"), sort_keys=True)

    def process_result_value(self, value: Any, dialect: engine.Dialect) -> Any:
        return None if value is None else json.loads(value)


class LongText(sa.TypeDecorator[str]):
    """Text without a limit that matters (16 MiB on MariaDB)."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: engine.Dialect) -> TypeEngine[str]:
        return _long_text(dialect)

    def process_bind_param(
        self, value: str | None, dialect: engine.Dialect
    ) -> str | None:
        return None if value is None else _storable(value)


class Word(sa.TypeDecorator[E]):
    """A StrEnum as text; a new member needs no migration."""

    impl = sa.String(32)
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(
        self, value: Any, dialect: engine.Dialect
    ) -> str | None:
        # A filter may ask for a word that is none: it finds nothing.
        return None if value is None else str(value)

    def process_result_value(
        self, value: Any, dialect: engine.Dialect
    ) -> E | None:
        return None if value is None else self.kind(value)


class Line(sa.TypeDecorator[str]):
    """A short text whose length every engine minds, SQLite too.

    Compared by code point: ``C`` on PostgreSQL, where the database's locale
    would otherwise choose the order of a list.

    :raises Unstorable: for text that is too long or that one of the engines
        could not store; it leaves the store as ``Invalid``.
    """

    impl = sa.String
    cache_ok = True

    def __init__(self, length: int = 255) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: engine.Dialect) -> TypeEngine[str]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(
            sa.String(self.length, collation=collation)
        )

    def process_bind_param(
        self, value: str | None, dialect: engine.Dialect
    ) -> str | None:
        if value is None:
            return None
        if len(value) > self.length:
            raise Unstorable(
                f"{value[:40]!r}... is longer than {self.length} characters."
            )
        return _storable(str(value))


def _storable(value: str) -> str:
    """:raises Unstorable: for what one of the three engines refuses."""
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise Unstorable(
            f"{value[:40]!r} holds characters that can not be stored."
        )
    return value


def _long_text(dialect: engine.Dialect) -> TypeEngine[str]:
    if dialect.name in ("mysql", "mariadb"):
        return dialect.type_descriptor(mysql.MEDIUMTEXT())
    return dialect.type_descriptor(sa.Text())


Id = Annotated[int, orm.mapped_column(sa.Integer, primary_key=True)]
#: For tables that only grow; SQLite numbers rows by INTEGER alone.
BigId = Annotated[
    int,
    orm.mapped_column(
        sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True
    ),
]
Uuid = Annotated[str, orm.mapped_column(Line(36))]
Name = Annotated[str, orm.mapped_column(Line(255))]
Text = Annotated[str, orm.mapped_column(LongText)]
Document = Annotated[Any, orm.mapped_column(Json)]
Time = Annotated[datetime.datetime, orm.mapped_column(Moment)]


class Stamped:
    """What every row that people may change carries."""

    generation: orm.Mapped[int]
    created_at: orm.Mapped[Time]
    updated_at: orm.Mapped[Time]

    def stamps(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


def args(*constraints: Any) -> tuple[Any, ...]:
    """``__table_args__`` of a table with constraints or indices."""
    return (*constraints, TABLE)


def parent(
    column: str, *, primary_key: bool = False, index: bool = False
) -> Any:
    """A key to the thing that this row is a part of and dies with."""
    return orm.mapped_column(
        sa.ForeignKey(column, ondelete="CASCADE"),
        primary_key=primary_key,
        autoincrement=False,
        index=index,
    )
