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
order that waits for cards keeps them from every later order, on each host
that it could use, unless it could not start even in an otherwise empty pool.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpubroker.domain import failures
from gpubroker.domain import fitting
from gpubroker.domain import holding
from gpubroker.domain import matching
from gpubroker.domain import reasons
from gpubroker.domain.matching import Choice
from gpubroker.domain.matching import HostState
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need
from gpubroker.domain.reasons import Why
from gpubroker.domain.shapes import Question
from gpubroker.domain.shapes import Shape
from gpubroker.domain.shapes import Shapes
from gpubroker.domain.snapshots import Order
from gpubroker.domain.snapshots import Snapshot


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


Barred = Callable[[str, HostView], bool]
#: Small is good.
Rank = tuple[int, int, int]
Ranked = Callable[[HostView], Rank | None]
Glance = Callable[[Question, HostView, Ranked], Rank | None]
Placed = tuple[tuple[NodePlan, ...], dict[str, HostView]]


def plan(snapshot: Snapshot) -> Plan:
    """Decide about every waiting order of the pool."""
    planning = Planning(snapshot)
    for order in snapshot.orders:
        planning.decide(order)
    return Plan(tuple(planning.starts), tuple(planning.waits))


def starts_now(snapshot: Snapshot, order: Order) -> bool:
    """Whether a new order would be started by the next plan."""
    found = plan(
        dataclasses.replace(snapshot, orders=(*snapshot.orders, order))
    )
    return any(start.lease_id == order.lease_id for start in found.starts)


def kept(snapshot: Snapshot) -> holding.Held:
    """What the queue keeps from a new order."""
    planning = Planning(snapshot)
    failed = {f.lease_id for host in snapshot.hosts for f in host.failures}
    seen: set[object] = set()
    for order in snapshot.orders:
        # Of a long queue most are alike.
        own = order.lease_id if order.lease_id in failed else ""
        kind = (order.models, order.need, order.nodes, order.project_id, own)
        if kind not in seen:
            seen.add(kind)
            planning.hold(order)
    return planning.held


class Glances:
    """Ranks hosts that are alike once, while a plan changes some."""

    def __init__(self, shaped: Iterable[tuple[HostView, Shape]]) -> None:
        self._shapes = Shapes()
        self._last = {host.name: (host, shape) for host, shape in shaped}

    def __call__(
        self, asked: Question, host: HostView, ranked: Ranked
    ) -> Rank | None:
        last, shape = self._last[host.name]
        if last is not host:
            shape = self._shapes.of(host)
            self._last[host.name] = (host, shape)
        return shape.answer(asked, ranked)


