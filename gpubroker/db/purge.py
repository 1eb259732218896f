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

"""What is over, in SQL: found, counted and deleted."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from gpubroker.db import base
from gpubroker.db import marks
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import leases
from gpubroker.domain import purge

_LEASE = tables.Lease
_NODE = tables.LeaseNode
_STEP = tables.Step
_EVENT = tables.Event
_FAILURE = tables.StartFailure
_PROJECT = tables.Project

#: Rows of an entity for which a condition holds.
_Act = Callable[[type[base.Base], sa.ColumnElement[bool]], int]


class Purge(repository.Repository):
    def over(
        self, before: datetime.datetime, after: int, limit: int
    ) -> list[purge.Over]:
        return self._over(before, _LEASE.id > after, limit)

    def again(
        self, found: Collection[purge.Over], before: datetime.datetime
    ) -> list[purge.Over]:
        keys = [lease.key for lease in found]
        return self._over(before, _LEASE.id.in_(keys), len(keys))

    def _over(
        self,
        before: datetime.datetime,
        which: sa.ColumnElement[bool],
        limit: int,
    ) -> list[purge.Over]:
        rows = self._rows(
            sa.select(_LEASE.id, _LEASE.uuid)
            .where(which, _over(before))
            .order_by(_LEASE.id)
            .limit(limit)
        )
        left = self._left([row.id for row in rows])
        return [
            purge.Over(key=row.id, id=row.uuid, left=left.get(row.id, ""))
            for row in rows
        ]

    def _left(self, keys: Sequence[int]) -> dict[int, str]:
        """Key of a lease -> what shows that it is not gone from outside."""
        found: dict[int, str] = {}
        if keys:
            for words, statement in _LEFT:
                for row in self._rows(statement(keys)):
                    found.setdefault(row[0], words)
        return found

    def count(self, found: Collection[purge.Over]) -> purge.Purged:
        return _each(self._count, found)

    def drop(self, found: Collection[purge.Over]) -> purge.Purged:
        return _each(self._drop, found)

    def _count(
        self, entity: type[base.Base], which: sa.ColumnElement[bool]
    ) -> int:
        counted = sa.select(sa.func.count()).select_from(entity).where(which)
        return int(self._first(counted)[0])

    def _drop(
        self, entity: type[base.Base], which: sa.ColumnElement[bool]
    ) -> int:
        return self._execute(
            sa.delete(entity).where(which),
            of=self._of_failures(which) if entity is _FAILURE else None,
        )

    def _of_failures(self, which: sa.ColumnElement[bool]) -> marks.Of:
        """The hosts where they were: not all need have passed."""
        rows = self._rows(sa.select(_FAILURE.host_id).distinct().where(which))
        return marks.Of(hosts=tuple(row[0] for row in rows))

    def told(
        self, before: datetime.datetime, after: int, limit: int
    ) -> list[purge.Told]:
        rows = self._rows(
            sa.select(
                _EVENT.id,
                _EVENT.detail,
                sa.exists(
                    sa.select(_LEASE.id).where(_LEASE.uuid == _EVENT.lease_id)
                ).label("of_lease"),
                _later().label("later"),
            )
            .where(_EVENT.id > after, _EVENT.at < before)
            .order_by(_EVENT.id)
            .limit(limit)
        )
        return [
            purge.Told(
                id=row.id,
                of_lease=bool(row.of_lease),
                last=not row.later,
                observations=tuple(row.detail.get("observations", ())),
            )
            for row in rows
        ]

    def boots(self) -> frozenset[str]:
        rows = self._rows(
            sa.select(tables.Host.boot_id).where(
                tables.Host.boot_id.is_not(None)
            )
        )
        return frozenset(row[0] for row in rows)

    def drop_events(self, ids: Collection[int]) -> int:
        return self._drop(_EVENT, _EVENT.id.in_(ids))

    def failures(self, before: datetime.datetime) -> int:
        return self._count(_FAILURE, _passed(before))

    def drop_failures(self, before: datetime.datetime) -> int:
        return self._drop(_FAILURE, _passed(before))

    def projects(
        self, before: datetime.datetime, after: str, limit: int
    ) -> list[str]:
        rows = self._rows(
            sa.select(_PROJECT.project_id)
            .where(_PROJECT.project_id > after, _without(_since(before)))
            .order_by(_PROJECT.project_id)
            .limit(limit)
        )
        return [row[0] for row in rows]

    def drop_projects(self, ids: Collection[str]) -> int:
        # One that orders at this moment makes its row again: it is a lock.
        return self._drop(
            _PROJECT,
            sa.and_(_PROJECT.project_id.in_(ids), _without(sa.true())),
        )


def _each(act: _Act, found: Collection[purge.Over]) -> purge.Purged:
    """``act`` on all tables that know of a lease, parts first."""
    keys = [lease.key for lease in found]
    ids = [lease.id for lease in found]
    return purge.Purged(
        steps=act(_STEP, _STEP.lease_id.in_(keys)),
        lease_events=act(_EVENT, _EVENT.lease_id.in_(ids)),
        failures=act(_FAILURE, _FAILURE.lease_id.in_(ids)),
        nodes=act(_NODE, _NODE.lease_id.in_(keys)),
        leases=act(_LEASE, _LEASE.id.in_(keys)),
    )


def _later() -> sa.ColumnElement[bool]:
    """Whether the same was told of the same thing since: of a card by its
    serial, by its id while it has none, else of the host.

    One that names none of them is of nobody's truth, and counts as told
    again.
    """
    later = orm.aliased(_EVENT)

    def since(of: Any, same: Any) -> tuple[Any, Any]:
        found = sa.select(later.id).where(
            same == of, later.kind == _EVENT.kind, later.id > _EVENT.id
        )
        return of.is_not(None), sa.exists(found.correlate(_EVENT))

    return sa.case(
        since(_EVENT.serial, later.serial),
        since(_EVENT.device_id, later.device_id),
        since(_EVENT.host, later.host),
        else_=sa.true(),
    )


def _passed(before: datetime.datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_FAILURE.at < before, _FAILURE.until < before)


def _without(such: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """The project has no lease such as these."""
    return ~sa.exists(
        sa.select(_LEASE.id).where(
            _LEASE.project_id == _PROJECT.project_id, such
        )
    )


def _over(before: datetime.datetime) -> sa.ColumnElement[bool]:
    return sa.and_(_LEASE.state.in_(leases.FINAL), _LEASE.ended_at < before)


def _since(before: datetime.datetime) -> sa.ColumnElement[bool]:
    return sa.or_(_LEASE.state.not_in(leases.FINAL), _LEASE.ended_at >= before)


def _named(keys: Sequence[int]) -> base.Query:
    return sa.select(_NODE.lease_id).where(
        _NODE.lease_id.in_(keys),
        sa.or_(_NODE.ticket.is_not(None), _NODE.shape_id.is_not(None)),
    )


def _claimed(keys: Sequence[int]) -> base.Query:
    return (
        sa.select(_NODE.lease_id)
        .join(tables.Claim, tables.Claim.node_id == _NODE.id)
        .where(_NODE.lease_id.in_(keys))
    )


def _delegated(keys: Sequence[int]) -> base.Query:
    row = tables.Delegation
    return sa.select(row.lease_id).where(row.lease_id.in_(keys))


def _fenced(keys: Sequence[int]) -> base.Query:
    return (
        sa.select(_LEASE.id)
        .join(tables.Fence, tables.Fence.lease_id == _LEASE.uuid)
        .where(_LEASE.id.in_(keys))
    )


def _held(keys: Sequence[int]) -> base.Query:
    row = tables.DeviceConsumer
    return (
        sa.select(_NODE.lease_id)
        .join(row, row.consumer == _NODE.server_id)
        .where(_NODE.lease_id.in_(keys))
    )


_LEFT: tuple[tuple[str, Callable[[Sequence[int]], base.Query]], ...] = (
    ("a flavor or a ticket of it is not proven gone", _named),
    ("it claims a device", _claimed),
    ("the rights of its user are not given back", _delegated),
    ("a device is fenced for it", _fenced),
    ("its server is known to hold a device", _held),
)
