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

"""Cells that read well in a table and stay data in ``-f json``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cliff import columns

#: Field names and values of one thing, as cliff wants them.
Record = tuple[tuple[str, ...], tuple[Any, ...]]

#: Headers and rows of a list, as cliff wants them.
Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]


class Human(columns.FormattableColumn[Any]):
    """A value together with the words that stand for it in a table."""

    def __init__(self, value: Any, words: str) -> None:
        super().__init__(value)
        self._words = words

    def human_readable(self) -> str:
        return self._words

    def machine_readable(self) -> Any:
        return self._value


def words_of(value: Any) -> str:
    """What a table shows for a cell."""
    return value.human_readable() if isinstance(value, Human) else str(value)


@dataclass(frozen=True)
class Column:
    """One column of a list.

    :param value: name of the attribute, or what makes the cell of an item.
    :param long: whether it is shown with ``--long`` only.
    """

    header: str
    value: str | Callable[[Any], Any]
    long: bool = False

    def cell(self, item: Any) -> Any:
        if isinstance(self.value, str):
            return cell(getattr(item, self.value))
        return self.value(item)


def cell(value: Any) -> Any:
    """A cell for a value of the API as it is."""
    if value is None:
        return Human(None, "")
    if isinstance(value, list | tuple):
        return words(value)
    if isinstance(value, dict):
        return pairs(value)
    return value


def words(values: Iterable[Any] | None, separator: str = ", ") -> Human:
    """A list, in its own order."""
    kept = list(values or ())
    return Human(kept, separator.join(str(value) for value in kept))


def lines(values: Iterable[Any] | None) -> Human:
    """A list, one entry a line."""
    return words(values, "\n")


def pairs(values: dict[str, Any] | None) -> Human:
    """A dictionary, one ``key=value`` a line; nothing for what is null."""
    kept = dict(values or {})
    told = [f"{k}={v}" for k, v in kept.items() if v is not None]
    return Human(kept, "\n".join(told))


def table(
    items: Iterable[Any], chosen: Sequence[Column], long: bool = False
) -> Table:
    shown = [column for column in chosen if long or not column.long]
    rows = [tuple(column.cell(item) for column in shown) for item in items]
    return tuple(column.header for column in shown), rows


def record(
    item: Any,
    names: Sequence[str],
    special: dict[str, Callable[[Any], Any]] | None = None,
) -> Record:
    """:param special: what makes the cell of a field, from the whole item."""
    makers = special or {}
    return tuple(names), tuple(
        makers[name](item) if name in makers else cell(getattr(item, name))
        for name in names
    )