class Planning:
    """The pool as it is after the orders so far were decided about."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.starts: list[Start] = []
        self.waits: list[Wait] = []
        self._snapshot = snapshot
        self._now = snapshot.now
        self._blocks = snapshot.blocks
        self._hosts = {host.name: host for host in snapshot.hosts}
        self._failed = [host for host in snapshot.hosts if host.failures]
        self.held = holding.Held()
        self._fits: dict[object, bool] = {}

    @functools.cached_property
    def _glances(self) -> Glance:
        return Glances(self._shaped)

    @functools.cached_property
    def _shaped(self) -> list[tuple[HostView, Shape]]:
        return list(self._snapshot.shaped())

    def decide(self, order: Order) -> None:
        its = holding.reach(order.need, self._avoided(order))
        later = self._later(order)
        placed = None
        if later is None and not self.held.keeps_all(order.models, its):
            placed = self._place(order, its)
        if placed is not None:
            nodes, self._hosts = placed
            self.starts.append(Start(order.lease_id, nodes))
            return
        wait = self._wait(order, its) if later is None else later
        self.waits.append(wait)
        self.hold(order)

    def hold(self, order: Order) -> None:
        """Keep for it what it could use in an otherwise empty pool: its
        place in the queue is what it has while it waits."""
        its = holding.reach(order.need, self._avoided(order))
        if self._could_start_when_empty(order, its):
            self.held.hold(order.models, its)

    def _later(self, order: Order) -> Wait | None:
        when = order.not_before
        if when is None or when <= self._now:
            return None
        return _retry(order, when)

    def _avoided(self, order: Order) -> frozenset[str]:
        return frozenset(
            host.name
            for host in self._failed
            if self._seen(host, order).state is HostState.SUSPECT
        )

    def _seen(self, host: HostView, order: Order) -> HostView:
        return seen_by(host, self._now, order.project_id, order.lease_id)

    def _place(self, order: Order, its: holding.Reach) -> Placed | None:
        """Elsewhere than where it failed before, if that can be."""
        before = {
            host.name
            for host in self._failed
            if failures.of_lease(host.failures, order.lease_id)
        }

        def barred(model: str, host: HostView) -> bool:
            return host.name in its.avoids or self.held.keeps(model, host)

        def barred_or_failed(model: str, host: HostView) -> bool:
            return host.name in before or barred(model, host)

        placed = None
        if before:
            placed = self._try(order, barred_or_failed)
        return placed or self._try(order, barred)

    def _wait(self, order: Order, its: holding.Reach) -> Wait:
        ahead = self.held.ahead(order.models, its)
        if ahead:
            return _behind(order, ahead)
        when = self._own_failure(order, its)
        if when is not None:
            return _retry(order, when)
        views = [self._seen(host, order) for host in self._hosts.values()]
        why, message = reasons.explain(
            views, order.models, order.need, order.nodes
        )
        return Wait(order.lease_id, why, message)

    def _own_failure(
        self, order: Order, its: holding.Reach
    ) -> datetime.datetime | None:
        """When the order may come back, where nothing else would do."""
        own = {
            host.name: found.until
            for host in self._failed
            if (found := failures.of_lease(host.failures, order.lease_id))
            and found.until > self._now
        }
        if not own or self._could_start_when_empty(order, its):
            return None
        later = dataclasses.replace(its, avoids=its.avoids.difference(own))
        if not self._could_start_when_empty(order, later):
            return None
        return min(own.values())

    def _try(self, order: Order, barred: Barred) -> Placed | None:
        return place(self._hosts, order, self._blocks, barred, self._glances)

    def _could_start_when_empty(
        self, order: Order, its: holding.Reach
    ) -> bool:
        # Of a long queue most are alike.
        key = (order.models, order.need, order.nodes, its.avoids)
        if key not in self._fits:
            self._fits[key] = fitting.fits(
                [
                    (host, shape)
                    for host, shape in self._shaped
                    if host.name not in its.avoids
                ],
                order,
                self._blocks,
                fitting.Stage.EMPTIED,
            )
        return self._fits[key]


def seen_by(
    host: HostView,
    now: datetime.datetime,
    project_id: str,
    lease_id: str = "",
) -> HostView:
    """The host as it is to the orders of a project, or to one lease of it:
    starts that failed there may speak against it to them alone."""
    if not host.failures or host.state is not HostState.OPEN:
        return host
    own = failures.of_lease(host.failures, lease_id)
    failed = own is not None and own.until > now
    if failed or failures.suspect(host.failures, now, project_id):
        return dataclasses.replace(host, state=HostState.SUSPECT)
    return host


def place(
    hosts: Mapping[str, HostView],
    order: Order,
    blocks: Mapping[str, Sequence[Sequence[int]]],
    barred: Barred = lambda _model, _host: False,
    glance: Glance | None = None,
) -> Placed | None:
    """All nodes of an order on one model, or ``None``: all or none.

    :param barred: which hosts' cards of a model it must leave alone.
    :param glance: see ``best``.
    :returns: the nodes, and the hosts as they are then.
    """
    for model in order.models:
        left = {
            name: host
            for name, host in hosts.items()
            if not barred(model, host)
        }
        nodes: list[NodePlan] = []
        for index in range(order.nodes):
            choice = best(left.values(), model, blocks, order.need, glance)
            if choice is None:
                break
            left[choice.host] = matching.take(
                left[choice.host], choice, order.need
            )
            nodes.append(
                NodePlan(index, choice.host, model, choice.device_ids)
            )
        if len(nodes) == order.nodes:
            return tuple(nodes), {**hosts, **left}
    return None


def best(
    hosts: Iterable[HostView],
    model: str,
    blocks: Mapping[str, Sequence[Sequence[int]]],
    need: Need,
    glance: Glance | None = None,
) -> Choice | None:
    """The host to use: an aligned block first, then the fullest host (best
    fit), then the least broken up, then the fixed order of the hosts.

    :param glance: ranks a host; each one anew unless told.
    """
    asked = Question(
        "rank", model, fitting.frozen(blocks.get(model, ())), need
    )
    chosen: HostView | None = None
    best_rank: Rank | None = None

    def ranked(host: HostView) -> Rank | None:
        return _rank(host, model, blocks, need)

    for host in hosts:
        rank = glance(asked, host, ranked) if glance else ranked(host)
        if rank is not None and (best_rank is None or rank < best_rank):
            chosen, best_rank = host, rank
    if chosen is None:
        return None
    return matching.choose(chosen, model, blocks.get(model, ()), need)


def _rank(
    host: HostView,
    model: str,
    blocks: Mapping[str, Sequence[Sequence[int]]],
    need: Need,
) -> Rank | None:
    choice = matching.choose(host, model, blocks.get(model, ()), need)
    if choice is None:
        return None
    return (0 if choice.aligned else 1, choice.left, choice.broken)


def _retry(order: Order, when: datetime.datetime) -> Wait:
    return Wait(
        order.lease_id,
        Why.RETRY,
        "The last start did not succeed; tried again after "
        f"{when:%H:%M:%S} UTC.",
    )


def _behind(order: Order, ahead: int) -> Wait:
    orders = "order" if ahead == 1 else "orders"
    return Wait(
        order.lease_id,
        Why.BEHIND,
        f"Waits behind {ahead} earlier {orders} for the same GPUs.",
    )
