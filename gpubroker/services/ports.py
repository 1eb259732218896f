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

"""How the use cases see the world: what db, rpc and clouds have to offer.

Nothing here knows SQL, HTTP or a message bus. ``db`` implements ``Store``,
``clouds`` the ports on OpenStack services, ``rpc`` the ``Bell``.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from gpubroker.domain import devices
from gpubroker.domain import events
from gpubroker.domain import fences
from gpubroker.domain import flavors
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import models
from gpubroker.domain import pools
from gpubroker.domain import steps
from gpubroker.domain import traits
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> datetime.datetime:
        """The time now, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None: ...


class Bell(Protocol):
    """Wakes loops earlier; a lost ring loses time, never truth."""

    def pool(self, name: str) -> None: ...

    def lease(self, lease_id: str) -> None: ...

    def host(self, name: str) -> None: ...


# -- the store ---------------------------------------------------------------


class Models(Protocol):
    def get(self, name: str) -> models.Model: ...
    def all(self) -> list[models.Model]: ...
    def page(self, page: Page) -> Listing[models.Model]: ...
    def add(self, model: models.Model) -> models.Model: ...
    def update(self, model: models.Model) -> models.Model: ...
    def delete(self, name: str) -> None: ...


class Flavors(Protocol):
    """``get`` takes a name or an id."""

    def get(self, ref: str) -> flavors.Flavor: ...
    def all(self) -> list[flavors.Flavor]: ...
    def page(self, page: Page) -> Listing[flavors.Flavor]: ...
    def add(self, flavor: flavors.Flavor) -> flavors.Flavor: ...
    def update(self, flavor: flavors.Flavor) -> flavors.Flavor: ...
    def delete(self, ref: str) -> None: ...


class Pools(Protocol):
    def get(self, name: str) -> pools.Pool: ...
    def all(self) -> list[pools.Pool]: ...
    def page(self, page: Page) -> Listing[pools.Pool]: ...
    def add(self, pool: pools.Pool) -> pools.Pool: ...
    def update(self, pool: pools.Pool) -> pools.Pool: ...
    def delete(self, name: str) -> None:
        """:raises InUse: while hosts or leases that are not final name it."""
        ...

    def own(
        self,
        name: str,
        owner: str,
        now: datetime.datetime,
        expires_at: datetime.datetime,
    ) -> pools.Ownership | None:
        """Become or stay the planner of a pool by compare-and-swap.

        ``None`` when another owner's time has not run out.
        """
        ...

    def still_owned(self, ownership: pools.Ownership) -> bool:
        """Whether the epoch is current; locks the row until commit."""
        ...


class Hosts(Protocol):
    def get(self, name: str) -> hosts.Host: ...
    def all(self, pool: str | None = None) -> list[hosts.Host]: ...
    def page(self, page: Page) -> Listing[hosts.Host]: ...
    def add(self, host: hosts.Host) -> hosts.Host: ...
    def update(self, host: hosts.Host) -> hosts.Host:
        """Compare-and-swap on ``generation``; capacities and conditions
        are replaced as a whole.

        :raises ConcurrentUpdate: when the row moved on.
        """
        ...

    def delete(self, name: str) -> None: ...

    def heartbeat(
        self, name: str, digest: str, user_id: str, now: datetime.datetime
    ) -> bool:
        """One UPDATE: note a heartbeat if the report is unchanged.

        True when the row's digest and agent user match; else nothing was
        written.
        """
        ...

    def slots(self, name: str) -> dict[str, int]:
        """PCI address -> persistent slot number."""
        ...

    def give_slots(self, name: str, slots: Mapping[str, int]) -> None:
        """Record numbers for addresses that have none; never renumbers."""
        ...


class Devices(Protocol):
    """Devices come with fences, consumers, traits and claim filled in."""

    def get(self, device_id: str) -> devices.Device: ...
    def of_host(self, host: str) -> list[devices.Device]: ...
    def of_pool(self, pool: str) -> list[devices.Device]: ...
    def many(self, ids: Collection[str]) -> list[devices.Device]: ...
    def all(self) -> list[devices.Device]: ...
    def by_serial(self, serial: str) -> devices.Device | None: ...
    def page(self, page: Page) -> Listing[devices.Device]:
        """Filters: host, pool, model, health, state, fence, lease_id,
        serial, uuid, pci_address, schedulable (bool)."""
        ...

    def busy(self, host: str) -> list[str]:
        """PCI addresses of the host's cards that are claimed, fenced for a
        lease or held by a consumer; one statement."""
        ...

    def add(self, device: devices.Device) -> devices.Device: ...
    def delete(self, device_id: str) -> None:
        """For the row of a card that turned out to be another row's.

        :raises InUse: while it is claimed.
        """
        ...

    def update(self, device: devices.Device) -> devices.Device:
        """Compare-and-swap; consumers are replaced as a whole, fences,
        traits and the claim are not touched."""
        ...

    def mirror(self, device: devices.Device) -> None:
        """Write only what Placement shows (provider_*, resource_class,
        total, reserved, consumers); no compare-and-swap, generation stays:
        these columns have one writer, the reconcile loop of the host."""
        ...


