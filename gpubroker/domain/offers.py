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

"""A truthful answer to "how many of N x model can start now, and why not
more?", as a pure function of snapshots."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpubroker.domain import fitting
from gpubroker.domain import holding
from gpubroker.domain import matching
from gpubroker.domain import planning
from gpubroker.domain import reasons
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need
from gpubroker.domain.reasons import Why
from gpubroker.domain.shapes import Question
from gpubroker.domain.shapes import Shape
from gpubroker.domain.snapshots import Snapshot


@dataclass(frozen=True, slots=True)
class Blocked:
    """:param gpus: cards that this keeps out of further orders."""

    reason: Why
    gpus: int
    detail: str


@dataclass(frozen=True, slots=True)
class HostOffer:
    host: str
    free: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """:param available: single-node orders that could start now, one after
        the other.
    :param queued: orders for the same models that wait already; a new one
        comes after them.
    """

    models: tuple[str, ...]
    gpus: int
    available: int
    queued: int
    total: int
    free: int
    in_use: int
    fenced: int
    blocked: tuple[Blocked, ...]
    pools: tuple[str, ...]
    hosts: tuple[HostOffer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one host gives to an offer.

    :param counts: cards by what keeps them back, see ``reasons.count``.
    :param fenced: reasons of fences, on a host that is open.
    :param crowded: free cards that lack CPU, memory, disk or traits.
    :param spread: free cards that are too few together.
    """

    available: int
    counts: Mapping[str, int]
    fenced: Mapping[str, int]
    crowded: int
    spread: int


@dataclass(frozen=True, slots=True)
class Look:
    """A pool with what every offer of it needs, worked out once.

    :param held: what the queue keeps from a new order.
    :param queued: models -> orders that wait for just these.
    :param alike: shape -> one of the hosts without failures that have it,
        and how many do.
    :param apart: hosts with failures: to some projects they are not what
        their shape says.
    """

    snapshot: Snapshot
    held: holding.Held
    queued: Mapping[tuple[str, ...], int]
    alike: Mapping[Shape, tuple[HostView, int]]
    apart: tuple[tuple[HostView, Shape], ...]


def look(snapshot: Snapshot) -> Look:
    alike: dict[Shape, tuple[HostView, int]] = {}
    apart = []
    for host, shape in snapshot.shaped():
        if host.failures:
            apart.append((host, shape))
        else:
            one, count = alike.get(shape, (host, 0))
            alike[shape] = one, count + 1
    return Look(
        snapshot=snapshot,
        held=planning.kept(snapshot),
        queued=collections.Counter(o.models for o in snapshot.orders),
        alike=alike,
        apart=tuple(apart),
    )


def offer(
    looks: Sequence[Look],
    models: Sequence[str],
    need: Need,
    project_id: str = "",
    detail: bool = True,
) -> Offer:
    """One offer over all the pools that a project may use.

    :param project_id: starts of its own that failed on a host may speak
        against the host to it alone.
    :param detail: whether to name the hosts.
    """
    total = _Sum()
    queued = 0
    for seen in looks:
        queued += sum(
            count
            for wanted, count in seen.queued.items()
            if not set(wanted).isdisjoint(models)
        )
        for part, count in _parts(seen, models, need, project_id):
            total.add(part, count)
    counts = total.counts
    return Offer(
        models=tuple(models),
        gpus=need.gpus,
        available=total.available,
        queued=queued,
        total=sum(counts[key] for key in _CARD_STATES),
        free=counts["free"] + counts[Why.BEHIND],
        in_use=counts[Why.IN_USE],
        fenced=counts[Why.FENCED],
        blocked=tuple(_blocked(total, need)),
        pools=tuple(seen.snapshot.pool for seen in looks),
        hosts=tuple(_hosts(looks, models, project_id)) if detail else (),
    )


class _Sum:
    """Parts of many hosts, added up."""

    def __init__(self) -> None:
        self.available = self.crowded = self.spread = 0
        self.counts: collections.Counter[str] = collections.Counter()
        self.fenced: collections.Counter[str] = collections.Counter()

    def add(self, part: Part, times: int) -> None:
        self.available += times * part.available
        self.crowded += times * part.crowded
        self.spread += times * part.spread
        for name, count in part.counts.items():
            self.counts[name] += times * count
        for why, count in part.fenced.items():
            self.fenced[why] += times * count


