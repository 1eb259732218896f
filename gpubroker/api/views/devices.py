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


"""A device as the API shows it; operators only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gpubroker.api.call import Call
from gpubroker.api.views import times
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.services import ports

#: States in which a lease may hold claims.
_HOLDING = frozenset(leases.State) - leases.FINAL


def holders(
    tx: ports.Transaction, found: Collection[devices.Device]
) -> dict[str, str]:
    """Lease node -> lease, for the nodes that claim these devices."""
    if not any(device.claimed_by for device in found):
        return {}
    return {
        node.id: lease.id
        for lease in tx.leases.in_state(_HOLDING)
        for node in lease.nodes
    }


def show(
    call: Call, device: devices.Device, held: Mapping[str, str]
) -> dict[str, Any]:
    """:param held: see ``holders``."""
    return {
        "id": device.id,
        "host": device.host,
        "pci_address": device.pci_address,
        "slot": device.slot,
        "model": device.model,
        "vendor_id": device.vendor_id,
        "product_id": device.product_id,
        "subsystem_id": device.subsystem_id,
        "serial": device.serial,
        "uuid": device.uuid,
        "numa_node": device.numa_node,
        "driver": device.driver,
        "state": device.state,
        "health": device.health,
        "health_reasons": [
            {"rule": reason.rule, "detail": reason.detail}
            for reason in device.health_reasons
        ],
        "fences": [fence(found) for found in device.fences],
        "schedulable": device.schedulable,
        "availability": device.availability,
        "use": _use(device, held),
        "provider": _provider(device),
        "traits": list(device.traits),
        "first_seen_at": times.iso(device.first_seen_at),
        "last_seen_at": times.iso(device.last_seen_at),
        "generation": device.generation,
        **times.stamps(device),
        "links": call.link("devices", device.id),
    }


def fence(found: fences.Fence) -> dict[str, Any]:
    return {
        "reason": found.reason,
        "detail": found.detail,
        "by": found.by,
        "lease_id": found.lease_id,
        "created_at": times.iso(found.created_at),
    }


def in_use(device: devices.Device) -> bool:
    return bool(device.consumers or device.claimed_by)


def _use(device: devices.Device, held: Mapping[str, str]) -> dict[str, Any]:
    kind = "free"
    if device.claimed_by:
        kind = "lease" if device.consumers else "claimed"
    elif device.consumers:
        kind = "external"
    return {
        "kind": kind,
        "lease_id": held.get(device.claimed_by or ""),
        "consumers": list(device.consumers),
    }


def _provider(device: devices.Device) -> dict[str, Any] | None:
    if device.provider_id is None:
        return None
    return {
        "id": device.provider_id,
        "name": device.provider_name,
        "resource_class": device.resource_class,
        "total": device.total,
        "reserved": device.reserved,
    }