class Fences(Protocol):
    def of(self, device_id: str) -> list[fences.Fence]: ...
    def add(self, fence: fences.Fence) -> bool:
        """False when the device had this reason already."""
        ...

    def remove(self, device_id: str, reason: fences.Reason) -> bool:
        """False when it had not."""
        ...

    def of_lease(self, lease_id: str) -> list[fences.Fence]: ...


class Traits(Protocol):
    def page(self, page: Page) -> Listing[traits.ProviderTrait]:
        """Filters: host, device_id, trait, source."""
        ...

    def of_host(self, host: str) -> list[traits.ProviderTrait]: ...
    def hosts_of_pool(self, pool: str) -> dict[str, frozenset[str]]:
        """Host -> the traits of the host itself, for a whole pool at once."""
        ...

    def replace(
        self,
        host: str,
        source: traits.Source,
        found: Collection[traits.ProviderTrait],
    ) -> None:
        """Make the host's traits of this source exactly ``found``."""
        ...


class Leases(Protocol):
    """Leases come with their nodes."""

    def get(
        self, lease_id: str, project_id: str | None = None
    ) -> leases.Lease:
        """:raises NotFound: also when it is another project's."""
        ...

    def find(self, name: str, project_id: str) -> list[leases.Lease]: ...
    def page(self, page: Page) -> Listing[leases.Lease]:
        """Filters: id, name, state, flavor, pool, project_id, user_id."""
        ...

    def add(
        self, lease: leases.Lease, delegation: leases.Delegation | None
    ) -> leases.Lease: ...
    def update(self, lease: leases.Lease) -> leases.Lease:
        """Compare-and-swap; nodes and user data are not touched."""
        ...

    def forget_user_data(self, lease_id: str) -> None: ...
    def update_node(self, node: leases.Node) -> None: ...
    def in_state(
        self, states: Collection[leases.State], pool: str | None = None
    ) -> list[leases.Lease]:
        """Oldest order first (requested_at, then id)."""
        ...

    def expiring(self, now: datetime.datetime) -> list[leases.Lease]:
        """ACTIVE with expires_at <= now."""
        ...

    def place(self, lease: leases.Lease) -> int:
        """1 = the head of its pool's queue."""
        ...

    def places(self, some: Collection[leases.Lease]) -> dict[str, int]:
        """Lease id -> ``place`` of those that are queued, at once."""
        ...

    def delegation(self, lease_id: str) -> leases.Delegation | None: ...
    def forget_delegation(self, lease_id: str) -> None: ...
    def count_open(self, project_id: str) -> int:
        """Leases of the project that are not final."""
        ...


class Claims(Protocol):
    def add(self, node_id: str, device_ids: Sequence[str]) -> None:
        """:raises InUse: when a device is in an open claim already."""
        ...

    def of_node(self, node_id: str) -> list[str]: ...
    def release(self, node_id: str, device_ids: Collection[str]) -> None: ...


class Steps(Protocol):
    def begin(self, step: steps.Step) -> None:
        """Repeats of the same (lease, node, attempt, saga, name) keep the
        first ``begun_at``."""
        ...

    def done(self, step: steps.Step) -> None: ...
    def of_lease(self, lease_id: str) -> list[steps.Step]: ...


class Events(Protocol):
    def add(self, event: events.Event) -> None: ...
    def page(self, page: Page) -> Listing[events.Event]:
        """Filters: lease_id, device_id (also finds the events of the same
        serial), host, kind. Oldest first unless told; marker = event id."""
        ...


class Transaction(Protocol):
    """The repositories inside one database transaction."""

    models: Models
    flavors: Flavors
    pools: Pools
    hosts: Hosts
    devices: Devices
    fences: Fences
    traits: Traits
    leases: Leases
    claims: Claims
    steps: Steps
    events: Events


class Store(Protocol):
    def read(self) -> AbstractContextManager[Transaction]: ...
    def write(self) -> AbstractContextManager[Transaction]:
        """Commits at the end, rolls back on an exception.

        :raises Unavailable: also when it was lost to a deadlock; all of it
            may be done again.
        """
        ...

    def run(self, work: Callable[[Transaction], T]) -> T:
        """``work`` in a ``write``, again when that was lost."""
        ...

    def ping(self) -> None:
        """:raises Unavailable: when the database does not answer."""
        ...


# -- OpenStack ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A resource provider as Placement lists it."""

    id: str
    name: str
    generation: int
    parent_id: str | None
    root_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """One full inventory record; ``record`` is what Placement sent."""

    resource_class: str
    total: int
    reserved: int
    allocation_ratio: float
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventories:
    provider_id: str
    generation: int
    by_class: Mapping[str, Inventory]


