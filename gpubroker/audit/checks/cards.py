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

"""Who holds each card in Placement, and whether the broker knows it."""

from __future__ import annotations

from collections.abc import Iterator

from gpubroker.audit import findings
from gpubroker.audit.checks.view import Place
from gpubroker.audit.checks.view import View
from gpubroker.audit.checks.view import card_name
from gpubroker.audit.checks.view import listed
from gpubroker.audit.checks.view import made_by
from gpubroker.audit.findings import Finding
from gpubroker.audit.snapshot import Card
from gpubroker.audit.snapshot import Device

_ALLOCATION = "openstack resource provider allocation {} {}"


def check(view: View) -> Iterator[Finding]:
    around: set[Place] = set()
    for place, card in sorted(view.gpus.items()):
        yield from _held(view, place, card)
        device = view.devices.get(place)
        if device is None:
            yield _unknown(view, place, card)
        else:
            yield from _use(place, card, device)
        if any(_around(view, holder) for holder in card.holders):
            around.add(place)
    yield from _missing(view)
    if around:
        hosts = listed({place[0] for place in around})
        yield findings.note(
            "cards-used-around",
            (hosts,),
            f"{len(around)} cards of {hosts} are used by servers without a "
            "lease.",
        )


def _around(view: View, holder: str) -> bool:
    """Whether it is a server that no broker has made or has a lease of."""
    server = view.seen.servers.get(holder)
    if server is None or server.hidden or holder in view.by_server:
        return False
    made = made_by(server)
    return not made or view.is_ours(made)


def _held(view: View, place: Place, card: Card) -> Iterator[Finding]:
    name = card_name(place)
    if card.used > card.total:
        yield findings.error(
            "card-held-twice",
            (card.name, *sorted(card.holders)),
            f"The card {name} is held {card.used} times in Placement and is "
            f"there {card.total} times: by {listed(card.holders)}.",
            "Nova gives it to one of them at most; end the other. See that "
            "[placement] allocation_conflict_retry_count is 1.",
            card.held_at,
        )
    known = view.seen.servers.keys() | view.seen.migrations
    for holder in sorted(card.holders):
        if holder in known or view.hidden(holder):
            continue
        yield findings.error(
            "card-orphaned",
            (card.name, holder),
            f"The card {name} is held by {holder} in Placement, which is "
            "neither a server nor a migration of Nova's.",
            "Nobody can use the card. When you know that nothing needs it: "
            + _ALLOCATION.format("delete", holder),
            card.held_at,
        )


def _unknown(view: View, place: Place, card: Card) -> Finding:
    known = {host.hypervisor for host in view.seen.hosts}
    where = "" if place[0] in known else ", nor its host"
    return findings.warning(
        "card-unknown",
        (card.name,),
        f"Placement has the card {card_name(place)} "
        f"({card.resource_class}), and the broker does not know it{where}.",
        "Its worker finds new cards by itself: look whether one runs.",
    )


def _use(place: Place, card: Card, device: Device) -> Iterator[Finding]:
    held, seen = frozenset(card.holders), frozenset(device.consumers)
    if held != seen:
        yield findings.error(
            "card-use-differs",
            (card.name, *sorted(held ^ seen)),
            f"The card {card_name(place)} is {_by(held)} in Placement, and "
            f"{_by(seen)} as the broker has it.",
            "The broker compares every host with Placement by itself: look "
            "whether a worker runs, and for its warnings.",
            # Placement does not tell when somebody let go.
            card.held_at if held - seen and not seen - held else None,
        )


def _by(holders: frozenset[str]) -> str:
    return f"held by {listed(holders)}" if holders else "free"


def _missing(view: View) -> Iterator[Finding]:
    providers = {card.id for card in view.seen.cards}
    for place, device in sorted(view.devices.items()):
        if device.provider_id and device.provider_id not in providers:
            yield findings.error(
                "card-lost",
                (device.id, device.provider_id),
                f"The broker has the card {card_name(place)} on provider "
                f"{device.provider_id}, which Placement does not have.",
                "The broker compares every host with Placement by itself: "
                "look whether a worker runs, and for its warnings.",
            )
        elif (
            device.provider_id is None
            and device.present
            and view.managed(place[0])
        ):
            yield findings.warning(
                "card-not-in-placement",
                (device.id,),
                f"The card {card_name(place)} is in the host, and Placement "
                "does not have it: nobody can get it.",
                "Look at [pci] device_spec of the host's nova-compute, and "
                "at its log.",
                device.updated_at,
            )
