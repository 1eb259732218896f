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

"""A census counts what there is: cards, leases that are open, hosts, pools.

Counts and times alone: no project, lease or serial can be told from it.
"""

from __future__ import annotations

import datetime
import enum
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain.fences import Reason


class Use(enum.StrEnum):
    """What becomes of a card now; each card is in one of them."""

    FREE = "free"
    """Nothing about the card keeps it from being given out."""
    LEASED = "leased"
    """A lease has claimed it."""
    OUTSIDE = "used_outside"
    """Placement shows it used, and no lease has claimed it."""
    SICK = "sick"
    """Unused, and BAD or fenced for its health."""
    FENCED = "fenced"
    """Unused, and kept back for another reason, or still closed."""
    VANISHED = "vanished"
    """Nobody sees it any more."""
    UNKNOWN = "unknown"
    """Of no known model, or not to be found in Placement as one card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cards:
    """How many cards of a pool are alike.

    :param model: none: it is of no known one.
    :param placed: whether Placement shows it as a card, at a slot.
    :param reserved: whether Placement shows it closed.
    """

    pool: str
    model: str | None
    state: devices.State
    health: devices.Health
    claimed: bool
    used: bool
    placed: bool
    reserved: bool
    fences: frozenset[Reason]
    count: int

    @property
    def use(self) -> Use:
        """What is true of the card whatever else is comes first."""
        if self.state is devices.State.VANISHED:
            return Use.VANISHED
        if self.claimed:
            return Use.LEASED
        if self.used:
            return Use.OUTSIDE
        if self.health is devices.Health.BAD or Reason.HEALTH in self.fences:
            return Use.SICK
        if self.fences:
            return Use.FENCED
        if self.model is None or not self.placed:
            return Use.UNKNOWN
        return Use.FENCED if self.reserved else Use.FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Leases of a pool in one state that is not final.

    :param held: whether they wait for their users' rights and so have no
        place in the queue.
    :param oldest: when the first of them was ordered.
    """

    pool: str
    state: leases.State
    held: bool
    count: int
    gpus: int
    oldest: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """:param enrolled: whether it has an agent that may report.
    :param heard_at: the agent's last report; none: it never came."""

    name: str
    pool: str
    mode: hosts.Mode
    compute_state: hosts.ComputeState
    enrolled: bool
    heard_at: datetime.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """:param owned: whether a worker looks after it."""

    name: str
    owned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """:param at: when it was taken, by the clock that all workers share.
    :param workers: how many work.
    """

    at: datetime.datetime
    cards: tuple[Cards, ...]
    leases: tuple[Open, ...]
    hosts: tuple[Host, ...]
    pools: tuple[Pool, ...]
    workers: int


Key = tuple[str, str, str]


def by_use(cards: Iterable[Cards]) -> Counter[Key]:
    """(pool, model, use) -> cards; each use of a model that a pool has, so
    that a number that falls to 0 says so."""
    return _counted(
        cards, [use.value for use in Use], lambda some: [some.use.value]
    )


def by_fence(cards: Iterable[Cards]) -> Counter[Key]:
    """(pool, model, reason) -> cards; one with two fences counts twice."""
    return _counted(
        cards,
        [reason.value for reason in Reason],
        lambda some: [reason.value for reason in some.fences],
    )


def by_health(cards: Iterable[Cards]) -> Counter[Key]:
    """(pool, model, health) -> cards that are there."""
    return _counted(
        cards,
        [health.value for health in devices.Health],
        lambda some: (
            [some.health.value] if some.state is devices.State.PRESENT else []
        ),
    )


def by_state(found: Census) -> Counter[tuple[str, str]]:
    """(pool, state) -> leases that are not over."""
    counted = Counter(
        {
            (pool.name, state.value): 0
            for pool in found.pools
            for state in leases.State
            if state not in leases.FINAL
        }
    )
    for some in found.leases:
        counted[some.pool, some.state.value] += some.count
    return counted


def queues(found: Census) -> dict[str, Open | None]:
    """What waits in each pool with a place in its queue."""
    waiting: dict[str, Open | None] = {pool.name: None for pool in found.pools}
    for some in found.leases:
        if some.state is leases.State.QUEUED and not some.held:
            waiting[some.pool] = some
    return waiting


def _counted(
    cards: Iterable[Cards],
    every: list[str],
    of: Callable[[Cards], list[str]],
) -> Counter[Key]:
    counted: Counter[Key] = Counter()
    for some in cards:
        model = some.model or ""
        counted.update({(some.pool, model, each): 0 for each in every})
        for each in of(some):
            counted[some.pool, model, each] += some.count
    return counted
