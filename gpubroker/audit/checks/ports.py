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

"""Ports of Neutron whose server is gone."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import View
from gpubroker.audit.findings import Finding


def check(view: View) -> Iterator[Finding]:
    leased = {
        node.server_id: lease
        for lease in view.seen.leases
        for node in lease.nodes
        if node.server_id
    }
    for port in view.seen.ports:
        if port.device_id in view.seen.servers:
            continue
        lease = leased.get(port.device_id)
        if lease is not None:
            yield findings.error(
                "port-left",
                (port.id,),
                f"Port {port.id} is of server {port.device_id} of lease "
                f"{lease.name} ({lease.id}), and the server is gone.",
                "Nova should have removed it: openstack port delete "
                f"{port.id}",
                findings.latest(port.created_at, lease.updated_at),
            )
        else:
            yield findings.warning(
                "port-left-around",
                (port.id,),
                f"Port {port.id} on GPU host {port.host} is of server "
                f"{port.device_id}, and Nova has no such server.",
                "It may be of a start that failed, or of a server without a "
                "lease. When nobody needs it: openstack port delete "
                f"{port.id}",
                port.created_at,
            )
