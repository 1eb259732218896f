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
"""The GPUs of an offer as a picture: where the squares go. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: More squares than this tell nobody more than a bar does.
MOST_SQUARES = 128
#: Squares in a row, and what one takes with the gap after it.
COLUMNS = 32
STEP = 22
#: Of the bar, in the units of the squares.
WIDTH = COLUMNS * STEP


class State(enum.StrEnum):
    """What is known of a card to who may not know which card it is."""

    FREE = "free"
    IN_USE = "in-use"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cards are in which state."""

    free: int
    in_use: int
    back: int

    @property
    def total(self) -> int:
        return self.free + self.in_use + self.back

    @property
    def counts(self) -> tuple[tuple[State, int], ...]:
        return (
            (State.IN_USE, self.in_use),
            (State.BACK, self.back),
            (State.FREE, self.free),
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle of the picture."""

    state: State
    x: float
    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Picture:
    shapes: tuple[Shape, ...]
    width: int
    height: int
    #: Of each shape.
    side: int


def tally(cards: Mapping[str, int]) -> Tally:
    """:param cards: the counts of an offer; what is neither free nor in use
    is kept back, by a fence or because of its host.
    """
    free, in_use = cards.get("free", 0), cards.get("in_use", 0)
    return Tally(free, in_use, max(cards.get("total", 0) - free - in_use, 0))


def picture(seen: Tally) -> Picture:
    """A square a card; a bar of proportions where they are too many."""
    if seen.total <= MOST_SQUARES:
        shapes = tuple(_squares(seen))
        columns = min(max(seen.total, 1), COLUMNS)
        rows = -(-max(seen.total, 1) // COLUMNS)
        return Picture(shapes, columns * STEP, rows * STEP, STEP - 4)
    return Picture(tuple(_bar(seen)), WIDTH, STEP, STEP - 4)


def _squares(seen: Tally) -> Iterator[Shape]:
    place = 0
    for state, count in seen.counts:
        for _one in range(count):
            row, column = divmod(place, COLUMNS)
            yield Shape(state, column * STEP + 2, row * STEP + 2, STEP - 4)
            place += 1


def _bar(seen: Tally) -> Iterator[Shape]:
    """What there is of a state can be seen, however little it is."""
    x = 2.0
    room = WIDTH - 4.0 - 4 * len(seen.counts)
    for state, count in seen.counts:
        if count:
            width = round(max(room * count / seen.total, 4.0), 1)
            yield Shape(state, round(x, 1), 2, width)
            x += width + 2
