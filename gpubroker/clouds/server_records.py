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

"""A server as Nova writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpubroker.services import ports


def server(record: dict[str, Any]) -> ports.Server:
    """From a record that may be partial.

    Of a server whose cell is down Nova knows little more than whose it is
    (microversion 2.69; API guide, "Handling Down Cells"); in a list not even
    its user and flavor.
    """
    flavor = record.get("flavor", {})
    return ports.Server(
        id=record["id"],
        name=record.get("name", ""),
        status=record["status"],
        project_id=record["tenant_id"],
        user_id=record.get("user_id", ""),
        flavor=flavor.get("original_name", ""),
        host=record.get("OS-EXT-SRV-ATTR:host"),
        hypervisor_hostname=record.get("OS-EXT-SRV-ATTR:hypervisor_hostname"),
        task_state=record.get("OS-EXT-STS:task_state"),
        fault=record.get("fault", {}).get("message", ""),
        addresses=_addresses(record.get("addresses", {})),
        key_name=record.get("key_name"),
        tags=tuple(record.get("tags", ())),
        created_at=record.get("created", ""),
        launched_at=record.get("OS-SRV-USG:launched_at") or "",
        # A server that boots from a volume has "" here.
        image=(record.get("image") or {}).get("id"),
        size=ports.Size(
            vcpus=flavor.get("vcpus", 0),
            ram_mib=flavor.get("ram", 0),
            disk_gib=flavor.get("disk", 0),
            extra_specs=flavor.get("extra_specs") or {},
        ),
    )


def _addresses(networks: Mapping[str, Any]) -> tuple[str, ...]:
    """Floating ones first: a project's own network is seldom reached from
    outside, which is what they are for."""
    found = [one for network in networks.values() for one in network]
    found.sort(key=lambda one: one.get("OS-EXT-IPS:type") != "floating")
    return tuple(one["addr"] for one in found)
