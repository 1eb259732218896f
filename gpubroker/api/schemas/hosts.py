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


"""Bodies and queries of hosts; a report has a module of its own."""

from __future__ import annotations

from gpubroker.api.schemas import types
from gpubroker.domain import devices
from gpubroker.domain import hosts

CREATE = types.closed(
    {
        "name": types.HOST_NAME,
        "hypervisor_hostname": types.HOST_NAME,
        "pool": types.NAME,
        "mode": types.one_of(*hosts.Mode),
    },
    ("name",),
)

UPDATE = types.changed({"pool": types.NAME, "mode": types.one_of(*hosts.Mode)})

BIND = types.closed({"user_id": types.KEYSTONE_ID}, ("user_id",))

_AGENT = types.whole(
    {
        "user_id": types.nullable(types.KEYSTONE_ID),
        "version": types.nullable(types.text(255)),
        "heartbeat_at": types.nullable(types.TIME),
        "boot_id": types.nullable(types.text(255)),
        "state": types.one_of("reporting", "silent", "never"),
    }
)

DRAIN = types.closed({"detail": types.text(1024)})

_DRAIN = types.whole(
    {"at": types.TIME, "detail": types.text(1024), "by": types.text(255)}
)

_CONDITION = types.whole({"kind": types.text(255), "detail": types.text(4096)})

_CAPACITY = types.whole(
    {
        "resource_class": types.text(255),
        "total": types.integer(0),
        "reserved": types.integer(0),
        "allocation_ratio": {"type": "number", "minimum": 0},
        "used": types.integer(0),
        "free": types.integer(0),
    }
)

_DEVICES = types.whole(
    {
        "total": types.integer(0),
        "schedulable": types.integer(0),
        "fenced": types.integer(0),
        "in_use": types.integer(0),
        "vanished": types.integer(0),
    }
)

HOST = types.whole(
    {
        "name": types.HOST_NAME,
        "hypervisor_hostname": types.HOST_NAME,
        "pool": types.NAME,
        "mode": types.one_of(*hosts.Mode),
        "compute_state": types.one_of(*hosts.ComputeState),
        "compute_reason": types.text(4096),
        "provider_id": types.nullable(types.UUID),
        "agent": _AGENT,
        "suspect_until": types.nullable(types.TIME),
        "suspect_reason": types.text(4096),
        "drain": types.nullable(_DRAIN),
        "conditions": types.many(_CONDITION),
        "capacities": types.many(_CAPACITY),
        "devices": _DEVICES,
        **types.STAMPS,
    }
)

LIST = types.listing("hosts", HOST)

QUERY = types.page_query(
    (
        "name",
        "hypervisor_hostname",
        "pool",
        "mode",
        "compute_state",
        "heartbeat_at",
        "created_at",
        "updated_at",
    ),
    {
        "pool": types.any_of(types.NAME),
        "mode": types.any_of(types.one_of(*hosts.Mode)),
        "compute_state": types.any_of(types.one_of(*hosts.ComputeState)),
        "name": types.any_of(types.HOST_NAME),
        "device_availability": types.any_of(
            types.one_of(*devices.Availability)
        ),
    },
)

CONFIG = types.whole(
    {
        "nova_conf": types.text(1_000_000),
        "provider_yaml": types.text(1_000_000),
        "slots": types.map_of(types.PCI_ADDRESS, types.integer(0), 4096),
    }
)
