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

"""Filters, sorting and keyset pagination in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from gpubroker import errors
from gpubroker.db import base
from gpubroker.services.paging import Page

Filter = Callable[[Any], sa.ColumnElement[bool]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a noun is listed.

    :param noun: for messages.
    :param key: unique and never NULL; the marker, and the last sort key.
    :param sorts: what ``sort_key`` may be, and the columns it stands for.
    :param default: the ``sort_key`` where none is given.
    :param filters: what may be filtered by.
    :param marker: finds the marker's row, where it may be more than ``key``.
    """

    noun: str
    key: Any
    sorts: Mapping[str, tuple[Any, ...]]
    default: str
    filters: Mapping[str, Filter] = field(default_factory=dict)
    marker: Filter | None = None

    def wanted(self, page: Page) -> list[sa.ColumnElement[bool]]:
        """:raises Invalid: for a filter that there is not."""
        unknown = sorted(set(page.filters) - set(self.filters))
        if unknown:
            raise errors.Invalid(
                f"{unknown[0]}: there is no such filter.", field=unknown[0]
            )
        return [
            self.filters[name](value) for name, value in page.filters.items()
        ]

    def columns(self, page: Page) -> list[Any]:
        """:raises Invalid: for a sort key or direction that there is not."""
        name = page.sort_key or self.default
        if name not in self.sorts:
            raise errors.Invalid(
                f"sort_key: can not sort by {name}; choose one of "
                f"{', '.join(sorted(self.sorts))}.",
                field="sort_key",
            )
        if page.sort_dir not in ("asc", "desc"):
            raise errors.Invalid(
                "sort_dir: must be asc or desc.", field="sort_dir"
            )
        chosen = [c for c in self.sorts[name] if c is not self.key]
        return [*chosen, self.key]


def equals(column: Any) -> Filter:
    """``column = value``, or IN for a tuple of values."""

    def condition(value: Any) -> sa.ColumnElement[bool]:
        if isinstance(value, tuple | list | set | frozenset):
            return column.in_(list(value))  # type: ignore[no-any-return]
        if value is None:
            return column.is_(None)  # type: ignore[no-any-return]
        return column == value  # type: ignore[no-any-return]

    return condition


def fetch(
    session: orm.Session,
    statement: base.Query,
    plan: Plan,
    page: Page,
    scope: Sequence[sa.ColumnElement[bool]] = (),
) -> tuple[Sequence[Any], bool]:
    """The rows of a page, and whether more follow: two statements at most.

    :param scope: what even the marker has to satisfy. The filters do not
        bind it: an item may have left them since it was shown.
    :raises Invalid: for an unknown filter, sort key or marker.
    """
    columns = plan.columns(page)
    descends = page.sort_dir == "desc"
    asked = statement.where(*plan.wanted(page), *scope)
    if page.marker is not None:
        last = _marked(session, statement, plan, page, columns, scope)
        asked = asked.where(after(columns, last, descends))
    asked = asked.order_by(*_order(columns, descends)).limit(page.limit + 1)
    rows = session.execute(
        asked, execution_options={"populate_existing": True}
    ).all()
    return rows[: page.limit], len(rows) > page.limit


def _marked(
    session: orm.Session,
    statement: base.Query,
    plan: Plan,
    page: Page,
    columns: Sequence[Any],
    scope: Sequence[sa.ColumnElement[bool]],
) -> Sequence[Any]:
    marked = (plan.marker or equals(plan.key))(page.marker)
    lookup = statement.with_only_columns(
        *columns, maintain_column_froms=True
    ).where(marked, *scope)
    row = session.execute(lookup).first()
    if row is None:
        raise errors.Invalid(
            f"marker: there is no {plan.noun} {page.marker}.", field="marker"
        )
    return tuple(row)


def _nullable(column: Any) -> bool:
    return bool(getattr(column, "nullable", True))


def _order(columns: Sequence[Any], descends: bool) -> list[Any]:
    """NULL is the smallest value on every engine."""
    terms: list[Any] = []
    for column in columns:
        if _nullable(column):
            terms.append(sa.case((column.is_(None), 0), else_=1))
        terms.append(column)
    return [term.desc() if descends else term.asc() for term in terms]


def after(
    columns: Sequence[Any], last: Sequence[Any], descends: bool
) -> sa.ColumnElement[bool]:
    """Rows that come after the values ``last`` in this order."""
    ways: list[sa.ColumnElement[bool]] = []
    same: list[sa.ColumnElement[bool]] = []
    for column, value in zip(columns, last, strict=True):
        ways.append(sa.and_(*same, _beyond(column, value, descends)))
        same.append(column.is_(None) if value is None else column == value)
    found = sa.or_(*ways)
    if not _nullable(columns[0]):
        # Says nothing new, but gives the index a place to start from.
        first, value = columns[0], last[0]
        return sa.and_(first <= value if descends else first >= value, found)
    return found


def _beyond(column: Any, value: Any, descends: bool) -> sa.ColumnElement[bool]:
    if value is None:
        return sa.false() if descends else column.is_not(None)
    if not descends:
        return column > value  # type: ignore[no-any-return]
    if _nullable(column):
        return sa.or_(column < value, column.is_(None))
    return column < value  # type: ignore[no-any-return]
