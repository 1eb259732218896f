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

"""Between a device and its row: columns, filters and sort keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gpubroker.db import base
from gpubroker.db import fences
from gpubroker.db import pages
from gpubroker.db import tables
from gpubroker.domain import devices
from gpubroker.domain.devices import Availability
from gpubroker.domain.fences import Reason

_ROW = tables.Device
_HOST = tables.Host
_POOL = tables.Pool
_MODEL = tables.Model
_SLOT = tables.HostSlot
_CLAIM = tables.Claim
_NODE = tables.LeaseNode
_FENCE = tables.Fence
_CONSUMER = tables.DeviceConsumer


#: A report that is no news writes the host's heartbeat alone; it tells of
#: each card that is there as well.
_SEEN = sa.case(
    (
        sa.and_(_ROW.present.is_not(None), _ROW.reported.is_(True)),
        sa.func.coalesce(_HOST.heartbeat_at, _ROW.last_seen_at),
    ),
    else_=_ROW.last_seen_at,
)


def select() -> base.Query:
    """(device, host, model, slot, node that claims it, when it was seen) in
    one statement."""
    return joined(
        sa.select(
            _ROW,
            _HOST.name.label("host"),
            _MODEL.name.label("model"),
            _SLOT.slot.label("slot"),
            _NODE.uuid.label("claimed_by"),
            _SEEN.label("seen_at"),
        )
    ).join(_POOL, _POOL.id == _HOST.pool_id)


def joined(query: base.Query) -> base.Query:
    """With host, model, slot, claim and the node that claims, of devices."""
    return (
        query.join(_HOST, _HOST.id == _ROW.host_id)
        .outerjoin(_MODEL, _MODEL.id == _ROW.model_id)
        .outerjoin(
            _SLOT,
            sa.and_(
                _SLOT.host_id == _ROW.host_id,
                _SLOT.pci_address == _ROW.pci_address,
            ),
        )
        .outerjoin(_CLAIM, _CLAIM.device_id == _ROW.id)
        .outerjoin(_NODE, _NODE.id == _CLAIM.node_id)
    )


def _has_fence(*conditions: sa.ColumnElement[bool]) -> sa.Exists:
    return sa.exists().where(_FENCE.device_id == _ROW.id, *conditions)


def _fenced(value: Any) -> sa.ColumnElement[bool]:
    """A reason, or ``any``."""
    asked = value if isinstance(value, tuple | list) else (value,)
    if "any" in asked:
        return _has_fence()
    return _has_fence(_FENCE.reason.in_(asked))


def _held_by(value: Any) -> sa.ColumnElement[bool]:
    """Claimed or fenced for a lease."""
    leases = pages.equals(tables.Lease.uuid)(value)
    claimed = (
        sa.select(_CLAIM.device_id)
        .join(_NODE, _NODE.id == _CLAIM.node_id)
        .join(tables.Lease, tables.Lease.id == _NODE.lease_id)
        .where(leases)
    )
    fenced = sa.select(_FENCE.device_id).where(
        pages.equals(_FENCE.lease_id)(value)
    )
    return sa.or_(_ROW.id.in_(claimed), _ROW.id.in_(fenced))


_HAS_CONSUMER = sa.exists().where(_CONSUMER.device_id == _ROW.id)

#: ``Device.schedulable`` in SQL; never NULL.
_SCHEDULABLE = sa.and_(
    _ROW.present.is_not(None),
    _ROW.model_id.is_not(None),
    _ROW.provider_id.is_not(None),
    sa.func.coalesce(_ROW.total, 0) > 0,
    sa.func.coalesce(_ROW.reserved, 0) == 0,
    _SLOT.slot.is_not(None),
    _CLAIM.device_id.is_(None),
    ~_has_fence(),
    ~_HAS_CONSUMER,
)


def _schedulable(value: Any) -> sa.ColumnElement[bool]:
    asked = set(value) if isinstance(value, tuple | list) else {value}
    if asked == {True, False}:
        return sa.true()
    return _SCHEDULABLE if True in asked else ~_SCHEDULABLE


#: ``Device.availability`` in SQL, of what ``joined`` makes.
AVAILABILITY: sa.ColumnElement[str] = sa.case(
    (_ROW.present.is_(None), Availability.VANISHED.value),
    (
        sa.or_(
            _ROW.health == devices.Health.BAD,
            _has_fence(_FENCE.reason == Reason.HEALTH),
        ),
        Availability.SICK.value,
    ),
    (
        _has_fence(_FENCE.reason.not_in(devices.TOLD_OTHERWISE)),
        Availability.FENCED.value,
    ),
    (
        sa.or_(
            _CLAIM.device_id.is_not(None),
            _has_fence(_FENCE.reason == Reason.LEASE),
        ),
        Availability.LEASED.value,
    ),
    (_HAS_CONSUMER, Availability.OUTSIDE.value),
    (~_SCHEDULABLE, Availability.UNKNOWN.value),
    else_=Availability.FREE.value,
)


def _of_availability(value: Any) -> sa.ColumnElement[bool]:
    return pages.equals(AVAILABILITY)(value)


#: An agent reports other chips as well, such as that of a server's management
#: controller; Placement has none of those.
IS_GPU = sa.or_(_ROW.model_id.is_not(None), _ROW.provider_id.is_not(None))


def hosts_with(value: Any) -> sa.ColumnElement[bool]:
    """Hosts that have a GPU of such an availability."""
    found = joined(sa.select(_ROW.host_id)).where(
        IS_GPU, _of_availability(value)
    )
    return _HOST.id.in_(found.correlate(None))


PLAN = pages.Plan(
    noun="device",
    key=_ROW.uuid,
    sorts={
        "id": (_ROW.uuid,),
        "host": (_HOST.name, _ROW.pci_address),
        "pool": (_POOL.name, _HOST.name, _ROW.pci_address),
        "pci_address": (_ROW.pci_address, _HOST.name),
        "serial": (_ROW.serial,),
        "uuid": (_ROW.gpu_uuid,),
        "numa_node": (_ROW.numa_node,),
        "state": (_ROW.state,),
        "health": (_ROW.health,),
        "first_seen_at": (_ROW.first_seen_at,),
        "last_seen_at": (_SEEN,),
        "created_at": (_ROW.created_at,),
        "updated_at": (_ROW.updated_at,),
    },
    default="host",
    filters={
        "id": pages.equals(_ROW.uuid),
        "host": pages.equals(_HOST.name),
        "pool": pages.equals(_POOL.name),
        "model": pages.equals(_MODEL.name),
        "health": pages.equals(_ROW.health),
        "state": pages.equals(_ROW.state),
        "fence": _fenced,
        "lease_id": _held_by,
        "serial": pages.equals(_ROW.serial),
        "uuid": pages.equals(_ROW.gpu_uuid),
        "pci_address": pages.equals(_ROW.pci_address),
        "schedulable": _schedulable,
        "availability": _of_availability,
    },
)


def mirrored(device: devices.Device) -> dict[str, Any]:
    """The columns that show what Placement shows, and what we sent it."""
    return {
        "provider_id": device.provider_id,
        "provider_name": device.provider_name,
        "provider_generation": device.provider_generation,
        "resource_class": device.resource_class,
        "total": device.total,
        "reserved": device.reserved,
        "closing_generation": device.closing_generation,
    }


def values(device: devices.Device) -> dict[str, Any]:
    present = True if device.state is devices.State.PRESENT else None
    return {
        **mirrored(device),
        "pci_address": device.pci_address,
        "present": present,
        "vendor_id": device.vendor_id,
        "product_id": device.product_id,
        "subsystem_id": device.subsystem_id,
        # "" would be one serial that many cards share.
        "serial": device.serial or None,
        "gpu_uuid": device.uuid or None,
        "numa_node": device.numa_node,
        "driver": device.driver,
        "state": device.state,
        "health": device.health,
        "health_reasons": [
            dataclasses.asdict(reason) for reason in device.health_reasons
        ],
        "reported": device.reported,
        "first_seen_at": device.first_seen_at,
        "last_seen_at": device.last_seen_at,
        "updated_at": device.updated_at,
    }


def _mirrored(row: tables.Device) -> dict[str, Any]:
    """What the reconcile loop alone writes."""
    return {
        "provider_id": row.provider_id,
        "provider_name": row.provider_name,
        "provider_generation": row.provider_generation,
        "resource_class": row.resource_class,
        "total": row.total,
        "reserved": row.reserved,
        "closing_generation": row.closing_generation,
    }


def device(
    found: Any,
    fences_of: Sequence[tables.Fence],
    consumers: Sequence[str],
    traits: Sequence[str],
) -> devices.Device:
    row: tables.Device = found[0]
    reasons = [devices.HealthReason(**one) for one in row.health_reasons]
    return devices.Device(
        id=row.uuid,
        host=found.host,
        pci_address=row.pci_address,
        slot=found.slot,
        model=found.model,
        vendor_id=row.vendor_id,
        product_id=row.product_id,
        subsystem_id=row.subsystem_id,
        serial=row.serial,
        uuid=row.gpu_uuid,
        numa_node=row.numa_node,
        driver=row.driver,
        state=row.state,
        health=row.health,
        health_reasons=tuple(reasons),
        fences=tuple(fences.fence(one, row.uuid) for one in fences_of),
        reported=row.reported,
        **_mirrored(row),
        consumers=tuple(consumers),
        claimed_by=found.claimed_by,
        traits=tuple(traits),
        first_seen_at=row.first_seen_at,
        last_seen_at=found.seen_at,
        generation=row.generation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
