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

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpubroker.domain import matching
from gpubroker.domain import planning
from gpubroker.domain import reasons
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need
from gpubroker.domain.planning import Snapshot
from gpubroker.domain.reasons import Why


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


def offer(
    snapshots: Sequence[Snapshot],
    models: Sequence[str],
    need: Need,
    project_id: str = "",
) -> Offer:
    """One offer over all the pools that a project may use.

    :param project_id: starts of its own that failed on a host may speak
        against the host to it alone.
    """
    available = queued = 0
    before: list[HostView] = []
    after: list[HostView] = []
    for snapshot in snapshots:
        hosts = _hosts_of(snapshot, models, project_id)
        found, left = _fill(hosts, snapshot.blocks, models, need)
        available += found
        queued += sum(
            1 for o in snapshot.orders if set(o.models) & set(models)
        )
        before.extend(hosts)
        after.extend(left)
    counts = reasons.count(before, models)
    kept = counts[Why.BEHIND]
    return Offer(
        models=tuple(models),
        gpus=need.gpus,
        available=available,
        queued=queued,
        total=sum(counts[key] for key in _CARD_STATES),
        free=counts["free"] + kept,
        in_use=counts[Why.IN_USE],
        fenced=counts[Why.FENCED],
        blocked=tuple(_blocked(counts, before, after, models, need)),
        pools=tuple(snapshot.pool for snapshot in snapshots),
        hosts=tuple(_hosts(before, models)),
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


def _hosts_of(
    snapshot: Snapshot, models: Sequence[str], project_id: str
) -> list[HostView]:
    """The pool as it is to a new order: behind those that wait already."""
    held = planning.kept(snapshot, models)
    return [
        _without(
            planning.seen_by(host, snapshot.now, project_id),
            {model for model in models if held.keeps(model, host)},
        )
        for host in snapshot.hosts
    ]


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


def _fill(
    hosts: Sequence[HostView],
    blocks_of: Mapping[str, matching.Blocks],
    models: Sequence[str],
    need: Need,
) -> tuple[int, list[HostView]]:
    """Give out one order after the other until none fits.

    An order of one node takes nothing from another host, so that each host
    can be filled by itself.
    """
    found = 0
    left = []
    for host in hosts:
        for model in models:
            blocks = blocks_of.get(model, ())
            while choice := matching.choose(host, model, blocks, need):
                host = matching.take(host, choice, need)
                found += 1
        left.append(host)
    return found, left


def _blocked(
    counts: Mapping[str, int],
    before: Sequence[HostView],
    after: Sequence[HostView],
    models: Sequence[str],
    need: Need,
) -> Iterable[Blocked]:
    if not any(counts[key] for key in _CARD_STATES):
        yield Blocked(Why.NO_HOST, 0, "No host offers this GPU.")
        return
    for why, words in _WORDS.items():
        if counts[why]:
            yield Blocked(why, counts[why], _cards(counts[why], words))
    fenced = counts[Why.FENCED]
    if fenced:
        reasons = _reasons(before, models)
        yield Blocked(
            Why.FENCED, fenced, _cards(fenced, f"held back ({reasons})")
        )
    crowded, spread = _left_over(after, models, need)
    if crowded:
        words = "free on hosts with too little CPU, memory or disk left"
        if need.traits:
            words += ", or without the flavor's traits"
        yield Blocked(Why.CPU_MEMORY, crowded, _cards(crowded, words))
    if spread:
        words = f"free, but not {need.gpus} together"
        yield Blocked(Why.FRAGMENTED, spread, _cards(spread, words))


_WORDS = {
    Why.BEHIND: "free, and kept for orders that wait already",
    Why.IN_USE: "in use",
    Why.HOST_DOWN: "on hosts that are down",
    Why.SUSPECT: "on hosts where starts failed lately",
    Why.OBSERVED: "on hosts that the broker only observes",
}


def _cards(count: int, words: str) -> str:
    return f"{count} {'card is' if count == 1 else 'cards are'} {words}"


def _reasons(hosts: Sequence[HostView], models: Sequence[str]) -> str:
    found: dict[str, int] = {}
    for host in hosts:
        if host.state is not matching.HostState.OPEN:
            continue
        for card in host.cards:
            if (
                card.model in models
                and card.availability is matching.Availability.FENCED
            ):
                found[card.why] = found.get(card.why, 0) + 1
    return ", ".join(f"{found[why]} {why}" for why in sorted(found))


def _left_over(
    after: Sequence[HostView], models: Sequence[str], need: Need
) -> tuple[int, int]:
    """Free cards that no further order can use: (crowded, spread)."""
    crowded = spread = 0
    for host in after:
        if host.state is not matching.HostState.OPEN:
            continue
        free = sum(1 for c in host.cards if c.free and c.model in models)
        if free and not matching.has_room(host, need):
            crowded += free
        else:
            spread += free
    return crowded, spread


def _hosts(
    hosts: Sequence[HostView], models: Sequence[str]
) -> Iterable[HostOffer]:
    for host in hosts:
        cards = [c for c in host.cards if c.model in models]
        if cards:
            free = [
                c
                for c in cards
                if c.free or c.availability is matching.Availability.KEPT
            ]
            yield HostOffer(
                host.name,
                len(free) if host.state is matching.HostState.OPEN else 0,
                tuple(card.address for card in free),
            )