def _parts(
    seen: Look, models: Sequence[str], need: Need, project_id: str
) -> Iterable[tuple[Part, int]]:
    blocks = tuple(
        fitting.frozen(seen.snapshot.blocks.get(model, ())) for model in models
    )
    # One for each set of models that the queue may keep, most often none.
    asked: dict[tuple[str, ...], Question] = {}

    def answer(host: HostView, shape: Shape) -> Part:
        """Of the host as it is to a new order: behind those that wait."""
        held = tuple(m for m in models if seen.held.keeps(m, host))
        if held not in asked:
            asked[held] = Question(tuple(models), blocks, need, held)
        return shape.answer(
            asked[held],
            lambda one: _part(_without(one, held), models, blocks, need),
        )

    for shape, (host, count) in seen.alike.items():
        yield answer(host, shape), count
    for host, shape in seen.apart:
        mine = planning.seen_by(host, seen.snapshot.now, project_id)
        yield answer(mine, shape if mine is host else Shape(mine)), 1


def _part(
    host: HostView,
    models: Sequence[str],
    blocks: Sequence[matching.Blocks],
    need: Need,
) -> Part:
    available, left = fitting.fill(host, models, blocks, need)
    counts = reasons.count([host], models)
    crowded, spread = _left_over(left, models, need)
    return Part(
        available=available,
        counts={name: count for name, count in counts.items() if count},
        fenced=_reasons(host, models),
        crowded=crowded,
        spread=spread,
    )


_CARD_STATES = (
    "free",
    Why.BEHIND.value,
    Why.IN_USE.value,
    Why.FENCED.value,
    Why.HOST_DOWN.value,
    Why.SUSPECT.value,
    Why.OBSERVED.value,
)


def _without(host: HostView, kept: Collection[str]) -> HostView:
    """The host with its free cards of some models kept for others."""
    if not kept:
        return host
    cards = tuple(
        dataclasses.replace(card, availability=matching.Availability.KEPT)
        if card.free and card.model in kept
        else card
        for card in host.cards
    )
    return dataclasses.replace(host, cards=cards)


def _blocked(total: _Sum, need: Need) -> Iterable[Blocked]:
    counts = total.counts
    if not any(counts[key] for key in _CARD_STATES):
        yield Blocked(Why.NO_HOST, 0, "No host offers this GPU.")
        return
    for why, words in _WORDS.items():
        if counts[why]:
            yield Blocked(why, counts[why], _cards(counts[why], words))
    fenced = counts[Why.FENCED]
    if fenced:
        named = ", ".join(
            f"{total.fenced[why]} {why}" for why in sorted(total.fenced)
        )
        yield Blocked(
            Why.FENCED, fenced, _cards(fenced, f"held back ({named})")
        )
    if total.crowded:
        words = "free on hosts with too little CPU, memory or disk left"
        if need.traits:
            words += ", or without the flavor's traits"
        yield Blocked(
            Why.CPU_MEMORY, total.crowded, _cards(total.crowded, words)
        )
    if total.spread:
        words = f"free, but not {need.gpus} together"
        yield Blocked(
            Why.FRAGMENTED, total.spread, _cards(total.spread, words)
        )


_WORDS = {
    Why.BEHIND: "free, and kept for orders that wait already",
    Why.IN_USE: "in use",
    Why.HOST_DOWN: "on hosts that are down",
    Why.SUSPECT: "on hosts where starts failed lately",
    Why.OBSERVED: "on hosts that the broker only observes",
}


def _cards(count: int, words: str) -> str:
    return f"{count} {'card is' if count == 1 else 'cards are'} {words}"


def _reasons(host: HostView, models: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    if host.state is not matching.HostState.OPEN:
        return found
    for card in host.cards:
        if (
            card.model in models
            and card.availability is matching.Availability.FENCED
        ):
            found[card.why] = found.get(card.why, 0) + 1
    return found


def _left_over(
    after: HostView, models: Sequence[str], need: Need
) -> tuple[int, int]:
    """Free cards that no further order can use: (crowded, spread)."""
    if after.state is not matching.HostState.OPEN:
        return 0, 0
    free = sum(1 for c in after.cards if c.free and c.model in models)
    if free and not matching.has_room(after, need):
        return free, 0
    return 0, free


def _hosts(
    looks: Sequence[Look], models: Sequence[str], project_id: str
) -> Iterable[HostOffer]:
    """Cards that are kept for orders that wait are free all the same."""
    for seen in looks:
        for found in seen.snapshot.hosts:
            host = planning.seen_by(found, seen.snapshot.now, project_id)
            cards = [c for c in host.cards if c.model in models]
            free = [c for c in cards if c.free]
            if cards:
                yield HostOffer(
                    host.name,
                    len(free) if host.state is matching.HostState.OPEN else 0,
                    tuple(card.address for card in free),
                )
