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

"""Who starts next, and where: the plan of a pool.

A pure function of a snapshot. First come, first served per kind of card: an
order that waits for cards keeps every later order for the same models
waiting, too, unless it could not start even in an otherwise empty pool.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gpubroker.domain import matching
from gpubroker.domain.matching import Availability
from gpubroker.domain.matching import Choice
from gpubroker.domain.matching import HostState
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need


class Why(enum.StrEnum):
    """What keeps an order, or a card, back."""

    IN_USE = "in_use"
    FENCED = "fenced"
    FRAGMENTED = "fragmented"
    CPU_MEMORY = "cpu_memory"
    HOST_DOWN = "host_down"
    OBSERVED = "observed"
    NO_HOST = "no_host"
    BEHIND = "behind"
    RETRY = "retry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A lease that waits, as the plan sees it."""

    lease_id: str
    models: tuple[str, ...]
    need: Need
    nodes: int = 1
    not_before: datetime.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A pool at one moment.

    :param hosts: in the fixed order that breaks ties.
    :param orders: the queue, head first.
    :param blocks: model -> valid sets of slots.
    """

    pool: str
    now: datetime.datetime
    hosts: tuple[HostView, ...]
    orders: tuple[Order, ...] = ()
    blocks: Mapping[str, Sequence[Sequence[int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodePlan:
    index: int
    host: str
    model: str
    device_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Start:
    lease_id: str
    nodes: tuple[NodePlan, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """:param message: a sentence for the user; names no host or card."""

    lease_id: str
    why: Why
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    starts: tuple[Start, ...]
    waits: tuple[Wait, ...]


def plan(snapshot: Snapshot) -> Plan:
    """Decide about every waiting order of the pool."""
    hosts = {host.name: host for host in snapshot.hosts}
    held: dict[str, int] = {}
    starts: list[Start] = []
    waits: list[Wait] = []
    for order in snapshot.orders:
        if order.not_before and order.not_before > snapshot.now:
            waits.append(_retry(order))
            # Its place in the queue is what it keeps meanwhile.
            if _could_start_when_empty(snapshot, order):
                _hold(held, order)
            continue
        ahead = max((held.get(m, 0) for m in order.models), default=0)
        if ahead:
            waits.append(_behind(order, ahead))
            _hold(held, order)
            continue
        placed = place(hosts, order, snapshot.blocks)
        if placed is not None:
            nodes, hosts = placed
            starts.append(Start(order.lease_id, nodes))
            continue
        why, message = explain(hosts.values(), order, snapshot.blocks)
        waits.append(Wait(order.lease_id, why, message))
        if _could_start_when_empty(snapshot, order):
            _hold(held, order)
    return Plan(tuple(starts), tuple(waits))


def place(
    hosts: Mapping[str, HostView],
    order: Order,
    blocks: Mapping[str, Sequence[Sequence[int]]],
) -> tuple[tuple[NodePlan, ...], dict[str, HostView]] | None:
    """All nodes of an order on one model, or ``None``: all or none."""
    for model in order.models:
        left = dict(hosts)
        nodes: list[NodePlan] = []
        for index in range(order.nodes):
            choice = best(left.values(), model, blocks, order.need)
            if choice is None:
                break
            left[choice.host] = matching.take(
                left[choice.host], choice, order.need
            )
            nodes.append(
                NodePlan(index, choice.host, model, choice.device_ids)
            )
        if len(nodes) == order.nodes:
            return tuple(nodes), left
    return None


def best(
    hosts: Iterable[HostView],
    model: str,
    blocks: Mapping[str, Sequence[Sequence[int]]],
    need: Need,
) -> Choice | None:
    """The host to use: an aligned block first, then the fullest host (best
    fit), then the least broken up, then the fixed order of the hosts."""
    chosen: Choice | None = None
    rank: tuple[int, int, int] | None = None
    for host in hosts:
        choice = matching.choose(host, model, blocks.get(model, ()), need)
        if choice is None:
            continue
        this = (0 if choice.aligned else 1, choice.left, choice.broken)
        if rank is None or this < rank:
            chosen, rank = choice, this
    return chosen


def ever_fits(snapshot: Snapshot, order: Order) -> str | None:
    """``None``, or the sentence that says why it never can start here."""
    ideal = {host.name: host.ideal() for host in snapshot.hosts}
    if place(ideal, order, snapshot.blocks) is not None:
        return None
    models = " or ".join(order.models)
    cards = [
        (host, sum(1 for c in host.cards if c.model in order.models))
        for host in ideal.values()
        if host.state is HostState.OPEN and matching.in_zone(host, order.need)
    ]
    most = max((count for _host, count in cards), default=0)
    where = f"pool {snapshot.pool}"
    if order.need.zone:
        where += f" in zone {order.need.zone}"
    if most == 0:
        return f"No host of {where} offers {models}."
    if most < order.need.gpus:
        return (
            f"{order.need.gpus} x {models} on one host is more than any "
            f"host of {where} has ({most})."
        )
    enough = [host for host, count in cards if count >= order.need.gpus]
    if not any(matching.has_room(host, order.need) for host in enough):
        return (
            "No host with these GPUs has the CPU, memory, disk or traits "
            "that the flavor asks for."
        )
    if order.nodes > 1:
        return (
            f"{order.nodes} nodes of {order.need.gpus} x {models} are more "
            f"than {where} has, even when empty."
        )
    return (
        f"No host of {where} has {order.need.gpus} x {models} "
        "in one block, which the flavor requires."
    )


def explain(
    hosts: Iterable[HostView],
    order: Order,
    blocks: Mapping[str, Sequence[Sequence[int]]],
) -> tuple[Why, str]:
    """Why an order can not start now, most telling reason first."""
    views = [host for host in hosts if matching.in_zone(host, order.need)]
    counts = count(views, order.models)
    what = f"{order.need.gpus} x {' or '.join(order.models)}"
    if order.nodes > 1:
        what = f"{order.nodes} nodes with {what} each"
    else:
        what += " on one host"
    if order.need.zone:
        what += f" in zone {order.need.zone}"
    state = _state_sentence(counts)
    wanted = order.need.gpus * order.nodes
    if counts[Why.FRAGMENTED] >= wanted and counts["free"] >= wanted:
        if not any(
            matching.has_room(h, order.need)
            for h in views
            if any(c.free and c.model in order.models for c in h.cards)
        ):
            return Why.CPU_MEMORY, (
                f"Waits for {what}: the hosts with free cards have too "
                f"little CPU, memory or disk left. {state}"
            )
        return Why.FRAGMENTED, (
            f"Waits for {what}: the free cards are spread over hosts or "
            f"blocks. {state}"
        )
    for why in (Why.IN_USE, Why.FENCED, Why.HOST_DOWN, Why.OBSERVED):
        if counts[why]:
            return why, f"Waits for {what}. {state}"
    return Why.NO_HOST, f"Waits for {what}: no host offers it at present."


def count(hosts: Sequence[HostView], models: Sequence[str]) -> dict[str, int]:
    """Cards of the models by what keeps them back; ``free`` and
    ``fragmented`` both count the free ones."""
    found = dict.fromkeys([why.value for why in Why], 0)
    found["free"] = 0
    for host in hosts:
        for card in host.cards:
            if card.model not in models:
                continue
            if host.state is not HostState.OPEN:
                found[host.state.value] += 1
            elif card.free:
                found["free"] += 1
                found[Why.FRAGMENTED] += 1
            elif card.availability is Availability.IN_USE:
                found[Why.IN_USE] += 1
            else:
                found[Why.FENCED] += 1
    return found


def _state_sentence(counts: Mapping[str, int]) -> str:
    words = {
        "free": "free",
        Why.IN_USE.value: "in use",
        Why.FENCED.value: "held back",
        Why.HOST_DOWN.value: "on hosts that are down",
        Why.OBSERVED.value: "on hosts that are only observed",
    }
    parts = [
        f"{counts[key]} {word}"
        for key, word in words.items()
        if counts[key] or key == "free"
    ]
    return "Cards: " + ", ".join(parts) + "."


def _retry(order: Order) -> Wait:
    assert order.not_before is not None  # noqa: S101 - for the type checker
    when = order.not_before.strftime("%H:%M:%S")
    return Wait(
        order.lease_id,
        Why.RETRY,
        f"The last start did not succeed; tried again after {when} UTC.",
    )


def _behind(order: Order, ahead: int) -> Wait:
    orders = "order" if ahead == 1 else "orders"
    return Wait(
        order.lease_id,
        Why.BEHIND,
        f"Waits behind {ahead} earlier {orders} for the same GPUs.",
    )


def _hold(held: dict[str, int], order: Order) -> None:
    for model in order.models:
        held[model] = held.get(model, 0) + 1


def _could_start_when_empty(snapshot: Snapshot, order: Order) -> bool:
    empty = {host.name: host.emptied() for host in snapshot.hosts}
    return place(empty, order, snapshot.blocks) is not None
