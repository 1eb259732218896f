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

"""What each host can offer, remembered by its mark.

A host is read and worked out again once its mark is another one, whoever has
written; so a request reads a small row for each host, and the rest of those
that have changed. Nothing here is ever older than the transaction it is asked
in: marks and rows are of one snapshot.
"""

from __future__ import annotations

import dataclasses
import datetime
import threading
from collections.abc import Collection, Iterable, Mapping

from gpubroker.domain import devices
from gpubroker.domain import failures
from gpubroker.domain import hosts
from gpubroker.domain.matching import HostState
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need
from gpubroker.domain.shapes import Shape
from gpubroker.domain.shapes import Shapes
from gpubroker.domain.snapshots import Order
from gpubroker.domain.snapshots import Snapshot
from gpubroker.services import ports
from gpubroker.services import snapshot

Queues = Mapping[str, tuple[Order, ...]]
#: pool -> host -> what starts under way there have yet to take.
Claimed = Mapping[str, Mapping[str, Need]]


def held(
    tx: ports.Transaction,
    pool: str,
    names: Collection[str],
    now: datetime.datetime,
    nodes: Collection[str],
) -> dict[str, HostView]:
    """Those of the hosts that are in the pool, as they are when this
    transaction commits; a fixed number of statements.

    :param tx: one that has claimed their cards, and writes nothing more.
    :param nodes: those it has claimed them for; that does not count.
    """
    tx.standing.hold()
    rows = [host for host in tx.hosts.some(names) if host.pool == pool]
    return {
        name: snapshot.at_present(view, None, now)
        for name, view in _views(tx, rows, nodes).items()
    }


def _views(
    tx: ports.Transaction,
    rows: Collection[hosts.Host],
    nodes: Collection[str] = (),
) -> dict[str, HostView]:
    """:param nodes: whose claims do not count."""
    names = [row.name for row in rows]
    cards: dict[str, list[devices.Device]] = {}
    for device in tx.standing.devices(names):
        if device.claimed_by in nodes:
            device = dataclasses.replace(device, claimed_by=None)
        cards.setdefault(device.host, []).append(device)
    traits = tx.traits.of_hosts(names)
    failed = tx.failures.of_hosts(names)
    return {
        row.name: snapshot.standing(
            row,
            cards.get(row.name, []),
            traits.get(row.name, frozenset()),
            failed.get(row.name, ()),
        )
        for row in rows
    }


class _Host:
    """One host as of one mark."""

    __slots__ = ("_last", "_shape", "_view", "mark")

    def __init__(self, mark: int, view: HostView, shape: Shape) -> None:
        self.mark = mark
        self._view = view
        self._shape = shape
        self._last: tuple[object, HostView, Shape] | None = None

    def at_present(
        self, claimed: Need | None, now: datetime.datetime, shapes: Shapes
    ) -> tuple[HostView, Shape]:
        bare = self._view
        suspect = bool(
            bare.failures
            and bare.state is HostState.OPEN
            and failures.suspect(bare.failures, now)
        )
        if claimed is None and not suspect:
            return bare, self._shape
        # A start takes seconds, and many requests may come meanwhile.
        key, last = (claimed, suspect), self._last
        if last is None or last[0] != key:
            seen = snapshot.at_present(bare, claimed, now)
            last = self._last = (key, seen, shapes.of(seen))
        return last[1], last[2]


