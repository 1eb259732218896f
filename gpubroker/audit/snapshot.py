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

"""Everything that was read, as plain facts.

The checks see nothing else. Times are aware; ``None`` where the service
tells none.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

Time = datetime.datetime | None


# -- Placement ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A PCI device that Nova manages, as Placement counts it.

    :param hypervisor: name of the root of its tree.
    :param address: in lower case.
    :param holders: consumer -> units.
    :param held_at: when the newest of its allocations was made.
    """

    id: str
    name: str
    hypervisor: str
    address: str
    resource_class: str | None
    total: int
    reserved: int = 0
    holders: Mapping[str, int] = field(default_factory=dict)
    held_at: Time = None

    @property
    def used(self) -> int:
        return sum(self.holders.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A resource class of a broker's.

    :param places: hypervisor -> consumers, for each inventory of it.
    """

    name: str
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def holders(self) -> frozenset[str]:
        return frozenset(
            holder for holders in self.places.values() for holder in holders
        )


# -- Nova, Keystone, Neutron, Glance -----------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """:param flavor: name and extra specs as embedded in the server.
    :param hidden: its cell of Nova is down: it exists, and little more is
        known than whose it is.
    """

    id: str
    name: str
    project_id: str
    status: str
    hidden: bool = False
    task_state: str | None = None
    hypervisor: str | None = None
    flavor: str = ""
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    created_at: Time = None
    updated_at: Time = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    id: str
    name: str
    public: bool
    extra_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeService:
    """:param hidden: its cell of Nova is down: whether it is up nobody
    knows."""

    host: str
    up: bool
    enabled: bool
    reason: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Rights that a user has delegated to the broker in a project."""

    id: str
    user_id: str
    project_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """Of the broker's own user."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of Neutron that says it belongs to a server."""

    id: str
    device_id: str
    host: str = ""
    created_at: Time = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """:param members: projects that it is shared with."""

    id: str
    status: str
    visibility: str
    owner: str | None
    members: tuple[str, ...] = ()


# -- the broker --------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A card that a lease has."""

    device_id: str
    address: str
    slot: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One server of a lease."""

    index: int
    server_id: str | None = None
    host: str | None = None
    cards: tuple[Planned, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """:param moved_at: since when it starts or ends; only read of those
        that were ordered long ago.
    :param place: 1 is the next to start; ``None`` unless it waits for
        cards: one that waits for its user's rights is in nobody's way.
    """

    id: str
    name: str
    project_id: str
    user_id: str
    flavor: str
    pool: str
    state: str
    target: str
    models: tuple[str, ...] = ()
    gpus: int = 1
    reason: str = ""
    zone: str | None = None
    image: str | None = None
    identity_mode: str = "trust"
    place: int | None = None
    requested_at: Time = None
    started_at: Time = None
    ended_at: Time = None
    updated_at: Time = None
    moved_at: Time = None
    nodes: tuple[Node, ...] = ()

    @property
    def open(self) -> bool:
        return self.state not in ("ended", "failed")

    @property
    def needs_image(self) -> bool:
        """Whether a server of it is still to be made."""
        if self.state == "queued":
            return True
        starts = self.state == "starting" and self.target == "active"
        return starts and any(node.server_id is None for node in self.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    reason: str
    lease_id: str | None = None
    created_at: Time = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A card as the broker knows it.

    :param lease_id: whose claim is on it.
    """

    id: str
    host: str
    address: str
    model: str | None = None
    present: bool = True
    fences: tuple[Fence, ...] = ()
    lease_id: str | None = None
    claimed: bool = False
    consumers: tuple[str, ...] = ()
    provider_id: str | None = None
    schedulable: bool = False
    updated_at: Time = None

    @property
    def reasons(self) -> frozenset[str]:
        return frozenset(fence.reason for fence in self.fences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    name: str
    hypervisor: str
    pool: str
    managed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str
    resource_class: str
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """:param hosts: host -> free cards."""

    flavor: str
    available: int
    hosts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """:param installation: the broker's that was asked; others may use the
        same cloud.
    :param traces: names of marks and of tickets' providers in Placement, of
        all installations.
    :param leases: all that are open, and those that ended lately.
    :param images: of leases whose server is not made yet; ``None`` = gone.
    :param images_unread: why some of them are not there.
    :param migrations: consumers that Nova knows as moves of a server.
    :param offers: only read while a lease waits.
    """

    taken_at: datetime.datetime
    installation: str
    cards: tuple[Card, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    traces: tuple[str, ...] = ()
    servers: Mapping[str, Server] = field(default_factory=dict)
    migrations: frozenset[str] = frozenset()
    flavors: tuple[Flavor, ...] = ()
    services: tuple[ComputeService, ...] = ()
    trusts: tuple[Trust, ...] = ()
    keypairs: tuple[KeyPair, ...] = ()
    ports: tuple[Port, ...] = ()
    images: Mapping[str, Image | None] = field(default_factory=dict)
    images_unread: str = ""
    leases: tuple[Lease, ...] = ()
    devices: tuple[Device, ...] = ()
    hosts: tuple[Host, ...] = ()
    models: tuple[Model, ...] = ()
    offers: tuple[Offer, ...] = ()
