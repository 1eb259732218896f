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

"""Whether leases and devices of the broker say the same of each other."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import View
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Device

_DATABASE = (
    "This is wrong in the broker's own database: keep its workers from "
    "starting anything (stop them) until you know why."
)


def check(view: View) -> Iterator[Finding]:
    planned: dict[str, str] = {}
    for lease, node in view.open_nodes:
        if node.host is None:
            continue
        for card in node.cards:
            planned[card.device_id] = lease.id
            device = view.device_ids.get(card.device_id)
            if device is None or device.lease_id != lease.id:
                yield findings.error(
                    "claim-lost",
                    (card.device_id, lease.id),
                    f"Lease {lease.name} ({lease.id}) is {lease.state} and "
                    f"has the card {card.address} of {node.host}, and the "
                    "card does not say so: another lease could get it.",
                    _DATABASE,
                    lease.updated_at,
                )
    for device in view.seen.devices:
        rightful = planned.get(device.id)
        if device.claimed and (
            rightful is None or rightful != device.lease_id
        ):
            yield _left(device)


def _left(device: Device) -> Finding:
    whose = f"lease {device.lease_id}" if device.lease_id else "a lease"
    return findings.error(
        "claim-left",
        (device.id, device.lease_id or ""),
        f"The card {device.address} of {device.host} is claimed by {whose}, "
        "and no open lease has it: nobody else can get it.",
        _DATABASE,
    )
