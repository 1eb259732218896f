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

"""Hosts that are away while leases run there."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import View
from gpubroker.audit.findings import Finding


def check(view: View) -> Iterator[Finding]:
    services = {service.host: service for service in view.seen.services}
    running: dict[str, set[str]] = {}
    for lease, node in view.open_nodes:
        if lease.state == "active" and node.host:
            running.setdefault(node.host, set()).add(lease.id)
    for host, leases in sorted(running.items()):
        service = services.get(host)
        if service is None:
            how = "has no compute service in Nova"
        elif service.hidden:
            continue
        elif not service.up:
            how = "is down"
        elif not service.enabled:
            how = "is disabled"
            how += f" ({service.reason})" if service.reason else ""
        else:
            continue
        yield findings.note(
            "host-away",
            (host, how),
            f"Host {host} {how}, and {len(leases)} leases run there.",
        )
