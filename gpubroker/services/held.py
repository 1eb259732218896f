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

"""Keep the cards of a lease closed in Placement."""

from __future__ import annotations

from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.services import change


def close(now: change.Change, node: leases.Node) -> None:
    """Fence them, so that the end of the server never opens one."""
    for device_id in node.planned:
        now.tx.fences.add(
            fences.Fence(
                device_id=device_id,
                reason=fences.Reason.LEASE,
                detail=f"lease {now.lease.id}",
                by="gpubroker",
                lease_id=now.lease.id,
                created_at=now.now,
            )
        )


def open_(now: change.Change, node: leases.Node) -> None:
    """For the lease's own server; nobody else's: they stay claimed."""
    for device_id in node.planned:
        now.tx.fences.remove(device_id, fences.Reason.LEASE)
