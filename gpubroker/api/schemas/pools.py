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


"""Bodies and queries of pools."""

from __future__ import annotations

from gpubroker.api.schemas import types
from gpubroker.domain import devices
from gpubroker.domain import pools

_FIELDS: dict[str, types.Schema] = {
    "description": types.text(1024),
    "admission": types.one_of(*pools.Admission),
    "projects": types.distinct(types.KEYSTONE_ID, 1000),
}

CREATE = types.closed({"name": types.NAME, **_FIELDS}, ("name",))

UPDATE = types.changed(_FIELDS)

_DEVICES = types.whole(
    {
        "total": types.integer(0),
        **{one.value: types.integer(0) for one in devices.Availability},
        "withheld": types.integer(0),
    }
)

_SEEN: dict[str, types.Schema] = {
    "name": types.NAME,
    **_FIELDS,
    "hosts": types.integer(0),
    "devices": _DEVICES,
    **types.STAMPS,
}

_FOR_OPERATORS = {"projects", "devices"}

POOL = types.closed(
    _SEEN, tuple(name for name in _SEEN if name not in _FOR_OPERATORS)
)

LIST = types.listing("pools", POOL)

QUERY = types.page_query(
    ("name", "created_at", "updated_at"),
    {
        "name": types.any_of(types.NAME),
        "admission": types.any_of(types.one_of(*pools.Admission)),
    },
)
