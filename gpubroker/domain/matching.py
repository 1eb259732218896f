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

"""Which cards of a host suit an order, and which of them to take.

Pure: a host's view in, a choice out. All orders of ties are fixed, so that
the same snapshot always gives the same choice (A 7.5).
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gpubroker.domain.failures import Failure
from gpubroker.domain.flavors import Topology

#: Above this many free cards a host's sets are not enumerated: 10 over 5 is
#: 252 sets, 16 over 8 would be 12,870.
_ENUMERATE = 10


class Availability(enum.StrEnum):
    """Why a card can or can not be given out now."""

    FREE = "free"
    IN_USE = "in_use"
    FENCED = "fenced"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Card:
    device_id: str
    model: str
    slot: int
    numa_node: int | None
    availability: Availability
    why: str = ""
    address: str = ""

    @property
    def free(self) -> bool:
        return self.availability is Availability.FREE


class HostState(enum.StrEnum):
    OPEN = "open"
    DOWN = "host_down"
    SUSPECT = "suspect"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class HostView:
    """A host as a plan sees it; room in vCPUs, MiB and GiB.

    ``*_total`` is what an empty host would have for leases.

    :param zone: Nova's availability zone; empty while that is not known.
    :param failures: starts that failed there lately; ``state`` tells only
        what they mean to everybody.
    """

    name: str
    state: HostState
    why: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    vcpus_total: int
    ram_mib_total: int
    disk_gib_total: int
    traits: frozenset[str]
    cards: tuple[Card, ...]
    zone: str = ""
    failures: tuple[Failure, ...] = ()

    def emptied(self) -> HostView:
        """The host with nothing in use and its fences as they are."""
        return replace(
            self,
            vcpus=self.vcpus_total,
            ram_mib=self.ram_mib_total,
            disk_gib=self.disk_gib_total,
            cards=tuple(
                replace(card, availability=Availability.FREE)
                if card.availability is Availability.IN_USE
                else card
                for card in self.cards
            ),
        )

    def ideal(self) -> HostView:
        """The host up, empty and with every card in order."""
        passing = (HostState.DOWN, HostState.SUSPECT)
        return replace(
            self.emptied(),
            state=HostState.OPEN if self.state in passing else self.state,
            cards=tuple(
                replace(card, availability=Availability.FREE)
                for card in self.cards
            ),
        )


@dataclass(frozen=True, slots=True)
class Need:
    """What one node of an order asks of a host.

    :param zone: the only availability zone that will do; none = any.
    """

    gpus: int
    vcpus: int = 0
    ram_mib: int = 0
    disk_gib: int = 0
    topology: Topology = Topology.PREFER
    traits: frozenset[str] = frozenset()
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """:param aligned: the cards are one block of the board, or share a NUMA
        node where the board has no blocks.
    :param broken: free cards of whole blocks that this choice breaks up.
    """

    host: str
    model: str
    device_ids: tuple[str, ...]
    aligned: bool
    broken: int
    left: int


Blocks = Sequence[Sequence[int]]


def in_zone(host: HostView, zone: str | None) -> bool:
    """Whether Nova would let an order for this zone go there."""
    return not zone or zone == host.zone


def has_room(host: HostView, need: Need) -> bool:
    """Whether CPU, memory, disk and traits are enough for one node."""
    return (
        host.vcpus >= need.vcpus
        and host.ram_mib >= need.ram_mib
        and host.disk_gib >= need.disk_gib
        and need.traits <= host.traits
    )


def choose(
    host: HostView, model: str, blocks: Blocks, need: Need
) -> Choice | None:
    """The cards to take on this host, or ``None`` where it does not fit."""
    if host.state is not HostState.OPEN or not in_zone(host, need.zone):
        return None
    if not has_room(host, need):
        return None
    free = [c for c in host.cards if c.free and c.model == model]
    if len(free) < need.gpus:
        return None
    best: tuple[tuple[int, int, tuple[int, ...]], Sequence[Card]] | None = None
    for cards in _sets(free, blocks, need.gpus):
        aligned = is_aligned(cards, blocks)
        if need.topology is Topology.REQUIRE and not aligned:
            continue
        rank = (
            0 if aligned or need.topology is Topology.ANY else 1,
            _broken(free, cards, blocks),
            tuple(card.slot for card in cards),
        )
        if best is None or rank < best[0]:
            best = (rank, cards)
    if best is None:
        return None
    rank, cards = best
    return Choice(
        host=host.name,
        model=model,
        device_ids=tuple(card.device_id for card in cards),
        aligned=is_aligned(cards, blocks),
        broken=rank[1],
        left=len(free) - need.gpus,
    )


def is_aligned(cards: Sequence[Card], blocks: Blocks) -> bool:
    """One valid block of the board; without blocks: one NUMA node."""
    if len(cards) == 1:
        return True
    if blocks:
        slots = {card.slot for card in cards}
        return any(slots == set(block) for block in blocks)
    nodes = {card.numa_node for card in cards}
    return len(nodes) == 1 and None not in nodes


def take(host: HostView, choice: Choice, need: Need) -> HostView:
    """The host after the choice was given out."""
    taken = set(choice.device_ids)
    return replace(
        host,
        vcpus=host.vcpus - need.vcpus,
        ram_mib=host.ram_mib - need.ram_mib,
        disk_gib=host.disk_gib - need.disk_gib,
        cards=tuple(
            replace(card, availability=Availability.IN_USE)
            if card.device_id in taken
            else card
            for card in host.cards
        ),
    )


def _sets(
    free: Sequence[Card], blocks: Blocks, count: int
) -> Iterable[Sequence[Card]]:
    ordered = sorted(free, key=lambda card: card.slot)
    if len(ordered) <= _ENUMERATE:
        yield from itertools.combinations(ordered, count)
        return
    by_slot = {card.slot: card for card in ordered}
    for block in blocks:
        if len(block) == count and all(slot in by_slot for slot in block):
            yield [by_slot[slot] for slot in sorted(block)]
    by_node: dict[int | None, list[Card]] = {}
    for card in ordered:
        by_node.setdefault(card.numa_node, []).append(card)
    for cards in by_node.values():
        if len(cards) >= count:
            yield cards[:count]
    yield ordered[:count]


def _broken(
    free: Sequence[Card], cards: Sequence[Card], blocks: Blocks
) -> int:
    """Free cards in blocks that were whole and would no longer be.

    Small is good: a single card is taken from a pair that is already in
    use rather than from a whole quad (buddy allocation, P 2.4).
    """
    slots = {card.slot for card in free}
    taken = {card.slot for card in cards}
    groups: Blocks = blocks or _nodes(free)
    return sum(
        len(group)
        for group in groups
        if slots.issuperset(group)
        and not taken.isdisjoint(group)
        and not taken.issuperset(group)
    )


def _nodes(free: Sequence[Card]) -> list[list[int]]:
    groups: dict[int | None, list[int]] = {}
    for card in free:
        groups.setdefault(card.numa_node, []).append(card.slot)
    return list(groups.values())
