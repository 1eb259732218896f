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


"""Bodies and queries of models."""

from __future__ import annotations

from gpubroker.api.schemas import types
from gpubroker.domain import models

_FIELDS: dict[str, types.Schema] = {
    "family": types.NAME,
    "vendor": types.LABEL,
    "vendor_id": types.HEX4,
    "product_ids": types.distinct(types.HEX4, 64, 1),
    "subsystem_ids": types.distinct(types.SUBSYSTEM, 64),
    "memory_mib": types.integer(1),
    "resource_class": types.CUSTOM_NAME,
    "alias": types.NAME,
    "device_type": types.one_of(*models.DeviceType),
    "board_slots": types.integer(0, 64),
    "blocks": types.distinct(types.distinct(types.integer(0, 63), 64, 1), 256),
}

CREATE = types.closed(
    {"name": types.NAME, **_FIELDS},
    ("name", "family", "vendor", "vendor_id", "product_ids", "memory_mib"),
)

UPDATE = types.changed(_FIELDS)

MODEL = types.whole(
    {
        "name": types.NAME,
        **_FIELDS,
        "builtin": {"type": "boolean"},
        **types.STAMPS,
    }
)

LIST = types.listing("models", MODEL)

QUERY = types.page_query(
    (
        "name",
        "family",
        "vendor",
        "memory_mib",
        "resource_class",
        "created_at",
        "updated_at",
    ),
    {
        "family": types.any_of(types.NAME),
        "vendor": types.any_of(types.LABEL),
    },
)
