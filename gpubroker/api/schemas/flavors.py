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


"""Bodies and queries of flavors."""

from __future__ import annotations

from gpubroker.api.schemas import types
from gpubroker.domain import flavors

#: Only ``hw:`` properties: aliases, resources and traits are the broker's.
_EXTRA_SPECS = types.map_of(
    {"maxLength": 255, "pattern": "^hw:[A-Za-z0-9_.:-]+$"},
    types.text(255, 1),
    64,
)

_FIELDS: dict[str, types.Schema] = {
    "description": types.text(1024),
    "kind": types.one_of(*flavors.Kind),
    "models": types.distinct(types.NAME, 32, 1),
    "gpus": types.integer(1, 64),
    "vcpus": types.integer(1, 65536),
    "ram_mib": types.integer(1),
    "disk_gib": types.integer(0, 1_000_000),
    "topology": types.one_of(*flavors.Topology),
    "extra_specs": _EXTRA_SPECS,
    "traits": types.distinct(types.TRAIT, 64),
}

CREATE = types.closed(
    {"name": types.NAME, **_FIELDS},
    ("name", "models", "gpus", "vcpus", "ram_mib", "disk_gib"),
)

UPDATE = types.changed({"name": types.NAME, **_FIELDS})

FLAVOR = types.whole(
    {
        "id": types.UUID,
        "name": types.NAME,
        **_FIELDS,
        **types.STAMPS,
    }
)

LIST = types.listing("flavors", FLAVOR)

QUERY = types.page_query(
    (
        "id",
        "name",
        "gpus",
        "vcpus",
        "ram_mib",
        "disk_gib",
        "created_at",
        "updated_at",
    ),
    {
        "name": types.any_of(types.NAME),
        "model": types.any_of(types.NAME),
        "kind": types.any_of(types.one_of(*flavors.Kind)),
    },
)
