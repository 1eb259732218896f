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

"""Neutron: ports that say they belong to a server."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from gpubroker.audit.reading.service import Service
from gpubroker.audit.reading.service import time
from gpubroker.audit.snapshot import Port

_FIELDS = ("id", "device_id", "device_owner", "binding:host_id", "created_at")
#: So that no URL becomes too long for any server in between.
_CHUNK = 50


def ports(
    neutron: Service, hosts: Iterable[str], servers: Iterable[str]
) -> tuple[Port, ...]:
    """On these hosts, and of these servers; a port of another server
    elsewhere is none of the broker's business."""
    found = {
        record["id"]: record
        for key, values in (("binding:host_id", hosts), ("device_id", servers))
        for record in _listed(neutron, key, values)
        if record.get("device_owner", "").startswith("compute:")
    }
    return tuple(
        Port(
            id=record["id"],
            device_id=record["device_id"],
            host=record.get("binding:host_id") or "",
            created_at=time(record.get("created_at")),
        )
        for record in found.values()
    )


def _listed(
    neutron: Service, key: str, values: Iterable[str]
) -> Iterator[dict[str, Any]]:
    left = iter(sorted(values))
    while chunk := list(itertools.islice(left, _CHUNK)):
        asked: dict[str, Any] = {"fields": _FIELDS, key: chunk}
        yield from neutron.pages("/ports", "ports", "ports_links", **asked)