class Cache:
    """Of one process; its threads share it."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._shapes = Shapes()
        self._hosts: dict[str, _Host] = {}
        self._orders: dict[str, dict[str, Order]] = {}

    def snapshots(
        self,
        tx: ports.Transaction,
        pools: Collection[str],
        now: datetime.datetime,
        leases: bool = True,
    ) -> list[Snapshot]:
        """Pools with their hosts, cards and queues, by name; a fixed number
        of statements.

        :param tx: one that only reads.
        :param leases: whether what waits and starts is asked for.
        """
        names = sorted(pools)
        marks = tx.standing.marks()
        found = self._standing(tx, marks, names)
        queues: Queues = {}
        claimed: Claimed = {}
        if leases:
            queues, claimed = self._leases(tx, names)
        self._forget(marks, names)
        blocks = snapshot.blocks_of(tx.models.all())
        seen: dict[str, list[tuple[HostView, Shape]]] = {n: [] for n in names}
        for mark in marks:
            if mark.pool in seen:
                its = claimed.get(mark.pool, {}).get(mark.host)
                host = found[mark.host].at_present(its, now, self._shapes)
                seen[mark.pool].append(host)
        return [
            Snapshot(
                pool=name,
                now=now,
                hosts=tuple(host for host, _shape in seen[name]),
                shapes=tuple(shape for _host, shape in seen[name]),
                orders=queues.get(name, ()),
                blocks=blocks,
            )
            for name in names
        ]

    def _standing(
        self,
        tx: ports.Transaction,
        marks: Iterable[hosts.Mark],
        pools: Collection[str],
    ) -> dict[str, _Host]:
        wanted = [mark for mark in marks if mark.pool in pools]
        found, rest = self._known(wanted)
        if rest:
            # One thread at a time: what one has read the next one need not,
            # most of all while nothing is known yet.
            with self._reading:
                more, rest = self._known(rest)
                found.update(more)
                found.update(self._read(tx, rest))
        return found

    def _known(
        self, marks: Iterable[hosts.Mark]
    ) -> tuple[dict[str, _Host], list[hosts.Mark]]:
        found, rest = {}, []
        for mark in marks:
            host = self._hosts.get(mark.host)
            if host is not None and host.mark == mark.mark:
                found[mark.host] = host
            else:
                rest.append(mark)
        return found, rest

    def _read(
        self, tx: ports.Transaction, marks: Collection[hosts.Mark]
    ) -> dict[str, _Host]:
        if not marks:
            return {}
        views = _views(tx, tx.hosts.some([mark.host for mark in marks]))
        found = {}
        for mark in marks:
            view = views[mark.host]
            found[mark.host] = _Host(mark.mark, view, self._shapes.of(view))
        self._hosts.update(found)
        return found

    def _leases(
        self, tx: ports.Transaction, pools: Collection[str]
    ) -> tuple[Queues, Claimed]:
        """What an order asks for never changes: each is read once."""
        waiting = tx.leases.waiting(pools)
        starting = tx.leases.starting(pools)
        known = {pool: self._orders.get(pool, {}) for pool in pools}
        both = [(one.pool, one.lease_id) for one in waiting]
        both += [(one.pool, one.lease_id) for one in starting]
        new = {key for pool, key in both if key not in known[pool]}
        read = {
            lease.id: snapshot.order_of(lease)
            for lease in (tx.leases.some(sorted(new)) if new else ())
        }
        kept: dict[str, dict[str, Order]] = {pool: {} for pool in pools}
        for pool, key in both:
            kept[pool][key] = known[pool].get(key) or read[key]
        self._orders.update(kept)
        queues: dict[str, list[Order]] = {pool: [] for pool in pools}
        for lease in waiting:
            order = kept[lease.pool][lease.lease_id]
            if order.not_before != lease.not_before:
                order = dataclasses.replace(order, not_before=lease.not_before)
            queues[lease.pool].append(order)
        claimed: dict[str, dict[str, Need]] = {pool: {} for pool in pools}
        for start in starting:
            its = claimed[start.pool]
            need = kept[start.pool][start.lease_id].need
            its[start.host] = snapshot.more(its.get(start.host), need)
        return {pool: tuple(its) for pool, its in queues.items()}, claimed

    def _forget(
        self, marks: Collection[hosts.Mark], pools: Collection[str]
    ) -> None:
        """What is there no more."""
        there = {mark.host for mark in marks}
        for name in list(self._hosts):
            if name not in there:
                self._hosts.pop(name, None)
        open_ = {mark.pool for mark in marks}.union(pools)
        for pool in list(self._orders):
            if pool not in open_:
                self._orders.pop(pool, None)
