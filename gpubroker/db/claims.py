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

"""Claims in SQL: the promise that no device is given out twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from oslo_db import exception as db_exc

from gpubroker import errors
from gpubroker.db import marks
from gpubroker.db import repository
from gpubroker.db import tables

_ROW = tables.Claim
_DEVICE = tables.Device
_NODE = tables.LeaseNode


class Claims(repository.Repository):
    def add(self, node_id: str, device_ids: Sequence[str]) -> None:
        """All of them or none.

        :raises NotFound: for a node or a device that there is not.
        """
        node = self._first(sa.select(_NODE.id).where(_NODE.uuid == node_id))
        if node is None:
            raise repository.missing("lease node", node_id)
        rows = self._rows(
            sa.select(_DEVICE.uuid, _DEVICE.id).where(
                _DEVICE.uuid.in_(device_ids)
            )
        )
        keys = {row.uuid: row.id for row in rows}
        for device_id in device_ids:
            if device_id not in keys:
                raise repository.missing("device", device_id)
        now = self._now()
        try:
            with self._session.begin_nested():
                self._insert_many(
                    _ROW,
                    [
                        {
                            "device_id": key,
                            "node_id": node[0],
                            "created_at": now,
                        }
                        # In one order everywhere: two plans that want the
                        # same devices wait for each other, no deadlock.
                        for key in sorted(keys.values())
                    ],
                    marks.Of(devices=tuple(device_ids)),
                )
        except db_exc.DBDuplicateEntry as error:
            raise errors.InUse(
                "A device of the plan is claimed by another lease."
            ) from error

    def of_node(self, node_id: str) -> list[str]:
        rows = self._rows(
            sa.select(_DEVICE.uuid)
            .join(_ROW, _ROW.device_id == _DEVICE.id)
            .join(_NODE, _NODE.id == _ROW.node_id)
            .where(_NODE.uuid == node_id)
            .order_by(_DEVICE.uuid)
        )
        return [row[0] for row in rows]

    def release(self, node_id: str, device_ids: Collection[str]) -> None:
        """Only claims of this node; none = done."""
        node = sa.select(_NODE.id).where(_NODE.uuid == node_id)
        devices = sa.select(_DEVICE.id).where(_DEVICE.uuid.in_(device_ids))
        self._execute(
            sa.delete(_ROW).where(
                _ROW.node_id == node.scalar_subquery(),
                _ROW.device_id.in_(devices),
            ),
            marks.Of(devices=tuple(device_ids)),
        )
