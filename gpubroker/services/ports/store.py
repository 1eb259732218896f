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

"""What ``db`` has to offer: one repository a noun, and transactions."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from gpubroker.domain import devices
from gpubroker.domain import failures
from gpubroker.domain import fences
from gpubroker.domain import flavors
from gpubroker.domain import hosts
from gpubroker.domain import models
from gpubroker.domain import pools
from gpubroker.domain import traits
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page
from gpubroker.services.ports.census import Census
from gpubroker.services.ports.leases import Claims
from gpubroker.services.ports.leases import Events
from gpubroker.services.ports.leases import Leases
from gpubroker.services.ports.leases import Steps
from gpubroker.services.ports.leases import Trusts
from gpubroker.services.ports.purge import Purge

T = TypeVar("T")


class Installation(Protocol):
    def name(self) -> str:
        """Eight characters, a to f and digits; the same for ever."""
        ...

    def count(self) -> int:
        """How far it has counted; see ``services.memory``."""
        ...

    def count_on(self, beyond: int = 0) -> int:
        """One more than it has counted, and than ``beyond``."""
        ...

    def become(self, name: str) -> None:
        """Take the name of an installation whose database is lost.

        :raises Conflict: when there has been a lease here.
        """
        ...


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

    def owners(self, now: datetime.datetime) -> dict[str, str | None]:
        """Who owns each pool now, by the names of the pools, in order."""
        ...

    def renew(
        self,
        owner: str,
        names: Collection[str],
        now: datetime.datetime,
        expires_at: datetime.datetime,
    ) -> int:
        """Stay the owner of these; of how many it is."""
        ...

    def disown(self, owner: str, names: Collection[str] | None = None) -> None:
        """Let go of the pools of this planner that are named, or of all."""
        ...

    def still_owned(self, ownership: pools.Ownership) -> bool:
        """Whether the epoch is current; locks the row until commit."""
        ...


class Workers(Protocol):
    def announce(
        self,
        name: str,
        now: datetime.datetime,
        expires_at: datetime.datetime,
    ) -> int:
        """This one works, until then at least; how many do now."""
        ...

    def running(self, now: datetime.datetime) -> int:
        """How many work."""
        ...

    def leave(self, name: str) -> None: ...


class Hosts(Protocol):
    def get(self, name: str) -> hosts.Host: ...
    def hold(self, name: str) -> hosts.Host:
        """As it is now; nobody else writes it until this transaction ends."""

    def all(self, pool: str | None = None) -> list[hosts.Host]: ...
    def some(self, names: Collection[str]) -> list[hosts.Host]:
        """Those of these names that there are."""
        ...

    def page(self, page: Page) -> Listing[hosts.Host]: ...
    def add(self, host: hosts.Host) -> hosts.Host: ...
    def update(self, host: hosts.Host) -> hosts.Host:
        """Compare-and-swap on ``generation``; capacities and conditions
        are replaced as a whole.

        :raises ConcurrentUpdate: when the row moved on.
        """
        ...

    def rename(self, host: hosts.Host, name: str) -> hosts.Host:
        """Compare-and-swap; ``update`` never changes the name.

        :raises Duplicate: when there is a host of that name.
        """
        ...

    def delete(self, name: str, gone: bool = False) -> None: ...

    def heartbeat(
        self, name: str, digest: str, user_id: str, now: datetime.datetime
    ) -> bool:
        """One UPDATE: note a heartbeat if the report is unchanged.

        True when the row's digest and agent user match; else nothing was
        written.
        """
        ...

    def silence(self, name: str, heard_at: datetime.datetime) -> bool:
        """Note that nothing was heard of the agent since: forget the digest
        of its last report, so that the next one is no mere heartbeat.

        False when it is noted already, or the agent has reported meanwhile;
        then nothing was written. Holds off heartbeats until the commit.
        """
        ...

    def slots(self, name: str) -> dict[str, int]:
        """PCI address -> persistent slot number."""
        ...

    def give_slots(self, name: str, slots: Mapping[str, int]) -> None:
        """Record numbers for addresses that have none; never renumbers."""
        ...


class Failures(Protocol):
    """Starts that failed, by host; a lease has one a host, the last."""

    def of_hosts(
        self, names: Collection[str]
    ) -> dict[str, tuple[failures.Failure, ...]]:
        """Host -> its failures, oldest first; hosts without are left out; in
        one statement."""
        ...

    def note(
        self, failure: failures.Failure, since: datetime.datetime
    ) -> None:
        """Write it in the place of the lease's last one at this host, and
        forget those of the host from before ``since``."""
        ...

    def excuse(self, names: Collection[str]) -> None:
        """Let none of these hosts' failures count any more; one statement
        where none does."""
        ...


class Devices(Protocol):
    """Devices come with fences, consumers, traits and claim filled in."""

    def get(self, device_id: str) -> devices.Device: ...
    def of_host(self, host: str) -> list[devices.Device]: ...
    def many(self, ids: Collection[str]) -> list[devices.Device]: ...
    def all(self) -> list[devices.Device]: ...
    def by_serial(self, serial: str) -> devices.Device | None: ...
    def page(self, page: Page) -> Listing[devices.Device]:
        """Filters: host, pool, model, health, state, fence, lease_id,
        serial, uuid, pci_address, schedulable (bool)."""
        ...

    def tally(self, pools: Collection[str]) -> dict[str, devices.Tally]:
        """Of the GPUs of each of these pools."""

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

    def hold(self, ids: Collection[str]) -> list[devices.Device]:
        """Some as they stand now; nobody else changes them until the
        transaction ends.

        :raises NotFound: when one of them is gone.
        """
        ...

    def mirror(self, device: devices.Device) -> None:
        """Write only what Placement shows (provider_*, resource_class,
        total, reserved, closing_generation, consumers); no compare-and-swap,
        generation stays: who writes them compares with a row that it
        holds."""
        ...


class Fences(Protocol):
    def of(self, device_id: str) -> list[fences.Fence]: ...
    def add(self, fence: fences.Fence) -> bool:
        """False when the device had this reason already."""
        ...

    def reword(self, fence: fences.Fence) -> bool:
        """Detail and author of a fence that is set; False when it is not."""
        ...

    def remove(
        self,
        device_id: str,
        reason: fences.Reason,
        lease_id: str | None = None,
    ) -> bool:
        """False when it had not.

        :param lease_id: only one that was set for this lease.
        """
        ...

    def of_lease(self, lease_id: str) -> list[fences.Fence]: ...


class Traits(Protocol):
    def page(self, page: Page) -> Listing[traits.ProviderTrait]:
        """Filters: host, device_id, trait."""
        ...

    def of_host(self, host: str) -> list[traits.ProviderTrait]: ...
    def of_hosts(self, names: Collection[str]) -> dict[str, frozenset[str]]:
        """Host -> the traits of the host itself; in one statement."""
        ...

    def replace(
        self,
        host: str,
        source: traits.Source,
        found: Collection[traits.ProviderTrait],
    ) -> None:
        """Make the host's traits of this source exactly ``found``."""
        ...


