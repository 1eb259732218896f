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

"""Whether each card is closed in Placement as its fences demand."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import Place
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import card_name
from gpubroker.audit.checks.view import listed
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Card
from gpubroker.audit.snapshot import Device
from gpubroker.audit.snapshot import Fence
from gpubroker.audit.snapshot import Node

#: Of a server that Nova has taken off its host, and of one that comes back
#: (nova/compute/task_states.py).
_AWAY = "SHELVED_OFFLOADED"
_COMING = frozenset({"unshelving", "spawning"})

LEASE = "lease"
EXTERNAL = "external"

_WORKER = (
    "The broker's worker puts that right by itself within a minute: look "
    "whether one runs, and for its warnings."
)


def check(view: View) -> Iterator[Finding]:
    for place, card in sorted(view.gpus.items()):
        device = view.devices.get(place)
        if device is not None:
            yield from _card(view, place, card, device)
    for device in view.seen.devices:
        for fence in device.fences:
            if fence.reason == LEASE:
                yield from _lease(view, device, fence)
    yield from _unfenced(view)


def _card(
    view: View, place: Place, card: Card, device: Device
) -> Iterator[Finding]:
    closed = card.total > 0 and card.reserved >= card.total
    ours = device.reasons - {EXTERNAL}
    name = card_name(place)
    if ours and not closed and view.managed(place[0]):
        yield _open(name, card, device)
    elif closed and card.used and not device.reasons:
        yield _in_use(name, card)
    elif card.reserved and not device.reasons:
        yield findings.error(
            "fence-unknown",
            (card.name,),
            f"The card {name} is closed in Placement (reserved "
            f"{card.reserved} of {card.total}), and the broker has no fence "
            "on it.",
            "Somebody else set reserved; the broker notes that as fence "
            f"external. {_WORKER}",
        )
    elif EXTERNAL in device.reasons and not card.reserved:
        yield findings.error(
            "fence-outlived",
            (card.name,),
            f"The card {name} is open in Placement, and the broker still "
            "keeps it back as closed by somebody else (fence external).",
            _WORKER,
        )
    elif device.reasons == {EXTERNAL}:
        yield findings.note(
            "fence-external",
            (card.name,),
            f"The card {name} is kept back since somebody else set reserved "
            "in Placement; the broker never lifts that.",
        )


def _open(name: str, card: Card, device: Device) -> Finding:
    ours = device.reasons - {EXTERNAL}
    return findings.error(
        "fence-open",
        (card.name, *sorted(ours)),
        f"The card {name} is fenced ({listed(ours)}), and open in "
        f"Placement (reserved {card.reserved} of {card.total}): Nova "
        "may give it to anybody.",
        _WORKER,
        findings.latest(*(fence.created_at for fence in device.fences)),
        # Nova may have lost it just now.
        vague=True,
    )


def _in_use(name: str, card: Card) -> Finding:
    """Opened now, it would be given away as its server leaves it, which
    nobody has looked after."""
    return findings.note(
        "fence-waits",
        (card.name,),
        f"The card {name} stays closed in Placement (reserved "
        f"{card.reserved} of {card.total}) because it is in use; the broker "
        "opens it when it is free.",
    )


def _lease(view: View, device: Device, fence: Fence) -> Iterator[Finding]:
    """It outlives its lease as long as somebody else's server has the
    card."""
    lease = view.leases.get(fence.lease_id or "")
    has = lease is not None and any(
        card.device_id == device.id
        for node in lease.nodes
        for card in node.cards
    )
    if lease is not None and lease.open and has:
        return
    place = (view.hypervisor(device.host), device.address)
    card = view.gpus.get(place)
    over = lease is None or not lease.open
    if over and card is not None and card.used:
        yield _in_use(card_name(place), card)
        return
    yield findings.error(
        "fence-lease-left",
        (device.id, fence.lease_id or ""),
        f"The card {device.address} of {device.host} is fenced for lease "
        f"{fence.lease_id}, and no open lease of that id has it.",
        _WORKER,
        lease.ended_at if lease is not None else None,
    )


def _comes_back(view: View, node: Node) -> bool:
    """Its cards are open for some minutes, for a server that somebody has
    unshelved; until then they are claimed for it all the same. One that is
    hidden may be such a server."""
    server = view.seen.servers.get(node.server_id or "")
    if server is None:
        return False
    coming = server.status == _AWAY or server.task_state in _COMING
    return coming or server.hidden


def _unfenced(view: View) -> Iterator[Finding]:
    """A running lease without it would give away a card that was not
    looked after, when its server goes."""
    for lease, node in view.open_nodes:
        if lease.state != "active" or _comes_back(view, node):
            continue
        for card in node.cards:
            device = view.device_ids.get(card.device_id)
            if device is None or LEASE not in device.reasons:
                yield findings.error(
                    "fence-lease-missing",
                    (card.device_id, lease.id),
                    f"Lease {lease.name} ({lease.id}) runs on the card "
                    f"{card.address} of {node.host}, which has no fence "
                    "lease.",
                    "When its server goes the card is open at once. This is "
                    "wrong in the broker's own database.",
                    lease.started_at,
                )