class Ledger(Protocol):
    """Placement 1.39, with the broker's own identity.

    All: :raises Unavailable: down or not answering; NotFound: no such
    provider or class; ConcurrentUpdate: the generation moved on.
    """

    def gpu_providers(self) -> list[Provider]:
        """Every provider that Nova manages for a PCI device."""
        ...

    def provider(self, provider_id: str) -> Provider: ...
    def provider_by_name(self, name: str) -> Provider | None: ...
    def tree(self, root_id: str) -> list[Provider]: ...
    def inventories(self, provider_id: str) -> Inventories: ...
    def usages(self, provider_id: str) -> dict[str, int]: ...
    def traits(self, provider_id: str) -> list[str]: ...
    def consumers(self, provider_id: str) -> dict[str, dict[str, int]]:
        """Consumer UUID -> class -> amount."""
        ...

    def allocations(self, consumer_id: str) -> dict[str, dict[str, int]]:
        """Provider UUID -> class -> amount; empty when it holds nothing."""
        ...

    def set_reserved(
        self, provider_id: str, resource_class: str, fenced: bool
    ) -> Inventories:
        """Full-record PUT, reserved = total or 0, repeated on 409 (N 2.3).

        :returns: what stood there after the write.
        """
        ...

    def open_cards(self, resource_class: str) -> set[str]:
        """Provider UUIDs of cards that Placement would give out now."""
        ...

    def ensure_ticket_provider(self, host: str, root_id: str) -> str:
        """The permanent child provider ``gpubroker_<host>``, made once and
        never deleted (N 15.6)."""
        ...

    def put_ticket(self, provider_id: str, resource_class: str) -> None:
        """Make the class and its inventory of one; found done = done."""
        ...

    def ticket_holders(
        self, resource_class: str, provider_id: str | None = None
    ) -> list[str]:
        """Consumers that hold this ticket: one call where the provider is
        known, a search of all hosts without."""
        ...

    def drop_ticket(self, provider_id: str, resource_class: str) -> None:
        """Remove inventory and class; gone = done.

        :raises InUse: while a consumer holds it.
        """
        ...

    def tickets(self) -> list[str]:
        """Every ticket class that exists, for the sweep of leftovers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeService:
    """A nova-compute service; ``state`` up/down, ``status`` enabled/..."""

    host: str
    state: str
    status: str
    disabled_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Nova server as the broker sees it.

    :param flavor: name of the flavor embedded in it (``original_name``).
    """

    id: str
    name: str
    status: str
    project_id: str
    user_id: str
    flavor: str = ""
    host: str | None = None
    hypervisor_hostname: str | None = None
    task_state: str | None = None
    fault: str = ""
    addresses: tuple[str, ...] = ()
    key_name: str | None = None
    tags: tuple[str, ...] = ()
    created_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeSpec:
    """The private flavor of one lease node (A 4)."""

    id: str
    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    extra_specs: Mapping[str, str]
    project_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """What to boot; names follow Nova's API."""

    name: str
    shape_id: str
    tag: str
    image: str | None
    networks: str | Sequence[Mapping[str, str]] = "auto"
    key_name: str | None = None
    security_groups: Sequence[str] = ()
    availability_zone: str | None = None
    user_data: str | None = None
    boot_volume_gib: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class Compute(Protocol):
    """Nova with the broker's own identity (``context_is_admin``)."""

    def services(self) -> list[ComputeService]: ...
    def hypervisors(self) -> dict[str, str]:
        """hypervisor_hostname -> service host, from the plain list."""
        ...

    def ensure_shape(self, spec: ShapeSpec) -> str:
        """The id of the private flavor, with specs and the project's
        access; found done = done."""
        ...

    def drop_shape(self, shape_id: str) -> None:
        """Gone = done."""
        ...

    def shapes(self) -> dict[str, str]:
        """id -> name of every private flavor the broker made."""
        ...

    def server(self, server_id: str) -> Server | None: ...
    def servers_tagged(self, tag: str) -> list[Server]: ...
    def delete_server(self, server_id: str) -> None:
        """Gone = done."""
        ...


class UserCloud(Protocol):
    """The cloud under the identity of a lease's user.

    All: :raises RightsGone: for 403 at Keystone; IdentityLost: for 401.
    """

    def check(self, workload: Mapping[str, Any]) -> None:
        """Whether image, networks, key pair, security groups and zone of a
        server workload exist for the user.

        :raises Invalid: naming the field, with the service's own words.
        """
        ...

    def create_server(self, spec: ServerSpec) -> str:
        """POST /servers; the new server's id.

        :raises Rejected: a 4xx, with Nova's own words; Unavailable: no
            answer, so that it may exist all the same.
        """
        ...

    def console_url(self, server_id: str) -> str | None: ...


class Identity(Protocol):
    """Keystone: what the broker may do for a user later."""

    def delegate(
        self, token: str, token_info: Mapping[str, Any], lease_id: str
    ) -> leases.Delegation:
        """Make a trust with the caller's token (A 4, N 15.5).

        :raises Forbidden: for a token that can not make one, with what to
            do instead.
        """
        ...

    def as_user(self, delegation: leases.Delegation) -> UserCloud: ...
    def with_token(self, token: str) -> UserCloud: ...
    def revoke(self, delegation: leases.Delegation) -> None:
        """Delete the trust with its own token; gone = done. A trustor whose
        rights are gone leaves it to its expiry: that is done, too."""
        ...
