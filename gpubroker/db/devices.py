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

"""Devices in SQL, with all that hangs on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.db import device_rows
from gpubroker.db import hosts
from gpubroker.db import marks
from gpubroker.db import pages
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import hosts as hosts_domain
from gpubroker.domain.devices import Availability
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

_ROW = tables.Device
_CONSUMER = tables.DeviceConsumer
_TRAIT = tables.ProviderTrait


class Devices(repository.Repository):
    def get(self, device_id: str) -> devices.Device:
        found = self._found(_ROW.uuid == device_id)
        if not found:
            raise repository.missing("device", device_id)
        return found[0]

    def of_host(self, host: str) -> list[devices.Device]:
        return self._found(tables.Host.name == host)

    def many(self, ids: Collection[str]) -> list[devices.Device]:
        """Unknown ids are left out."""
        return [
            device
            for some in repository.batches(ids)
            for device in self._found(_ROW.uuid.in_(some))
        ]

    def all(self) -> list[devices.Device]:
        return self._found()

    def by_serial(self, serial: str) -> devices.Device | None:
        found = self._found(_ROW.serial == serial)
        return found[0] if found else None

    def page(self, page: Page) -> Listing[devices.Device]:
        rows, more = pages.fetch(
            self._session, device_rows.select(), device_rows.PLAN, page
        )
        return Listing(self._filled(rows), more)

    def tally(self, pools: Collection[str]) -> dict[str, devices.Tally]:
        withheld = sa.or_(
            tables.Host.mode != hosts_domain.Mode.MANAGE,
            tables.Host.compute_state != hosts_domain.ComputeState.UP,
        )
        each = (
            device_rows.joined(
                sa.select(
                    tables.Pool.name.label("pool"),
                    device_rows.AVAILABILITY.label("availability"),
                    sa.case((withheld, 1), else_=0).label("withheld"),
                )
            )
            .join(tables.Pool, tables.Pool.id == tables.Host.pool_id)
            .where(tables.Pool.name.in_(pools), device_rows.IS_GPU)
            .subquery()
        )
        rows = self._rows(
            sa.select(*each.c, sa.func.count().label("count")).group_by(
                *each.c
            )
        )
        return {
            pool: _tally([row for row in rows if row.pool == pool])
            for pool in pools
        }

    def busy(self, host: str) -> list[str]:
        """Of present cards, in order."""
        held = sa.or_(
            sa.exists().where(tables.Claim.device_id == _ROW.id),
            sa.exists().where(_CONSUMER.device_id == _ROW.id),
            sa.exists().where(
                tables.Fence.device_id == _ROW.id,
                tables.Fence.reason == fences.Reason.LEASE,
            ),
        )
        rows = self._rows(
            sa.select(_ROW.pci_address)
            .join(tables.Host, tables.Host.id == _ROW.host_id)
            .where(tables.Host.name == host, _ROW.present.is_not(None), held)
            .order_by(_ROW.pci_address)
        )
        return [row[0] for row in rows]

    def delete(self, device_id: str) -> None:
        # Held, so that it is not moved to another host meanwhile.
        row = self._first(
            sa.select(_ROW.host_id)
            .where(_ROW.uuid == device_id)
            .with_for_update()
        )
        if row is not None:
            self._remove(
                sa.delete(_ROW).where(_ROW.uuid == device_id),
                f"Device {device_id} is claimed.",
                marks.Of(hosts=(row[0],)),
            )

    def add(self, device: devices.Device) -> devices.Device:
        """A slot given here becomes the number of its address, where that
        has none yet.

        :raises Duplicate: when its id, serial or UUID is known already, or
            another present device has its address.
        """
        now = self._now()
        stored = dataclasses.replace(
            device, generation=1, created_at=now, updated_at=now
        )
        values = self._values(stored)
        of = marks.Of(hosts=(values["host_id"],))
        key = self._insert(
            _ROW,
            {
                **values,
                "uuid": device.id,
                "generation": 1,
                "created_at": now,
            },
            _taken(device),
            of,
        )
        self._replace_consumers(key, device.consumers, of)
        if device.slot is not None:
            hosts.Hosts(self._session, self._clock).give_slots(
                device.host, {device.pci_address: device.slot}
            )
        return stored

    def update(self, device: devices.Device) -> devices.Device:
        """Compared are ``generation`` and, where set, ``updated_at``: the
        latter tells of a ``mirror`` since the device was read."""
        stored = dataclasses.replace(
            device,
            generation=device.generation + 1,
            updated_at=self._now(),
        )
        key = _ROW.uuid == device.id
        if device.updated_at is not None:
            key = sa.and_(key, _ROW.updated_at == device.updated_at)
        values = self._values(stored)
        row, host = self._key(device.id)
        # Both, where it moves from one to the other.
        of = marks.Of(hosts=(host, values["host_id"]))
        swapped = self._swap(
            _ROW, key, device.generation, values, _taken(device), of
        )
        if swapped is None:
            raise repository.moved_on("Device", device.id)
        self._replace_consumers(row, device.consumers, of)
        return stored

    def hold(self, ids: Collection[str]) -> list[devices.Device]:
        # In one order, or two that want the same rows might each wait for
        # the other. Keys stay as they are: a claim may be written meanwhile.
        for some in repository.batches(sorted(ids)):
            self._rows(
                sa.select(_ROW.id)
                .where(_ROW.uuid.in_(some))
                .order_by(_ROW.id)
                .with_for_update(key_share=True)
            )
        found = self.many(ids)
        for gone in sorted(set(ids) - {device.id for device in found}):
            raise repository.missing("device", gone)
        return found

    def mirror(self, device: devices.Device) -> None:
        row = self._first(
            sa.select(_ROW).where(_ROW.uuid == device.id).with_for_update()
        )
        if row is None:
            raise repository.missing("device", device.id)
        seen = device_rows.mirrored(device)
        of = marks.Of(hosts=(row[0].host_id,))
        changed = self._replace_consumers(row[0].id, device.consumers, of)
        if changed or any(
            getattr(row[0], name) != value for name, value in seen.items()
        ):
            self._execute(
                sa.update(_ROW)
                .where(_ROW.id == row[0].id)
                .values(updated_at=self._now(), **seen),
                of,
            )

    def _found(
        self, *conditions: sa.ColumnElement[bool]
    ) -> list[devices.Device]:
        statement = (
            device_rows.select()
            .where(*conditions)
            .order_by(tables.Host.name, _ROW.pci_address, _ROW.id)
        )
        return self._filled(self._rows(statement))

    def _filled(self, rows: Sequence[Any]) -> list[devices.Device]:
        keys = [row[0].id for row in rows]
        fences = self._grouped(
            sa.select(tables.Fence.device_id, tables.Fence).order_by(
                tables.Fence.created_at, tables.Fence.reason
            ),
            tables.Fence.device_id,
            keys,
        )
        consumers = self._grouped(
            sa.select(_CONSUMER.device_id, _CONSUMER.consumer).order_by(
                _CONSUMER.consumer
            ),
            _CONSUMER.device_id,
            keys,
        )
        traits = self._grouped(
            sa.select(_TRAIT.device_id, _TRAIT.trait)
            .distinct()
            .order_by(_TRAIT.device_id, _TRAIT.trait),
            _TRAIT.device_id,
            keys,
        )
        return [
            device_rows.device(
                row,
                fences_of=[r[1] for r in fences.get(row[0].id, [])],
                consumers=[r[1] for r in consumers.get(row[0].id, [])],
                traits=[r[1] for r in traits.get(row[0].id, [])],
            )
            for row in rows
        ]

    def _values(self, device: devices.Device) -> dict[str, Any]:
        host = self._first(
            sa.select(tables.Host.id).where(tables.Host.name == device.host)
        )
        if host is None:
            raise repository.missing("host", device.host)
        model = None
        if device.model is not None:
            model = self._first(
                sa.select(tables.Model.id).where(
                    tables.Model.name == device.model
                )
            )
            if model is None:
                raise errors.Invalid(
                    f"model: there is no model {device.model}.", field="model"
                )
        return {
            **device_rows.values(device),
            "host_id": host[0],
            "model_id": model[0] if model else None,
        }

    def _key(self, device_id: str) -> tuple[int, int]:
        """Its own and its host's."""
        row = self._first(
            sa.select(_ROW.id, _ROW.host_id).where(_ROW.uuid == device_id)
        )
        if row is None:
            raise repository.missing("device", device_id)
        return row[0], row[1]

    def _replace_consumers(
        self, key: int, wanted: Collection[str], of: marks.Of
    ) -> bool:
        """Whether there was something to change."""
        rows = self._rows(
            sa.select(_CONSUMER.consumer).where(_CONSUMER.device_id == key)
        )
        stand = {row[0] for row in rows}
        gone, new = stand - set(wanted), sorted(set(wanted) - stand)
        if gone:
            self._execute(
                sa.delete(_CONSUMER).where(
                    _CONSUMER.device_id == key, _CONSUMER.consumer.in_(gone)
                ),
                of,
            )
        self._insert_many(
            _CONSUMER, [{"device_id": key, "consumer": one} for one in new], of
        )
        return bool(gone or new)


def _tally(rows: Sequence[Any]) -> devices.Tally:
    counts = dict.fromkeys(Availability, 0)
    withheld = 0
    for row in rows:
        counts[Availability(row.availability)] += row._mapping["count"]
        if row.withheld and row.availability == Availability.FREE:
            withheld += row._mapping["count"]
    return devices.Tally(counts=counts, withheld=withheld)


def _taken(device: devices.Device) -> str:
    known = device.serial or device.uuid
    named = f" or a device {known}" if known else ""
    return (
        f"There is a device at {device.pci_address} of host "
        f"{device.host}{named} already."
    )
