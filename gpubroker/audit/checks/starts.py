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

"""What stands outside for each start of a server, and whose it is.

The API does not tell the names of tickets and shapes. But a server carries
its flavor's name and extra specs, which nobody can forge; and where no
server is yet, host and slots tell which lease a start belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gpubroker.audit import names
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import started_as
from gpubroker.audit.snapshot import Flavor
from gpubroker.audit.snapshot import Lease
from gpubroker.audit.snapshot import Node
from gpubroker.audit.snapshot import Server
from gpubroker.audit.snapshot import Ticket


@dataclass(slots=True)
class Start:
    """:param owner: the open lease that it is of, if any."""

    name: str
    ticket: Ticket | None = None
    shape: Flavor | None = None
    servers: list[Server] = field(default_factory=list)
    owner: tuple[Lease, Node] | None = None

    @property
    def hypervisors(self) -> frozenset[str]:
        return frozenset(self.ticket.places) if self.ticket else frozenset()

    @property
    def slots(self) -> frozenset[int]:
        asked = names.aliases(
            dict(self.shape.extra_specs if self.shape else {})
        )
        slots = {names.slot(alias)[1] for alias in asked}
        return frozenset(slot for slot in slots if slot is not None)


def all_of(view: View) -> list[Start]:
    """By name, each with its owner as far as there is one."""
    found: dict[str, Start] = {}

    def of(name: str) -> Start:
        return found.setdefault(name, Start(name))

    for ticket in view.seen.tickets:
        if view.is_ours(ticket.name):
            of(names.start(ticket.name)).ticket = ticket
    for flavor in view.seen.flavors:
        if view.is_ours(flavor.name) and not flavor.public:
            of(names.start(flavor.name)).shape = flavor
    for server in view.ours():
        of(started_as(server) or "").servers.append(server)
    ordered = [found[name] for name in sorted(found)]
    _own(view, ordered)
    return ordered


def _own(view: View, ordered: list[Start]) -> None:
    taken: set[tuple[str, int]] = set()
    for start in ordered:
        start.owner = _by_server(view, start)
        if start.owner is not None:
            taken.add(_key(start.owner))
    # Exact matches first, so that none of them is used up by a vague one.
    for start in sorted(ordered, key=lambda s: not (s.slots and s.ticket)):
        if start.owner is None:
            start.owner = _by_place(view, start, taken)
            if start.owner is not None:
                taken.add(_key(start.owner))


def _by_server(view: View, start: Start) -> tuple[Lease, Node] | None:
    named = [server.id for server in start.servers]
    named += sorted(start.ticket.holders) if start.ticket else []
    for server_id in named:
        if server_id in view.by_server:
            return view.by_server[server_id]
    return None


def _by_place(
    view: View, start: Start, taken: set[tuple[str, int]]
) -> tuple[Lease, Node] | None:
    """Leases under way first: a running one has made its start."""
    for active in (False, True):
        for lease, node in view.open_nodes:
            fits = (
                (lease.state == "active") is active
                # Its server was there before: nothing was made for it.
                and lease.identity_mode != "adopted"
                and _key((lease, node)) not in taken
                and _fits(view, start, node)
            )
            if fits:
                return lease, node
    return None


def _fits(view: View, start: Start, node: Node) -> bool:
    if node.host is None:
        return False
    hypervisors = start.hypervisors
    if hypervisors and view.hypervisor(node.host) not in hypervisors:
        return False
    slots = {card.slot for card in node.cards}
    return not start.slots or start.slots == slots


def _key(owner: tuple[Lease, Node]) -> tuple[str, int]:
    return owner[0].id, owner[1].index
