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

"""Read from Nova and Placement which leases run.

What proves that a server is a lease's own: it was made from a private flavor
of this installation, which its project has no other way to, and it holds the
ticket of that very start. A shelved server holds nothing; there the flavor,
which Nova has embedded in it, has to do.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import recovered
from gpubroker.domain import recovery
from gpubroker.domain import steps
from gpubroker.services import broker
from gpubroker.services import evidence
from gpubroker.services import names
from gpubroker.services import ports
from gpubroker.services import unshelve
from gpubroker.services.paging import Page

#: Not there any more.
_PAST = frozenset({"DELETED", "SOFT_DELETED"})
_SLOT = re.compile(r"^\s*.+-s(\d+):1\s*$")
_ALIAS = "pci_passthrough:alias"


@dataclass(frozen=True, slots=True)
class _Ticket:
    host: str | None
    holders: frozenset[str]


class Survey:
    """What there is of one installation.

    :ivar providers: of its tickets: host -> provider.
    """

    def __init__(self, core: broker.Broker, installation: str) -> None:
        self._core = core
        self._ours = installation
        # Before the tickets: one that runs by now holds its own by then.
        self._servers = core.compute.servers_shaped(
            names.shapes_of(installation)
        )
        with core.store.read() as tx:
            self._hosts = {host.name: host for host in tx.hosts.all()}
            self._devices = tx.devices.all()
        self._roots = {
            host.provider_id: name
            for name, host in self._hosts.items()
            if host.provider_id
        }
        self.providers: dict[str, str] = {}
        self._tickets: dict[str, _Ticket] = {}
        for provider in core.ledger.ticket_providers():
            self._provider(provider)

    def _provider(self, provider: ports.Provider) -> None:
        if not provider.name.startswith(names.provider(self._ours, "")):
            return
        host = self._roots.get(provider.root_id)
        if host is not None:
            self.providers[host] = provider.id
        ledger = self._core.ledger
        held = ledger.consumers(provider.id)
        for ticket in ledger.inventories(provider.id).by_class:
            holders = frozenset(c for c, by in held.items() if ticket in by)
            self._tickets[ticket] = _Ticket(host, holders)

    def running(self) -> list[recovered.Running]:
        """Every server of a lease of this installation."""
        found = []
        for server in self._servers:
            started = names.started(self._ours, server.flavor)
            if started is not None and server.status not in _PAST:
                found.append(self._running(server, *started))
        return found

    def _running(
        self, server: ports.Server, node_id: str, attempt: int
    ) -> recovered.Running:
        ticket = names.ticket(self._ours, node_id, attempt)
        place = self._tickets.get(ticket, _Ticket(None, frozenset()))
        away = server.status == unshelve.AWAY
        cards = self._slots(server, place) if away else self._held(server)
        host = self._hosts.get(place.host or "")
        told = _told(server)
        return recovered.Running(
            server_id=server.id,
            name=server.name,
            status=server.status,
            project_id=server.project_id,
            user_id=told.get("user", server.user_id),
            node_id=node_id,
            attempt=attempt,
            ticket=ticket,
            shape_id=names.shape(self._ours, node_id, attempt),
            lease_id=told.get("lease", node_id),
            index=int(told.get("node", 0)),
            nodes=int(told.get("nodes", 1)),
            host=host.name if host else "",
            pool=host.pool if host else "",
            flavor=told.get("flavor", ""),
            model=cards[0].model or "" if cards else "",
            devices=tuple(card.id for card in cards),
            duration=int(told["duration"]) if "duration" in told else None,
            vcpus=server.size.vcpus,
            ram_mib=server.size.ram_mib,
            disk_gib=server.size.disk_gib,
            extra_specs=_own_specs(server),
            image=server.image,
            mode=leases.IdentityMode(told.get("mode", "trust")),
            since=_time(server.launched_at or server.created_at),
            trouble=_trouble(server, place, host, cards),
        )

    def _held(self, server: ports.Server) -> list[devices.Device]:
        held = self._core.ledger.allocations(server.id)
        return _by_slot(d for d in self._devices if d.provider_id in held)

    def _slots(
        self, server: ports.Server, place: _Ticket
    ) -> list[devices.Device]:
        """Of a shelved server: those that its flavor names."""
        wanted = _slots_of(server)
        return _by_slot(
            card
            for card in self._devices
            if card.host == place.host
            and card.slot in wanted
            and card.state is devices.State.PRESENT
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """How far the broker has counted; see ``services.memory``."""

    known: int
    outside: int

    @property
    def behind(self) -> bool:
        return self.outside > self.known


def known(
    tx: ports.Transaction,
    running: Sequence[recovered.Running],
    counts: Counts,
    keep: datetime.timedelta,
) -> recovery.Known:
    nodes = {one.node_id for one in running}
    ids = {one.lease_id for one in running}
    found = [
        lease
        for lease in tx.leases.in_state(list(leases.State))
        if lease.state is leases.State.ACTIVE
        or lease.id in ids
        or recovery.may_run_twice(lease)
        or any(node.id in nodes for node in lease.nodes)
    ]
    return recovery.Known(
        leases=found,
        begun=_begun(tx, found),
        kept={lease.id for lease in found if _kept(tx, lease, counts, keep)},
        behind=counts.behind,
    )


def _begun(
    tx: ports.Transaction, found: Iterable[leases.Lease]
) -> set[tuple[str, int]]:
    return {
        (step.node_id, step.attempt)
        for lease in found
        if lease.state is leases.State.STARTING
        for step in tx.steps.of_lease(lease.id)
        if step.saga is steps.Saga.START
        and step.node_id
        and step.name.partition(".")[0] == evidence.POST
    }


#: Kind of the events that remember which end a lease was given.
RECOVERED = "lease.recovered"


def detail(
    lease: leases.Lease, counts: Counts, keep: datetime.timedelta
) -> dict[str, Any]:
    """What is noted with a lease that was found; ``known`` reads it."""
    return {
        "until": lease.expires_at and lease.expires_at.isoformat(),
        "keep": keep.total_seconds(),
        "counted": counts.outside,
    }


def _kept(
    tx: ports.Transaction,
    lease: leases.Lease,
    counts: Counts,
    keep: datetime.timedelta,
) -> bool:
    """Whether it has had its time for this restore. A backup that was made
    after that, and is behind again, may not know of a later extension."""
    if lease.state is not leases.State.ACTIVE or lease.expires_at is None:
        return False
    filters = {"lease_id": lease.id, "kind": RECOVERED}
    last = tx.events.page(Page(filters=filters, sort_dir="desc", limit=1))
    wanted = detail(lease, counts, keep)
    return any(
        event.detail.get("until") == wanted["until"]
        and event.detail.get("keep", 0) >= wanted["keep"]
        and (not counts.behind or event.detail["counted"] == counts.outside)
        for event in last.items
    )


def _trouble(
    server: ports.Server,
    place: _Ticket,
    host: hosts.Host | None,
    cards: Sequence[devices.Device],
) -> str:
    if server.status == recovery.MAKING:
        return "it is being made at present: do this again in a minute"
    wanted = len(_slots_of(server))
    away = server.status == unshelve.AWAY
    if not away and server.id not in place.holders:
        return "it does not hold the ticket of its start; was it resized?"
    if host is None:
        return "the host that its ticket is on is not known"
    if len(cards) != wanted or any(card.host != host.name for card in cards):
        return f"{len(cards)} of its {wanted} cards are known on {host.name}"
    if len({card.model for card in cards}) != 1 or not cards[0].model:
        return "the model of its cards is not known"
    return ""


def _slots_of(server: ports.Server) -> set[int]:
    asked = server.size.extra_specs.get(_ALIAS, "").split(",")
    return {int(m[1]) for part in asked if (m := _SLOT.match(part))}


def _told(server: ports.Server) -> dict[str, str]:
    """What the flavor says of the lease; see ``names.specs``."""
    return {
        key.removeprefix(names.SPECS_PREFIX): value
        for key, value in server.size.extra_specs.items()
        if key.startswith(names.SPECS_PREFIX)
    }


def _own_specs(server: ports.Server) -> dict[str, str]:
    """What the flavor of the lease asked for beside its cards."""
    return {
        key: value
        for key, value in server.size.extra_specs.items()
        if key != _ALIAS
        and not key.startswith(
            (names.SPECS_PREFIX, f"resources:{names.TICKET_PREFIX}")
        )
    }


def _by_slot(found: Iterable[devices.Device]) -> list[devices.Device]:
    return sorted(found, key=lambda card: card.slot or 0)


def _time(text: str) -> datetime.datetime | None:
    """Nova writes UTC, with a zone or without."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or datetime.UTC)
