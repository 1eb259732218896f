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

"""What each host can offer, and the marks that tell when that has changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from gpubroker.db import base
from gpubroker.db import device_rows
from gpubroker.db import marks
from gpubroker.db import repository
from gpubroker.db import session as db_session
from gpubroker.db import tables
from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.domain.fences import Fence
from gpubroker.domain.fences import Reason

_MARK = tables.HostMark
_HOST = tables.Host
_POOL = tables.Pool
_DEVICE = tables.Device
_MODEL = tables.Model
_SLOT = tables.HostSlot
_NODE = tables.LeaseNode
_FENCE = tables.Fence
_CONSUMER = tables.DeviceConsumer


class Standing(repository.Repository):
    def marks(self) -> list[hosts.Mark]:
        """:raises RuntimeError: in a transaction that writes: what it sees
        of its own has no mark yet, and may never come to be."""
        connection = self._session.connection()
        if connection.get_execution_options().get(db_session.WRITES):
            raise RuntimeError("marks are for transactions that only read")
        # Without the ORM: a thousand rows on every request.
        rows = connection.execute(
            sa.select(_HOST.name, _POOL.name, _MARK.mark)
            .join(_POOL, _POOL.id == _HOST.pool_id)
            .join(_MARK, _MARK.host_id == _HOST.id)
        ).all()
        # Sorted here: the engine has an index for each of the columns alone.
        return [
            hosts.Mark(*row) for row in sorted(rows, key=lambda row: row[0])
        ]

    def hold(self) -> None:
        # Whoever changes a host writes its mark before the commit, and has
        # to wait for ours: rows of its own would not do, since a fence is
        # added beside a device that somebody holds.
        marks.write(self._session)

    def devices(self, hosts: Collection[str]) -> list[devices.Device]:
        found: list[devices.Device] = []
        for some in repository.batches(hosts):
            here = _HOST.name.in_(some)
            reasons: dict[int, list[Reason]] = {}
            for key, reason in self._rows(
                _of_devices(_FENCE, _FENCE.reason, here)
            ):
                reasons.setdefault(key, []).append(reason)
            consumers: dict[int, list[str]] = {}
            for key, consumer in self._rows(
                _of_devices(_CONSUMER, _CONSUMER.consumer, here)
            ):
                consumers.setdefault(key, []).append(consumer)
            found.extend(
                _device(
                    row, reasons.get(row.id, ()), consumers.get(row.id, ())
                )
                for row in self._rows(_select().where(here))
            )
        return found


def _select() -> base.Query:
    """What ``devices`` is made from; the rest of a row costs more than all
    else that is done with it."""
    return device_rows.joined(
        sa.select(
            _DEVICE.id,
            _DEVICE.uuid,
            _HOST.name.label("host"),
            _DEVICE.pci_address,
            _SLOT.slot,
            _MODEL.name.label("model"),
            _DEVICE.numa_node,
            _DEVICE.state,
            _DEVICE.provider_id,
            _DEVICE.total,
            _DEVICE.reserved,
            _DEVICE.closing_generation,
            _NODE.uuid.label("claimed_by"),
        )
    )


def _of_devices(
    entity: type[tables.Fence | tables.DeviceConsumer],
    column: Any,
    here: sa.ColumnElement[bool],
) -> base.Query:
    """(device, column) of what belongs to devices of some hosts."""
    return (
        sa.select(entity.device_id, column)
        .join(_DEVICE, _DEVICE.id == entity.device_id)
        .join(_HOST, _HOST.id == _DEVICE.host_id)
        .where(here)
    )


def _device(
    row: Any, reasons: Sequence[Reason], consumers: Sequence[str]
) -> devices.Device:
    return devices.Device(
        id=row.uuid,
        host=row.host,
        pci_address=row.pci_address,
        slot=row.slot,
        model=row.model,
        numa_node=row.numa_node,
        state=row.state,
        provider_id=row.provider_id,
        total=row.total,
        reserved=row.reserved,
        closing_generation=row.closing_generation,
        consumers=tuple(consumers),
        claimed_by=row.claimed_by,
        fences=tuple(
            Fence(device_id=row.uuid, reason=reason) for reason in reasons
        ),
    )
