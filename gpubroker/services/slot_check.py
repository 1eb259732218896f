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


"""Whether Nova can be asked for each card of a host by itself.

It can when Placement shows exactly one slot trait on each card, no slot twice
on a host, and the number that the broker gave the card's address (A 5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gpubroker.domain import hosts
from gpubroker.domain import traits
from gpubroker.services import checks
from gpubroker.services import ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A PCI device as Placement has it, beside what the broker knows."""

    host: str
    provider: ports.Provider
    slots: frozenset[int]
    wanted: int | None


def cards(
    managed: Collection[hosts.Host],
    providers: Collection[ports.Provider],
    holders: Mapping[str, Collection[str]],
    wanted: Mapping[str, Mapping[str, int]],
) -> list[Card]:
    """Every card of the managed hosts, in the order of host and name.

    A device with neither a slot trait nor a slot of the broker's is no GPU:
    Nova manages disks and network cards the same way.

    :param wanted: host -> PCI address -> the slot the broker gave it.
    """
    by_root = {host.provider_id: host for host in managed}
    carried: dict[str, set[int]] = defaultdict(set)
    for trait, marked in holders.items():
        number = trait.removeprefix(traits.SLOT_PREFIX)
        if number.isdecimal():
            for provider_id in marked:
                carried[provider_id].add(int(number))
    found = []
    for provider in providers:
        host = by_root.get(provider.root_id)
        if host is None:
            continue
        address = provider.name.rpartition("_")[2].lower()
        card = Card(
            host=host.name,
            provider=provider,
            slots=frozenset(carried[provider.id]),
            wanted=wanted.get(host.name, {}).get(address),
        )
        if card.slots or card.wanted is not None:
            found.append(card)
    return sorted(found, key=lambda card: (card.host, card.provider.name))


def slots(
    managed: Collection[hosts.Host], found: Sequence[Card]
) -> checks.Finding:
    """Whether each card can be asked for by itself."""
    if not managed:
        return checks.ok("No host is in mode manage yet.")
    wrong = [
        *(
            f"{host.name} has no known GPU in Placement"
            for host in sorted(managed, key=lambda host: host.name)
            if host.name not in {card.host for card in found}
        ),
        *_doubled(found),
        *(words for card in found if (words := _wrong(card))),
    ]
    if not wrong:
        return checks.ok(f"{len(found)} cards on {len(managed)} hosts.")
    shown = "; ".join(wrong[:10])
    more = f"; and {len(wrong) - 10} more" if len(wrong) > 10 else ""
    return checks.failure(
        f'{shown}{more}. For each of these hosts write what "openstack gpu '
        'config render --host HOST" prints into the folder of [compute] '
        "provider_config_location and restart its nova-compute."
    )


def _wrong(card: Card) -> str:
    name = card.provider.name
    if not card.slots:
        return f"{name} has no slot trait"
    if len(card.slots) > 1:
        numbers = ", ".join(str(slot) for slot in sorted(card.slots))
        return f"{name} has more than one slot trait ({numbers})"
    if card.wanted is not None and card.slots != {card.wanted}:
        (slot,) = card.slots
        return f"{name} has slot {slot} where the broker has {card.wanted}"
    return ""


def _doubled(found: Sequence[Card]) -> list[str]:
    taken: dict[tuple[str, int], list[str]] = defaultdict(list)
    for card in found:
        for slot in card.slots:
            taken[card.host, slot].append(card.provider.name)
    return [
        f"{host} has slot {slot} twice ({' and '.join(names)})"
        for (host, slot), names in sorted(taken.items())
        if len(names) > 1
    ]
