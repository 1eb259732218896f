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

"""The journal of sagas in SQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import steps

_ROW = tables.Step
_LEASE = tables.Lease


class Steps(repository.Repository):
    def begin(self, step: steps.Step) -> None:
        key = self._key(step)
        known = self._first(sa.select(_ROW.id).where(_same(key, step)))
        if known:
            return
        try:
            self._write(key, step)
        except errors.Duplicate:
            return

    def done(self, step: steps.Step) -> None:
        """Also for a step whose begin was never written."""
        key = self._key(step)
        changed = self._execute(
            sa.update(_ROW)
            .where(_same(key, step))
            .values(
                state=steps.StepState.DONE,
                done_at=step.done_at or self._now(),
                detail=step.detail,
            )
        )
        if not changed:
            self._write(key, step)

    def of_lease(self, lease_id: str) -> list[steps.Step]:
        """In the order in which they were begun."""
        rows = self._rows(
            sa.select(_ROW)
            .join(_LEASE, _LEASE.id == _ROW.lease_id)
            .where(_LEASE.uuid == lease_id)
            .order_by(_ROW.begun_at, _ROW.id)
        )
        return [_step(row[0], lease_id) for row in rows]

    def _write(self, key: int, step: steps.Step) -> None:
        self._insert(
            _ROW,
            {
                "lease_id": key,
                "node_id": step.node_id or "",
                "attempt": step.attempt,
                "saga": step.saga,
                "name": step.name,
                "state": step.state,
                "begun_at": step.begun_at,
                "done_at": step.done_at,
                "detail": step.detail,
            },
            "This step is written already.",
        )

    def _key(self, step: steps.Step) -> int:
        row = self._first(
            sa.select(_LEASE.id).where(_LEASE.uuid == step.lease_id)
        )
        if row is None:
            raise repository.missing("lease", step.lease_id)
        return int(row[0])


def _same(key: int, step: steps.Step) -> Any:
    return sa.and_(
        _ROW.lease_id == key,
        _ROW.node_id == (step.node_id or ""),
        _ROW.attempt == step.attempt,
        _ROW.saga == step.saga,
        _ROW.name == step.name,
    )


def _step(row: tables.Step, lease_id: str) -> steps.Step:
    return steps.Step(
        lease_id=lease_id,
        node_id=row.node_id or None,
        attempt=row.attempt,
        saga=row.saga,
        name=row.name,
        state=row.state,
        begun_at=row.begun_at,
        done_at=row.done_at,
        detail=row.detail,
    )
