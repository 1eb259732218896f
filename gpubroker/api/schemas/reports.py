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


"""What an agent says of its host, and what it is told.

No time but those of observations: a host on which nothing changed sends the
same bytes again.
"""

from __future__ import annotations

from gpubroker.api.schemas import types

_SHORT = types.nullable(types.text(255))

_LANES = types.nullable(types.integer(0, 1024))
_SPEED: types.Schema = {
    "type": ["number", "null"],
    "minimum": 0,
    "maximum": 10_000,
}

_LINK = types.nullable(
    types.closed(
        {
            "width": _LANES,
            "max_width": _LANES,
            "speed": _SPEED,
            "max_speed": _SPEED,
        }
    )
)

_NVML = types.nullable(
    types.closed(
        {
            "errors": types.many(
                types.closed(
                    {
                        "function": types.text(255),
                        "code": types.integer(-types.MAX_INT),
                    },
                    ("function", "code"),
                ),
                256,
            )
        },
        ("errors",),
    )
)

_DEVICE = types.closed(
    {
        "pci_address": types.PCI_ADDRESS,
        "vendor_id": types.HEX4,
        "product_id": types.HEX4,
        "subsystem_id": types.nullable(types.SUBSYSTEM),
        "class_id": types.nullable(types.text(16)),
        "revision": types.nullable(types.text(16)),
        "numa_node": types.nullable(types.integer(0, 4096)),
        "driver": _SHORT,
        "iommu_group": _SHORT,
        "link": _LINK,
        "on_bus": {"type": ["boolean", "null"]},
        "serial": _SHORT,
        "uuid": _SHORT,
        "name": _SHORT,
        "nvml": _NVML,
    },
    ("pci_address", "vendor_id", "product_id"),
)

_OBSERVATION = types.closed(
    {
        "id": types.text(255, 1),
        "kind": types.one_of("xid", "off_bus", "aer", "other"),
        "pci_address": types.PCI_ADDRESS,
        "code": types.nullable(types.integer(0)),
        "text": types.text(4096),
        "at": types.TIME,
    },
    ("id", "kind", "pci_address", "code", "text", "at"),
)

_CONDITION = types.closed(
    {
        "kind": {
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "pattern": "^[a-z][a-z0-9_]*$",
        },
        "detail": types.text(4096),
    },
    ("kind",),
)

REPORT = types.closed(
    {
        "agent": types.closed(
            {"version": types.text(255, 1), "boot_id": types.text(255, 1)},
            ("version", "boot_id"),
        ),
        "devices": types.many(_DEVICE, 64),
        "observations": types.many(_OBSERVATION, 100),
        "conditions": types.many(_CONDITION, 64),
    },
    ("agent", "devices", "observations", "conditions"),
)

ANSWER = types.whole(
    {
        "changed": {"type": "boolean"},
        "interval": types.integer(1),
        "claimed": types.many(types.PCI_ADDRESS),
        "orders": types.many(types.closed({}), 0),
    }
)
