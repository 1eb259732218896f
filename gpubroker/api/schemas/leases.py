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


"""Bodies and queries of leases."""

from __future__ import annotations

from gpubroker.api.schemas import types
from gpubroker.api.schemas import workloads
from gpubroker.domain import leases
from gpubroker.domain import steps

#: Of a lease without an end of its own, and from a minute to a year.
_DURATION = types.integer(60, 31_536_000)

CREATE = types.closed(
    {
        "id": types.UUID,
        "name": types.NOVA_NAME,
        "flavor": types.NAME,
        "nodes": types.integer(1, 64),
        "pool": types.NAME,
        "duration": _DURATION,
        "workload": workloads.ORDER,
    },
    ("name", "flavor", "workload"),
)

ADOPT = types.closed(
    {
        "server_id": types.UUID,
        "name": types.NOVA_NAME,
        "flavor": types.NAME,
        "duration": _DURATION,
    },
    ("server_id",),
)

UPDATE = types.changed({"name": types.NOVA_NAME})

EXTEND = types.closed(
    {"by": types.integer(1, 31_536_000), "until": types.TIME}
)
EXTEND["oneOf"] = [{"required": ["by"]}, {"required": ["until"]}]

_QUEUE = types.whole(
    {
        "place": types.nullable(types.integer(1)),
        "waiting_for": types.text(4096),
    }
)

_DEVICE = types.whole(
    {
        "id": types.UUID,
        "pci_address": types.PCI_ADDRESS,
        "slot": types.nullable(types.integer(0)),
        "serial": types.nullable(types.text(255)),
    }
)

_SERVER: dict[str, types.Schema] = {
    "node": types.integer(0),
    "id": types.nullable(types.UUID),
    "name": types.text(300),
    "status": types.nullable(types.text(64)),
    "addresses": types.many(types.text(64)),
    "key_name": types.nullable(types.text(255)),
    "login": types.nullable(types.text(512)),
    "console_url": types.nullable(types.text(4096)),
    "fault": types.text(65536),
}

#: ``host`` and ``devices`` are there for operators only.
_SEEN_SERVER = types.closed(
    {
        **_SERVER,
        "host": types.nullable(types.HOST_NAME),
        "devices": types.many(_DEVICE),
    },
    tuple(_SERVER),
)

_STEP = types.whole(
    {
        "node": types.nullable(types.integer(0)),
        "step": types.text(255),
        "state": types.one_of(*steps.StepState),
        "begun_at": types.TIME,
        "done_at": types.nullable(types.TIME),
    }
)

_LEASE: dict[str, types.Schema] = {
    "id": types.UUID,
    "name": types.text(255),
    "project_id": types.text(255),
    "user_id": types.text(255),
    "flavor": types.NAME,
    "models": types.many(types.NAME),
    "model": types.nullable(types.NAME),
    "gpus": types.integer(1),
    "nodes": types.integer(1, 64),
    "pool": types.NAME,
    "state": types.one_of(*leases.State),
    "target": types.one_of(*leases.State),
    "reason": types.text(65536),
    "end_cause": types.nullable(types.one_of(*leases.EndCause)),
    "queue": types.nullable(_QUEUE),
    "duration": types.nullable(types.integer(1)),
    "requested_at": types.TIME,
    "started_at": types.nullable(types.TIME),
    "expires_at": types.nullable(types.TIME),
    "ended_at": types.nullable(types.TIME),
    "identity_mode": types.one_of(*leases.IdentityMode),
    "attempts": types.integer(0),
    "workload": workloads.SEEN,
    "servers": types.many(_SEEN_SERVER, 64),
    "progress": types.many(_STEP),
    **types.STAMPS,
}

LEASE = types.whole(_LEASE)

#: Consoles cost a question to Nova a server, so only who wants them asks.
SHOW_QUERY = types.closed({"console": {"type": "boolean"}})

#: A list leaves out what costs a question a lease.
LIST = types.listing(
    "leases",
    types.closed(_LEASE, tuple(n for n in _LEASE if n != "progress")),
)

QUERY = types.page_query(
    (
        "id",
        "name",
        "state",
        "flavor",
        "pool",
        "requested_at",
        "started_at",
        "expires_at",
        "created_at",
        "updated_at",
    ),
    {
        "name": types.any_of(types.LABEL),
        "state": types.any_of(types.one_of(*leases.State)),
        "flavor": types.any_of(types.NAME),
        "pool": types.any_of(types.NAME),
        "project_id": types.any_of(types.KEYSTONE_ID),
        "all_projects": {"type": "boolean"},
    },
)
