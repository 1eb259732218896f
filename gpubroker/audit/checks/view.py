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

"""A snapshot with its things by name, as the checks need them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from gpubroker.audit import names
from gpubroker.audit.snapshot import Card
from gpubroker.audit.snapshot import Device
from gpubroker.audit.snapshot import Host
from gpubroker.audit.snapshot import Lease
from gpubroker.audit.snapshot import Model
from gpubroker.audit.snapshot import Node
from gpubroker.audit.snapshot import Server
from gpubroker.audit.snapshot import Snapshot

#: (hypervisor, PCI address): what a card is known by everywhere.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Patience:
    """:param grace: how long anything may be on its way.
    :param lease: how long a lease may start, end, or wait beside free cards.
    """

    grace: datetime.timedelta
    lease: datetime.timedelta


@dataclass
class View:
    seen: Snapshot
    patience: Patience

    # -- hosts -----------------------------------------------------------

    @cached_property
    def hosts(self) -> Mapping[str, Host]:
        return {host.name: host for host in self.seen.hosts}

    def hypervisor(self, host: str | None) -> str:
        """The name in Placement of a host of the broker's."""
        found = self.hosts.get(host or "")
        return found.hypervisor if found else host or ""

    def managed(self, hypervisor: str) -> bool:
        return hypervisor in self._managed

    @cached_property
    def _managed(self) -> frozenset[str]:
        return frozenset(h.hypervisor for h in self.seen.hosts if h.managed)

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """By resource class."""
        return {model.resource_class: model for model in self.seen.models}

    # -- cards -----------------------------------------------------------

    @cached_property
    def gpus(self) -> Mapping[Place, Card]:
        """Of all PCI devices in Placement those that are GPUs: by their
        class, or since the broker says so."""
        return {
            (card.hypervisor, card.address): card
            for card in self.seen.cards
            if card.resource_class in self.models
            or (card.hypervisor, card.address) in self.devices
        }

    @cached_property
    def held(self) -> Mapping[str, frozenset[Place]]:
        """Consumer -> GPUs."""
        found: dict[str, set[Place]] = {}
        for place, card in self.gpus.items():
            for holder in card.holders:
                found.setdefault(holder, set()).add(place)
        return {holder: frozenset(places) for holder, places in found.items()}

    @cached_property
    def devices(self) -> Mapping[Place, Device]:
        """Of several at one place the one that is there now.

        What no model names may be no GPU at all.
        """
        found: dict[Place, Device] = {}
        for device in self.seen.devices:
            place = (self.hypervisor(device.host), device.address)
            other = found.get(place)
            if device.model and (other is None or _better(device, other)):
                found[place] = device
        return found

    @cached_property
    def device_ids(self) -> Mapping[str, Device]:
        return {device.id: device for device in self.seen.devices}

    # -- leases ----------------------------------------------------------

    @cached_property
    def leases(self) -> Mapping[str, Lease]:
        return {lease.id: lease for lease in self.seen.leases}

    @cached_property
    def open_nodes(self) -> tuple[tuple[Lease, Node], ...]:
        return tuple(
            (lease, node)
            for lease in self.seen.leases
            if lease.open
            for node in lease.nodes
        )

    @cached_property
    def by_server(self) -> Mapping[str, tuple[Lease, Node]]:
        """The open leases, by the servers that they name."""
        return {
            node.server_id: (lease, node)
            for lease, node in self.open_nodes
            if node.server_id
        }

    def places(self, node: Node) -> frozenset[Place]:
        """Where the cards of a node are, as its lease says."""
        hypervisor = self.hypervisor(node.host)
        return frozenset((hypervisor, card.address) for card in node.cards)

    # -- servers ---------------------------------------------------------

    def ours(self) -> Iterator[Server]:
        """Servers that were made from a shape: nobody can forge that."""
        for server in self.seen.servers.values():
            if self.is_ours(made_by(server) or "") and not server.hidden:
                yield server

    def is_ours(self, name: str) -> bool:
        """Whether a thing of this name is of the installation that was
        asked, and of no other one on the same cloud."""
        return names.installation(name) == self.seen.installation

    def hidden(self, consumer: str) -> bool:
        """Whether nobody can tell what it is: a server in a cell of Nova
        that is down, or a move of one, which Nova then leaves out."""
        server = self.seen.servers.get(consumer)
        return server.hidden if server is not None else self.cell_down

    @cached_property
    def cell_down(self) -> bool:
        return any(one.hidden for one in self.seen.services) or any(
            one.hidden for one in self.seen.servers.values()
        )


def made_by(server: Server) -> str | None:
    """The ticket or the shape that a server was made with, if it was."""
    for found in names.classes(dict(server.extra_specs)):
        if found.startswith(names.TICKET):
            return found
    return server.flavor if server.flavor.startswith(names.SHAPE) else None


def started_as(server: Server) -> str | None:
    """The name of the start that made a server, if one did."""
    made = made_by(server)
    return names.start(made) if made is not None else None


def card_name(place: Place) -> str:
    """For people."""
    return f"{place[1]} of {place[0]}"


def listed(things: Iterable[str]) -> str:
    """For people: sorted, with commas."""
    return ", ".join(sorted(things))


def _better(device: Device, other: Device) -> bool:
    return (device.present, device.provider_id is not None) > (
        other.present,
        other.provider_id is not None,
    )
