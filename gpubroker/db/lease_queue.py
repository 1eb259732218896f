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

"""Who waits for GPUs, where in the queue, and who starts."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import leases

_ROW = tables.Lease
_NODE = tables.LeaseNode


class Queue(repository.Repository):
    """A part of ``leases.Leases``."""

    def waiting(self, pools: Collection[str]) -> list[leases.Waiting]:
        rows = self._rows(
            sa.select(_ROW.uuid, _ROW.pool, _ROW.not_before)
            .where(*_in_queue(pools))
            .order_by(_ROW.requested_at, _ROW.uuid)
        )
        return [leases.Waiting(*row) for row in rows]

    def reasons(self, pool: str) -> dict[str, str]:
        rows = self._rows(
            sa.select(_ROW.uuid, _ROW.reason).where(
                _ROW.state == leases.State.QUEUED, _ROW.pool == pool
            )
        )
        return {row.uuid: row.reason for row in rows}

    def starting(self, pools: Collection[str]) -> list[leases.Starting]:
        rows = self._rows(
            sa.select(_ROW.uuid, _ROW.pool, _NODE.host)
            .join(_NODE, _NODE.lease_id == _ROW.id)
            .where(
                _ROW.state == leases.State.STARTING,
                _ROW.pool.in_(pools),
                _NODE.host.is_not(None),
            )
        )
        return [leases.Starting(*row) for row in rows]

    def places(self, some: Collection[leases.Lease]) -> dict[str, int]:
        """In one statement."""
        pools = {lease.pool for lease in some}
        if not pools:
            return {}
        ranked = (
            sa.select(
                _ROW.uuid,
                sa.func.row_number()
                .over(
                    partition_by=_ROW.pool,
                    order_by=[_ROW.requested_at, _ROW.uuid],
                )
                .label("place"),
            )
            .where(*_in_queue(pools))
            .subquery()
        )
        wanted = [lease.id for lease in some]
        rows = self._rows(
            sa.select(ranked.c.uuid, ranked.c.place).where(
                ranked.c.uuid.in_(wanted)
            )
        )
        return {row.uuid: int(row.place) for row in rows}


def _in_queue(pools: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    """Without those whose user has no rights: the plan leaves them out, so
    that nobody is behind them."""
    return (
        _ROW.state == leases.State.QUEUED,
        _ROW.pool.in_(pools),
        _ROW.rights_gone_at.is_(None),
    )
