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

"""Whether each lease has the servers and the cards that it says."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import card_name
from gpubroker.audit.checks.view import listed
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Lease
from gpubroker.audit.snapshot import Node
from gpubroker.audit.snapshot import Server

_GONE = frozenset({"DELETED", "SOFT_DELETED"})
#: It holds no card, and is to have the same ones again or none.
_SHELVED = "SHELVED_OFFLOADED"

_END = "End the lease, or ask its user to: openstack gpu lease delete {}"


def check(view: View) -> Iterator[Finding]:
    for lease, node in view.open_nodes:
        starts = lease.state == "starting" and lease.target == "active"
        if lease.state == "active" or starts:
            yield from _node(view, lease, node)
    yield from _twice(view)


def _node(view: View, lease: Lease, node: Node) -> Iterator[Finding]:
    active = lease.state == "active"
    if node.server_id is None:
        if active:
            yield _gone(lease, node, "has no server")
        return
    server = view.seen.servers.get(node.server_id)
    if server is None or server.status in _GONE:
        yield _gone(lease, node, f"its server {node.server_id} is gone")
        return
    if server.hidden:
        return
    if server.project_id != lease.project_id:
        yield findings.error(
            "lease-server-foreign",
            (lease.id, server.id),
            f"{_words(lease, node)}: its server {server.id} is in project "
            f"{server.project_id}, the lease in {lease.project_id}.",
            _END.format(lease.id) + ", after you know how it came about.",
            lease.updated_at,
        )
    if server.status == "ERROR":
        yield findings.error(
            "lease-server-error",
            (lease.id, server.id),
            f"{_words(lease, node)}: its server {server.id} is in ERROR.",
            f"Look at it: openstack server show {server.id}; then mend it, "
            "or end the lease.",
            findings.latest(lease.updated_at, server.updated_at),
        )
    if active:
        yield from _cards(view, lease, node, server)


def _gone(lease: Lease, node: Node, what: str) -> Finding:
    return findings.error(
        "lease-server-gone",
        (lease.id, str(node.index), node.server_id or ""),
        f"{_words(lease, node)}: {what} in Nova.",
        _END.format(lease.id),
        lease.updated_at,
        # The broker itself looks for its servers once a minute.
        vague=True,
    )


def _cards(
    view: View, lease: Lease, node: Node, server: Server
) -> Iterator[Finding]:
    if server.status == _SHELVED:
        yield findings.note(
            "lease-shelved",
            (lease.id, server.id),
            f"{_words(lease, node)}: its server {server.id} is shelved and "
            "holds no card; the lease keeps its cards for it.",
        )
        return
    planned = view.places(node)
    held = view.held.get(server.id, frozenset())
    host = view.hypervisor(node.host)
    elsewhere = {place[0] for place in held} - {host}
    if server.hypervisor and server.hypervisor != host:
        elsewhere.add(server.hypervisor)
    if elsewhere:
        yield findings.error(
            "lease-host-differs",
            (lease.id, server.id),
            f"{_words(lease, node)}: it is to be on {host}, and its server "
            f"{server.id} is on {listed(elsewhere)}.",
            "Move the server back (openstack server migrate), or end the "
            "lease.",
            server.updated_at,
        )
    elif held != planned:
        yield findings.error(
            "lease-cards-differ",
            (lease.id, server.id),
            f"{_words(lease, node)}: it is to have {_cards_words(planned)}, "
            f"and its server {server.id} holds {_cards_words(held)} in "
            "Placement.",
            f"Compare: openstack gpu lease show {lease.id}; openstack "
            f"resource provider allocation show {server.id}. End the lease "
            "when Placement is right.",
            server.updated_at,
        )


def _twice(view: View) -> Iterator[Finding]:
    found: dict[tuple[str, str], set[str]] = {}
    for lease, node in view.open_nodes:
        for place in view.places(node):
            found.setdefault(place, set()).add(lease.id)
    for place, leases in sorted(found.items()):
        if len(leases) > 1:
            yield findings.error(
                "card-in-two-leases",
                (*place, *sorted(leases)),
                f"The card {card_name(place)} is in several leases: "
                f"{listed(leases)}.",
                "End all of them but the one whose server holds it in "
                "Placement.",
            )


def _cards_words(places: frozenset[tuple[str, str]]) -> str:
    if not places:
        return "no card"
    return listed(address for _hypervisor, address in places)


def _words(lease: Lease, node: Node) -> str:
    many = f", node {node.index}" if len(lease.nodes) > 1 else ""
    return f"Lease {lease.name} ({lease.id}{many}) is {lease.state}"
