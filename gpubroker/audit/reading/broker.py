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

"""The broker itself, through the API that everybody has."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping
from concurrent import futures
from typing import Any

from gpubroker.audit.reading.service import CannotLook
from gpubroker.audit.reading.service import Service
from gpubroker.audit.reading.service import time
from gpubroker.audit.snapshot import Device
from gpubroker.audit.snapshot import Fence
from gpubroker.audit.snapshot import Host
from gpubroker.audit.snapshot import Lease
from gpubroker.audit.snapshot import Model
from gpubroker.audit.snapshot import Node
from gpubroker.audit.snapshot import Offer
from gpubroker.audit.snapshot import Planned

#: How long the things of a lease that is over are looked for.
MEMORY = datetime.timedelta(days=1)

_OPEN = "queued,starting,active,ending"
_OVER = "ended,failed"

#: Events with which a lease begins to start or to end.
_MOVES = (
    "lease.starting",
    "lease.start_failed",
    "lease.start_refused",
    "lease.ending",
)


def installation(broker: Service) -> str:
    """Its name is part of the name of everything that it makes."""
    return str(broker.get("/installation").body["name"])


def leases(broker: Service, now: datetime.datetime) -> tuple[Lease, ...]:
    """All that are open, and those that ended lately.

    A lease that ends between both lists would be missing, so that they are
    read in this order; where one is in both, the later answer is true.
    """
    found = {}
    for record in _pages(broker, "leases", all_projects="true", state=_OPEN):
        found[record["id"]] = _lease(broker, record)
    over = _pages(
        broker,
        "leases",
        all_projects="true",
        state=_OVER,
        sort_key="updated_at",
        sort_dir="desc",
    )
    for record in over:
        lease = _lease(broker, record)
        if lease.updated_at is None or lease.updated_at < now - MEMORY:
            break
        found[lease.id] = lease
    return tuple(found.values())


def moved(
    broker: Service,
    found: tuple[Lease, ...],
    before: datetime.datetime,
    pool: futures.Executor,
) -> tuple[Lease, ...]:
    """The same leases; those that start or end, and were ordered before a
    time, with since when."""

    def dated(lease: Lease) -> Lease:
        old = lease.requested_at is not None and lease.requested_at < before
        if not old or lease.state not in ("starting", "ending"):
            return lease
        return dataclasses.replace(lease, moved_at=_moved_at(broker, lease))

    return tuple(pool.map(dated, found))


def _moved_at(broker: Service, lease: Lease) -> datetime.datetime | None:
    """Each new try has such an event, and so has a failed one that is
    undone."""
    answer = broker.find(
        f"/leases/{lease.id}/events",
        kind=",".join(_MOVES),
        sort_key="id",
        sort_dir="desc",
        limit=1,
    )
    events = answer.body["events"] if answer else []
    return time(events[0]["at"]) if events else None


def devices(broker: Service) -> tuple[Device, ...]:
    return tuple(map(_device, _pages(broker, "devices")))


def hosts(broker: Service) -> tuple[Host, ...]:
    return tuple(
        Host(
            name=record["name"],
            hypervisor=record["hypervisor_hostname"],
            pool=record["pool"],
            managed=record["mode"] == "manage",
        )
        for record in _pages(broker, "hosts")
    )


def models(broker: Service) -> tuple[Model, ...]:
    return tuple(
        Model(
            name=record["name"],
            resource_class=record["resource_class"],
            alias=record["alias"],
        )
        for record in _pages(broker, "models")
    )


def offers(broker: Service) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            flavor=record["flavor"],
            available=record["available"],
            hosts={h["host"]: h["free"] for h in record.get("hosts", ())},
        )
        for record in broker.get("/offers").body["offers"]
    )


def _pages(
    broker: Service, name: str, **params: Any
) -> Iterator[dict[str, Any]]:
    return broker.pages(f"/{name}", name, "links", **params)


def _lease(broker: Service, record: Mapping[str, Any]) -> Lease:
    queue = record["queue"] or {}
    return Lease(
        id=record["id"],
        name=record["name"],
        project_id=record["project_id"],
        user_id=record["user_id"],
        flavor=record["flavor"],
        pool=record["pool"],
        state=record["state"],
        target=record["target"],
        models=tuple(record["models"]),
        gpus=record["gpus"],
        reason=record["reason"] or "",
        zone=record["workload"].get("availability_zone"),
        image=record["workload"].get("image"),
        identity_mode=record["identity_mode"],
        place=queue.get("place"),
        requested_at=time(record["requested_at"]),
        started_at=time(record["started_at"]),
        ended_at=time(record["ended_at"]),
        updated_at=time(record["updated_at"]),
        nodes=tuple(_node(broker, server) for server in record["servers"]),
    )


def _node(broker: Service, record: Mapping[str, Any]) -> Node:
    if "host" not in record:
        raise CannotLook(
            broker.name,
            "does not tell the hosts of leases: policy "
            "gpubroker:lease:show:detail has to allow it",
        )
    return Node(
        index=record["node"],
        server_id=record["id"],
        host=record["host"],
        cards=tuple(
            Planned(
                device_id=card["id"],
                address=card["pci_address"],
                slot=card["slot"],
            )
            for card in record["devices"]
        ),
    )


def _device(record: Mapping[str, Any]) -> Device:
    use = record["use"]
    return Device(
        id=record["id"],
        host=record["host"],
        address=record["pci_address"],
        model=record["model"],
        present=record["state"] == "present",
        fences=tuple(
            Fence(
                reason=fence["reason"],
                lease_id=fence["lease_id"],
                created_at=time(fence["created_at"]),
            )
            for fence in record["fences"]
        ),
        lease_id=use["lease_id"],
        claimed=use["kind"] in ("lease", "claimed"),
        consumers=tuple(use["consumers"]),
        provider_id=(record["provider"] or {}).get("id"),
        schedulable=record["schedulable"],
        updated_at=time(record["updated_at"]),
    )