class Standing(Protocol):
    """What each host can offer."""

    def marks(self) -> list[hosts.Mark]:
        """Of every host, by name: another one after each change of what it
        can offer (itself, its capacities, slots, traits and failed starts,
        its devices with fences, consumers and claims), by whomever.

        For transactions that only read."""
        ...

    def hold(self) -> None:
        """Let nobody else change what those hosts can offer of which this
        transaction has changed something, until it ends. What is read from
        here on is so at its commit: whoever has changed them before is seen,
        whoever comes later sees it.

        After all that it writes: the others hold their rows already when
        they wait here.
        """
        ...

    def devices(self, hosts: Collection[str]) -> list[devices.Device]:
        """Of these hosts, with nothing but what a plan looks at: id, host,
        address, slot, model, NUMA node, state, provider, total, reserved,
        closing generation, claim, whether there is a consumer and the
        reasons of fences."""
        ...


class Transaction(Protocol):
    """The repositories inside one database transaction."""

    installation: Installation
    models: Models
    flavors: Flavors
    pools: Pools
    workers: Workers
    hosts: Hosts
    failures: Failures
    devices: Devices
    standing: Standing
    fences: Fences
    traits: Traits
    leases: Leases
    trusts: Trusts
    claims: Claims
    steps: Steps
    events: Events
    purge: Purge
    census: Census


class Store(Protocol):
    def read(self) -> AbstractContextManager[Transaction]: ...
    def write(self) -> AbstractContextManager[Transaction]:
        """Commits at the end, rolls back on an exception.

        :raises Unavailable: when the database does not answer.
        :raises ConcurrentUpdate: when it was lost to a deadlock.

        After both all of it may be done again.
        """
        ...

    def run(self, work: Callable[[Transaction], T]) -> T:
        """``work`` in a ``write``, again when that was lost."""
        ...

    def now(self) -> datetime.datetime:
        """The time on the database's machine, aware, UTC. SQLite has no
        machine of its own: there it is the store's clock."""
        ...

    def ping(self) -> None:
        """:raises Unavailable: when the database does not answer."""
        ...
