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

"""Fences in SQL."""

from __future__ import annotations

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.db import marks
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.db import tallies
from gpubroker.domain import fences

_ROW = tables.Fence
_DEVICE = tables.Device


class Fences(repository.Repository):
    def of(self, device_id: str) -> list[fences.Fence]:
        """Oldest first; empty for a device that there is not."""
        return self._found(_DEVICE.uuid == device_id)

    def add(self, fence: fences.Fence) -> bool:
        key = self._key(fence.device_id)
        known = self._first(
            sa.select(_ROW.reason).where(
                _ROW.device_id == key, _ROW.reason == fence.reason
            )
        )
        if known:
            return False
        try:
            self._insert(
                _ROW,
                {
                    "device_id": key,
                    "reason": fence.reason,
                    "detail": fence.detail,
                    "set_by": fence.by,
                    "lease_id": fence.lease_id,
                    "created_at": fence.created_at or self._now(),
                },
                "",
                marks.Of(devices=(fence.device_id,)),
            )
        except errors.Duplicate:
            return False
        tallies.fenced(self._session, fence.reason)
        return True

    def reword(self, fence: fences.Fence) -> bool:
        device = sa.select(_DEVICE.id).where(_DEVICE.uuid == fence.device_id)
        reworded = self._execute(
            sa.update(_ROW)
            .where(
                _ROW.device_id == device.scalar_subquery(),
                _ROW.reason == fence.reason,
            )
            .values(detail=fence.detail, set_by=fence.by),
            marks.NOBODY,
        )
        return bool(reworded)

    def remove(
        self,
        device_id: str,
        reason: fences.Reason,
        lease_id: str | None = None,
    ) -> bool:
        device = sa.select(_DEVICE.id).where(_DEVICE.uuid == device_id)
        statement = sa.delete(_ROW).where(
            _ROW.device_id == device.scalar_subquery(), _ROW.reason == reason
        )
        if lease_id is not None:
            statement = statement.where(_ROW.lease_id == lease_id)
        of = marks.Of(devices=(device_id,))
        if not self._execute(statement, of):
            return False
        tallies.fenced(self._session, reason, lifted=True)
        return True

    def of_lease(self, lease_id: str) -> list[fences.Fence]:
        return self._found(_ROW.lease_id == lease_id)

    def _found(self, condition: sa.ColumnElement[bool]) -> list[fences.Fence]:
        rows = self._rows(
            sa.select(_ROW, _DEVICE.uuid)
            .join(_DEVICE, _DEVICE.id == _ROW.device_id)
            .where(condition)
            .order_by(_ROW.created_at, _DEVICE.uuid, _ROW.reason)
        )
        return [fence(row[0], row[1]) for row in rows]

    def _key(self, device_id: str) -> int:
        row = self._first(
            sa.select(_DEVICE.id).where(_DEVICE.uuid == device_id)
        )
        if row is None:
            raise repository.missing("device", device_id)
        return int(row[0])


def fence(row: tables.Fence, device_id: str) -> fences.Fence:
    return fences.Fence(
        device_id=device_id,
        reason=row.reason,
        detail=row.detail,
        by=row.set_by,
        lease_id=row.lease_id,
        created_at=row.created_at,
    )
