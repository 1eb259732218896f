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

"""A census in SQL: five statements, however many rows there are."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from gpubroker.db import base
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import census
from gpubroker.domain import leases
from gpubroker.domain.fences import Reason

_DEVICE = tables.Device
_HOST = tables.Host
_POOL = tables.Pool
_OWNER = tables.PoolOwner
_WORKER = tables.Worker
_MODEL = tables.Model
_SLOT = tables.HostSlot
_CLAIM = tables.Claim
_FENCE = tables.Fence
_CONSUMER = tables.DeviceConsumer
_LEASE = tables.Lease

_OPEN = sorted(frozenset(leases.State) - leases.FINAL)


class Census(repository.Repository):
    def take(self, now: datetime.datetime) -> census.Census:
        return census.Census(
            at=now,
            cards=self._cards(),
            leases=self._leases(),
            hosts=self._hosts(),
            pools=self._pools(now),
            workers=self._workers(now),
        )

    def _cards(self) -> tuple[census.Cards, ...]:
        each = _each_card().subquery()
        rows = self._rows(
            sa.select(*each.c, sa.func.count().label("count")).group_by(
                *each.c
            )
        )
        return tuple(_alike(row) for row in rows)

    def _leases(self) -> tuple[census.Open, ...]:
        """Only those that are open: how many are over only ever grows."""
        each = (
            sa.select(
                _LEASE.pool,
                _LEASE.state,
                _flag(_LEASE.rights_gone_at.is_not(None)).label("held"),
                _LEASE.requested_at,
                (_LEASE.gpus * _LEASE.node_count).label("gpus"),
            )
            .where(_LEASE.state.in_(_OPEN))
            .subquery()
        )
        rows = self._rows(
            sa.select(
                each.c.pool,
                each.c.state,
                each.c.held,
                sa.func.count().label("count"),
                sa.func.sum(each.c.gpus).label("gpus"),
                sa.func.min(each.c.requested_at).label("oldest"),
            ).group_by(each.c.pool, each.c.state, each.c.held)
        )
        return tuple(
            census.Open(
                pool=row.pool,
                state=row.state,
                held=bool(row.held),
                count=row._mapping["count"],
                # SUM is a Decimal on MariaDB.
                gpus=int(row.gpus),
                oldest=row.oldest,
            )
            for row in rows
        )

    def _hosts(self) -> tuple[census.Host, ...]:
        rows = self._rows(
            sa.select(
                _HOST.name,
                _POOL.name.label("pool"),
                _HOST.mode,
                _HOST.compute_state,
                _HOST.agent_user_id,
                _HOST.heartbeat_at,
            ).join(_POOL, _POOL.id == _HOST.pool_id)
        )
        return tuple(
            census.Host(
                name=row.name,
                pool=row.pool,
                mode=row.mode,
                compute_state=row.compute_state,
                enrolled=row.agent_user_id is not None,
                heard_at=row.heartbeat_at,
            )
            for row in rows
        )

    def _pools(self, now: datetime.datetime) -> tuple[census.Pool, ...]:
        rows = self._rows(
            sa.select(_POOL.name, _OWNER.owner, _OWNER.expires_at).outerjoin(
                _OWNER, _OWNER.pool_id == _POOL.id
            )
        )
        return tuple(
            census.Pool(
                name=row.name,
                owned=row.owner is not None
                and row.expires_at is not None
                and row.expires_at > now,
            )
            for row in rows
        )

    def _workers(self, now: datetime.datetime) -> int:
        row = self._first(
            sa.select(sa.func.count()).where(_WORKER.expires_at > now)
        )
        return int(row[0])


def _flag(condition: sa.ColumnElement[bool]) -> sa.Case[int]:
    """0 or 1: not every engine groups by a condition."""
    return sa.case((condition, 1), else_=0)


def _fences() -> sa.Subquery:
    """A column for each reason, of the cards that have any fence."""
    return (
        sa.select(
            _FENCE.device_id,
            *(
                sa.func.max(_flag(_FENCE.reason == reason)).label(reason.value)
                for reason in Reason
            ),
        )
        .group_by(_FENCE.device_id)
        .subquery("fences")
    )


def _each_card() -> base.Query:
    fences = _fences()
    used = sa.select(_CONSUMER.device_id).distinct().subquery("used")
    placed = sa.and_(
        _DEVICE.provider_id.is_not(None),
        sa.func.coalesce(_DEVICE.total, 0) > 0,
        _SLOT.slot.is_not(None),
    )
    return (
        sa.select(
            _POOL.name.label("pool"),
            _MODEL.name.label("model"),
            _DEVICE.state,
            _DEVICE.health,
            _flag(_CLAIM.device_id.is_not(None)).label("claimed"),
            _flag(used.c.device_id.is_not(None)).label("used"),
            _flag(placed).label("placed"),
            _flag(sa.func.coalesce(_DEVICE.reserved, 0) > 0).label("reserved"),
            *(
                sa.func.coalesce(fences.c[reason.value], 0).label(
                    f"fence_{reason.value}"
                )
                for reason in Reason
            ),
        )
        .select_from(_DEVICE)
        .join(_HOST, _HOST.id == _DEVICE.host_id)
        .join(_POOL, _POOL.id == _HOST.pool_id)
        .outerjoin(_MODEL, _MODEL.id == _DEVICE.model_id)
        .outerjoin(
            _SLOT,
            sa.and_(
                _SLOT.host_id == _DEVICE.host_id,
                _SLOT.pci_address == _DEVICE.pci_address,
            ),
        )
        .outerjoin(_CLAIM, _CLAIM.device_id == _DEVICE.id)
        .outerjoin(used, used.c.device_id == _DEVICE.id)
        .outerjoin(fences, fences.c.device_id == _DEVICE.id)
    )


def _alike(row: Any) -> census.Cards:
    fenced = row._mapping
    return census.Cards(
        pool=row.pool,
        model=row.model,
        state=row.state,
        health=row.health,
        claimed=bool(row.claimed),
        used=bool(row.used),
        placed=bool(row.placed),
        reserved=bool(row.reserved),
        fences=frozenset(r for r in Reason if fenced[f"fence_{r.value}"]),
        count=fenced["count"],
    )
