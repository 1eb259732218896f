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

"""Tickets, shapes, key pairs and servers that no open lease has, or has no
longer."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit import names
from gpubroker.audit.checks import starts
from gpubroker.audit.checks.starts import Start
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import card_name
from gpubroker.audit.checks.view import listed
from gpubroker.audit.checks.view import started_as
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Server
from gpubroker.audit.snapshot import Ticket

_SWEPT = "The broker's worker removes it by itself within some minutes"


def check(view: View) -> Iterator[Finding]:
    found = starts.all_of(view)
    for start in found:
        if start.owner is None:
            yield from _left(view, start)
        else:
            yield from _owned(view, start)
    yield from _keypairs(view, found)
    yield from _doubled(view)
    yield from _tagged(view)


# -- of no lease -------------------------------------------------------------


def _left(view: View, start: Start) -> Iterator[Finding]:
    if start.shape is not None:
        yield findings.error(
            "shape-left",
            (start.shape.id,),
            f"The private flavor {start.shape.name} is of no open lease.",
            f"{_SWEPT}; if it stays: openstack flavor delete {start.shape.id}",
        )
    ticket = start.ticket
    if ticket is not None and not any(map(view.hidden, ticket.holders)):
        yield _ticket_left(ticket)
    for server in start.servers:
        yield _server_left(view, server)


def _ticket_left(ticket: Ticket) -> Finding:
    where = f"on {listed(ticket.places)}" if ticket.places else "on no host"
    held = f", held by {listed(ticket.holders)}" if ticket.holders else ""
    return findings.error(
        "ticket-left",
        (ticket.name,),
        f"The resource class {ticket.name} ({where}{held}) is of no open "
        "lease.",
        f"{_SWEPT} once nobody holds it; if it stays, delete its inventory "
        "and then the class: openstack resource class delete "
        f"{ticket.name}",
    )


def _server_left(view: View, server: Server) -> Finding:
    held = view.held.get(server.id, frozenset())
    cards = f" and holds {listed(map(card_name, held))}" if held else ""
    return findings.error(
        "server-left",
        (server.id,),
        f"Server {server.name} ({server.id}) of project {server.project_id} "
        f"was made for a lease{cards}, and no open lease has it.",
        "Its lease is over, or the broker's database is older than it. When "
        f"nobody needs it: openstack server delete {server.id}",
        findings.latest(server.created_at, server.updated_at),
    )


def _keypairs(view: View, found: list[Start]) -> Iterator[Finding]:
    """A key pair is there while its start is under way, and its ticket is
    there for longer."""
    wanted = {
        start.name
        for start in found
        if start.owner is not None
        and start.owner[0].identity_mode == "service"
        and start.owner[0].state != "active"
    }
    for pair in view.seen.keypairs:
        ours = view.is_ours(pair.name)
        if ours and names.start(pair.name) not in wanted:
            yield findings.error(
                "keypair-left",
                (pair.name,),
                f"The key pair {pair.name} of the broker's user is of no "
                "lease that starts.",
                f"{_SWEPT}; if it stays: openstack --os-compute-api-version "
                f"2.10 keypair delete --user USER {pair.name}, with the "
                "broker's user.",
            )


# -- of a lease --------------------------------------------------------------


def _owned(view: View, start: Start) -> Iterator[Finding]:
    assert start.owner is not None  # noqa: S101 - all_of()
    lease, _node = start.owner
    if lease.state == "active" and start.shape is not None:
        yield findings.error(
            "shape-of-active",
            (start.shape.id, lease.id),
            f"The private flavor {start.shape.name} is still there although "
            f"lease {lease.name} ({lease.id}) runs: members of its project "
            "can boot from it.",
            f"Delete it: openstack flavor delete {start.shape.id}",
            lease.started_at,
        )
    if start.ticket is None:
        return
    if len(start.ticket.places) > 1:
        yield findings.error(
            "ticket-doubled",
            (start.ticket.name,),
            f"The resource class {start.ticket.name} of lease {lease.name} "
            f"({lease.id}) is on several hosts: "
            f"{listed(start.ticket.places)}.",
            "Delete the inventory that its server does not hold.",
        )
    yield from _others(view, start.ticket, start)


def _others(view: View, ticket: Ticket, start: Start) -> Iterator[Finding]:
    assert start.owner is not None  # noqa: S101 - all_of()
    lease, node = start.owner
    rightful = {node.server_id} if node.server_id else set()
    if node.server_id is None:
        # A POST without an answer: the broker does not know its server yet.
        rightful = {server.id for server in start.servers}
    others = {
        holder
        for holder in ticket.holders - rightful - view.seen.migrations
        if not view.hidden(holder)
    }
    if others:
        yield findings.error(
            "ticket-held-by-other",
            (ticket.name, *sorted(others)),
            f"The ticket {ticket.name} of lease {lease.name} "
            f"({lease.id}) is held by {listed(others)}, which is not its "
            f"server {node.server_id or '(none yet)'}.",
            "Look what it is: openstack server show. A server can not come "
            "by it without the lease's private flavor.",
        )


# -- servers -----------------------------------------------------------------


def _doubled(view: View) -> Iterator[Finding]:
    """By the name of their flavor, not by tags, which anybody can write."""
    of_node: dict[str, set[str]] = {}
    for server in view.ours():
        node = names.node(started_as(server) or "")
        of_node.setdefault(node, set()).add(server.id)
    for found in of_node.values():
        leased = found & set(view.by_server)
        if len(found) > 1 and leased:
            lease, _node = view.by_server[min(leased)]
            yield findings.error(
                "server-doubled",
                tuple(sorted(found)),
                f"Lease {lease.name} ({lease.id}) has several servers for "
                f"one node: {listed(found)}.",
                f"The lease's own is {listed(leased)}; the broker removes "
                "another by itself. If one stays, delete it.",
            )


def _tagged(view: View) -> Iterator[Finding]:
    for server in view.seen.servers.values():
        tags = [tag for tag in server.tags if tag.startswith(names.TAG)]
        known = server.id in view.by_server or started_as(server) is not None
        if tags and not known:
            yield findings.warning(
                "server-tag-forged",
                (server.id,),
                f"Server {server.name} ({server.id}) of project "
                f"{server.project_id} carries the tag {tags[0]}, and no "
                "lease has it.",
                "Any member can write such a tag, and the broker believes "
                "none. Ask the project why, or take it away: openstack "
                f"server unset --tag {tags[0]} {server.id}",
                findings.latest(server.created_at, server.updated_at),
            )
