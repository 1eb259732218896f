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


"""A lease as the API shows it.

What an operator alone may see (host, address and serial of a card) is only
put in when ``detail`` says so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpubroker.api.call import Call
from gpubroker.api.schemas import workloads
from gpubroker.api.views import times
from gpubroker.domain import devices
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import names
from gpubroker.services import ports

_WORKLOAD = frozenset(workloads.SEEN["properties"]) - {"has_user_data"}


@dataclass(frozen=True, slots=True)
class Around:
    """What a view needs beside the lease itself.

    :param places: lease -> place in its queue.
    :param cards: device id -> device.
    :param journal: steps of the one lease that is shown.
    :param consoles: server -> address of its console.
    """

    places: Mapping[str, int] = field(default_factory=dict)
    cards: Mapping[str, devices.Device] = field(default_factory=dict)
    journal: Iterable[steps.Step] | None = None
    consoles: Mapping[str, str | None] = field(default_factory=dict)


def target(lease: leases.Lease) -> dict[str, str]:
    """What policies know of a lease."""
    return {"project_id": lease.project_id, "user_id": lease.user_id}


def look_around(
    tx: ports.Transaction, found: list[leases.Lease], detail: bool
) -> Around:
    """For a page of leases, in as many statements as for one."""
    queued = [one for one in found if one.state is leases.State.QUEUED]
    planned = [
        device_id
        for lease in found
        for node in lease.nodes
        for device_id in node.planned
    ]
    cards = tx.devices.many(planned) if detail and planned else []
    return Around(
        places=tx.leases.places(queued) if queued else {},
        cards={card.id: card for card in cards},
    )


def show(
    call: Call, lease: leases.Lease, around: Around, detail: bool
) -> dict[str, Any]:
    """:param detail: whether the caller may see hosts and devices."""
    view = {
        "id": lease.id,
        "name": lease.name,
        "project_id": lease.project_id,
        "user_id": lease.user_id,
        "flavor": lease.flavor,
        "models": list(lease.models),
        "model": lease.model,
        "gpus": lease.gpus,
        "nodes": lease.node_count,
        "pool": lease.pool,
        "state": lease.state,
        "target": lease.target,
        "reason": lease.reason,
        "end_cause": lease.end_cause,
        "queue": _queue(lease, around),
        "duration": lease.duration,
        "requested_at": times.exact(lease.requested_at),
        "started_at": times.exact(lease.started_at),
        "expires_at": times.exact(lease.expires_at),
        "ended_at": times.exact(lease.ended_at),
        "identity_mode": lease.identity_mode,
        "attempts": lease.attempts,
        "workload": _workload(lease),
        "servers": [
            _server(lease, node, around, detail) for node in lease.nodes
        ],
        "generation": lease.generation,
        **times.stamps(lease),
        "links": call.link("leases", lease.id),
    }
    if around.journal is not None:
        view["progress"] = _progress(lease, around.journal)
    return view


def _queue(lease: leases.Lease, around: Around) -> dict[str, Any] | None:
    place = around.places.get(lease.id)
    # Who waits for rights keeps nothing from others: it has no place.
    held = lease.rights_gone_at is not None
    if place is None and not (held and lease.state is leases.State.QUEUED):
        return None
    return {"place": place, "waiting_for": lease.reason}


def _workload(lease: leases.Lease) -> dict[str, Any]:
    seen = {
        name: value
        for name, value in lease.workload.items()
        if name in _WORKLOAD
    }
    return {**seen, "has_user_data": lease.user_data is not None}


def _server(
    lease: leases.Lease, node: leases.Node, around: Around, detail: bool
) -> dict[str, Any]:
    view: dict[str, Any] = {
        "node": node.index,
        "id": node.server_id,
        "name": lease.workload.get("server_name") or names.server(lease, node),
        "status": node.server_status,
        "addresses": list(node.addresses),
        "key_name": lease.workload.get("key_name"),
        "login": _login(lease, node),
        "console_url": around.consoles.get(node.server_id or ""),
        "fault": node.fault,
    }
    if detail:
        view["host"] = node.host
        view["devices"] = [
            _card(around.cards[device_id])
            for device_id in node.planned
            if device_id in around.cards
        ]
    return view


def _login(lease: leases.Lease, node: leases.Node) -> str | None:
    """The command to type.

    Which user an image has only the image knows: it is recorded at order
    time where the image says so.
    """
    if lease.state is not leases.State.ACTIVE or not node.addresses:
        return None
    user = lease.workload.get("login_user", "<user>")
    return f"ssh {user}@{_reachable(node.addresses)}"


def _reachable(addresses: tuple[str, ...]) -> str:
    """The first IPv4 address, which most people can reach."""
    for address in addresses:
        if isinstance(ipaddress.ip_address(address), ipaddress.IPv4Address):
            return address
    return addresses[0]


def _card(card: devices.Device) -> dict[str, Any]:
    return {
        "id": card.id,
        "pci_address": card.pci_address,
        "slot": card.slot,
        "serial": card.serial,
    }


def _progress(
    lease: leases.Lease, journal: Iterable[steps.Step]
) -> list[dict[str, Any]]:
    index = {node.id: node.index for node in lease.nodes}
    return [
        {
            "node": index.get(step.node_id or ""),
            "step": step.name,
            "state": step.state,
            "begun_at": times.exact(step.begun_at),
            "done_at": times.exact(step.done_at),
        }
        for step in journal
    ]
