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

"""Leases that do not move although they should."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import View
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Device
from gpubroker.audit.snapshot import Lease
from gpubroker.audit.snapshot import Offer
from gpubroker.audit.snapshot import Time


def check(view: View) -> Iterator[Finding]:
    offers = {offer.flavor: offer for offer in view.seen.offers}
    for lease in view.seen.leases:
        if lease.state in ("starting", "ending"):
            yield from _stuck(view, lease)
        elif lease.state == "queued" and lease.flavor in offers:
            yield from _idle(view, lease, offers[lease.flavor])


def _stuck(view: View, lease: Lease) -> Iterator[Finding]:
    since = lease.moved_at or lease.updated_at
    if _long(view, since):
        yield findings.warning(
            "lease-stuck",
            (lease.id, lease.state),
            f"Lease {lease.name} ({lease.id}) is {lease.state} for "
            f"{_minutes(view, since)} minutes"
            + (f": {lease.reason}" if lease.reason else "."),
            f"What it did last: openstack gpu lease show {lease.id}; the "
            "worker's log tells what it waits for.",
            since,
        )


def _idle(view: View, lease: Lease, offer: Offer) -> Iterator[Finding]:
    """Only what the broker itself says leaves no doubt: the next in its
    queue, no zone asked for, enough offered, on hosts of its pool, and cards
    there that have been free all the time."""
    if (
        lease.place != 1
        or lease.zone
        or not _long(view, lease.requested_at)
        or offer.available < len(lease.nodes or (None,))
    ):
        return
    open_hosts = {name for name, free in offer.hosts.items() if free}
    pools = {
        view.hosts[name].pool for name in open_hosts if name in view.hosts
    }
    if pools != {lease.pool}:
        return
    lasting = [d for d in view.seen.devices if _lay_free(view, lease, d)]
    ready = [
        host
        for host in sorted(open_hosts)
        if sum(d.host == host for d in lasting) >= lease.gpus
    ]
    if ready:
        yield findings.warning(
            "lease-idle",
            (lease.id,),
            f"Lease {lease.name} ({lease.id}) waits for "
            f"{_minutes(view, lease.requested_at)} minutes as the next in "
            f"pool {lease.pool}, while {', '.join(ready)} could take it: "
            f"{lease.reason}",
            "Look whether a worker runs and owns the pool, and for its "
            "warnings.",
            lease.requested_at,
        )


def _lay_free(view: View, lease: Lease, device: Device) -> bool:
    return (
        device.schedulable
        and device.model in lease.models
        and _long(view, device.updated_at)
    )


def _long(view: View, since: Time) -> bool:
    return since is not None and _age(view, since) > view.patience.lease


def _age(view: View, since: datetime.datetime) -> datetime.timedelta:
    return view.seen.taken_at - since


def _minutes(view: View, since: Time) -> int:
    return int(_age(view, since).total_seconds() // 60) if since else 0
