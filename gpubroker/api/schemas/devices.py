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


"""Bodies and queries of devices and their fences."""

from __future__ import annotations

from gpubroker.api.schemas import types
from gpubroker.domain import devices
from gpubroker.domain import fences

_REASONS = types.one_of(*fences.Reason)

FENCE = types.whole(
    {
        "reason": _REASONS,
        "detail": types.text(4096),
        "by": types.text(255),
        "lease_id": types.nullable(types.UUID),
        "created_at": types.nullable(types.TIME),
    }
)

FENCES = types.whole({"fences": types.many(FENCE, len(fences.Reason))})

SET_FENCE = types.closed({"detail": types.text(1024)})

LIFT_FENCE = types.closed({"detail": types.text(1024)})

_HEALTH_REASON = types.whole(
    {"rule": types.text(255), "detail": types.text(4096)}
)

_USE = types.whole(
    {
        "kind": types.one_of("free", "lease", "claimed", "external"),
        "lease_id": types.nullable(types.UUID),
        "consumers": types.many(types.text(64)),
    }
)

_PROVIDER = types.whole(
    {
        "id": types.UUID,
        "name": types.nullable(types.text(255)),
        "resource_class": types.nullable(types.text(255)),
        "total": types.nullable(types.integer(0)),
        "reserved": types.nullable(types.integer(0)),
    }
)

DEVICE = types.whole(
    {
        "id": types.UUID,
        "host": types.HOST_NAME,
        "pci_address": types.PCI_ADDRESS,
        "slot": types.nullable(types.integer(0)),
        "model": types.nullable(types.NAME),
        "vendor_id": types.text(8),
        "product_id": types.text(8),
        "subsystem_id": types.text(16),
        "serial": types.nullable(types.text(255)),
        "uuid": types.nullable(types.text(255)),
        "numa_node": types.nullable(types.integer(0)),
        "driver": types.nullable(types.text(255)),
        "state": types.one_of(*devices.State),
        "health": types.one_of(*devices.Health),
        "health_reasons": types.many(_HEALTH_REASON),
        "fences": types.many(FENCE, len(fences.Reason)),
        "schedulable": {"type": "boolean"},
        "availability": types.one_of(*devices.Availability),
        "use": _USE,
        "provider": types.nullable(_PROVIDER),
        "traits": types.many(types.text(255)),
        "first_seen_at": types.nullable(types.TIME),
        "last_seen_at": types.nullable(types.TIME),
        **types.STAMPS,
    }
)

LIST = types.listing("devices", DEVICE)

QUERY = types.page_query(
    (
        "id",
        "host",
        "pool",
        "pci_address",
        "serial",
        "numa_node",
        "state",
        "health",
        "first_seen_at",
        "last_seen_at",
        "created_at",
        "updated_at",
    ),
    {
        "host": types.any_of(types.HOST_NAME),
        "pool": types.any_of(types.NAME),
        "model": types.any_of(types.NAME),
        "health": types.any_of(types.one_of(*devices.Health)),
        "state": types.any_of(types.one_of(*devices.State)),
        "fence": types.any_of(types.one_of(*fences.Reason, "any")),
        "lease_id": types.any_of(types.UUID),
        "serial": types.any_of(types.LABEL),
        "uuid": types.any_of(types.LABEL),
        "pci_address": types.any_of(types.PCI_ADDRESS),
        "schedulable": {"type": "boolean"},
        "availability": types.any_of(types.one_of(*devices.Availability)),
    },
)
