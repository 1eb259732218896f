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

"""Placement: what is there, what is closed, and who holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent import futures
from dataclasses import dataclass
from typing import Any

from gpubroker.audit import names
from gpubroker.audit.reading.service import Service
from gpubroker.audit.snapshot import Card
from gpubroker.audit.snapshot import Ticket

MICROVERSION = "1.39"

#: Nova puts this trait on the provider of every PCI device that it manages.
_MANAGED = "COMPUTE_MANAGED_PCI_DEVICE"

_ADDRESS = re.compile(
    r"^(?P<root>.+)_"
    r"(?P<domain>[0-9A-F]{4,8})(?P<rest>:[0-9A-F]{2}:[0-9A-F]{2}\.[0-7])$"
)


def cards(placement: Service, pool: futures.Executor) -> tuple[Card, ...]:
    """Two calls for each: Placement has no list of inventories."""
    listed = placement.get("/resource_providers", required=_MANAGED).body
    found = pool.map(
        lambda record: _card(placement, record), listed["resource_providers"]
    )
    return tuple(card for card in found if card is not None)


def _card(placement: Service, record: Mapping[str, Any]) -> Card | None:
    match = _ADDRESS.match(record["name"])
    if match is None:
        return None
    path = f"/resource_providers/{record['uuid']}"
    inventories = placement.find(f"{path}/inventories")
    allocations = placement.find(f"{path}/allocations")
    if inventories is None or allocations is None:
        # Nova has just deleted it.
        return None
    by_class = inventories.body["inventories"]
    resource_class = min(by_class, default=None)
    inventory = by_class.get(resource_class, {})
    holders = {
        consumer: held["resources"].get(resource_class, 0)
        for consumer, held in allocations.body["allocations"].items()
    }
    return Card(
        id=record["uuid"],
        name=record["name"],
        hypervisor=match["root"],
        address=f"{int(match['domain'], 16):04x}{match['rest'].lower()}",
        resource_class=resource_class,
        total=inventory.get("total", 0),
        reserved=inventory.get("reserved", 0),
        holders=holders,
        held_at=allocations.modified_at if holders else None,
    )


@dataclass(frozen=True, slots=True)
class Brokers:
    """What brokers have made, of all installations.

    :param traces: names of their marks and of their tickets' providers.
    """

    tickets: tuple[Ticket, ...]
    traces: tuple[str, ...]


def brokers(placement: Service, pool: futures.Executor) -> Brokers:
    """Every ticket with its inventories, if it has any."""
    classes = [
        record["name"]
        for record in placement.get("/resource_classes").body[
            "resource_classes"
        ]
    ]
    listed = placement.get("/resource_providers").body["resource_providers"]
    named = {record["uuid"]: record["name"] for record in listed}
    providers = [
        record
        for record in listed
        if record["name"].startswith(names.TICKET_PROVIDER)
    ]
    places: dict[str, dict[str, tuple[str, ...]]] = {
        name: {} for name in classes if name.startswith(names.TICKET)
    }
    # Without a class there is no inventory of it.
    asked = providers if places else []
    found = pool.map(lambda p: _held(placement, p["uuid"]), asked)
    for provider, held in zip(asked, found, strict=True):
        root = named.get(provider["root_provider_uuid"], provider["name"])
        for name, holders in held.items():
            places.setdefault(name, {})[root] = holders
    traces = [provider["name"] for provider in providers]
    traces += [name for name in classes if name.startswith(names.MARK)]
    return Brokers(
        tuple(
            Ticket(name=name, places=places[name]) for name in sorted(places)
        ),
        tuple(sorted(traces)),
    )


def _held(placement: Service, provider: str) -> dict[str, tuple[str, ...]]:
    """Ticket -> holders, of the inventories of one host's provider."""
    path = f"/resource_providers/{provider}"
    inventories = placement.find(f"{path}/inventories")
    if inventories is None:
        return {}
    allocations = placement.find(f"{path}/allocations")
    held = allocations.body["allocations"] if allocations else {}
    return {
        name: tuple(c for c, has in held.items() if name in has["resources"])
        for name in inventories.body["inventories"]
        if name.startswith(names.TICKET)
    }
