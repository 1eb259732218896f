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
from gpubroker.services import ports
from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake


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
) -> f.Findings:
    """Whether each card can be asked for by itself."""
    if not managed:
        yield f.fact("No host is in mode manage yet.")
        return
    missing = [card for card in found if not card.slots]
    several = [card for card in found if len(card.slots) > 1]
    other = [card for card in found if _other(card)]
    doubled = _doubled(found)
    for mistake, wrong in (
        (Mistake.SLOT_MISSING, [_without(card) for card in missing]),
        (Mistake.SLOT_SEVERAL, [_with_many(card) for card in several]),
        (Mistake.SLOT_DOUBLED, doubled),
        (Mistake.SLOT_OTHER, [_with_other(card) for card in other]),
    ):
        if wrong:
            yield f.failure(mistake, f"{_some(wrong)}. {_MEND}")
    yield f.fact(f"{len(found)} cards on {len(managed)} hosts.")


_MEND = (
    'For each of these hosts write what "openstack gpu config render --host '
    'HOST --provider-yaml" prints into the folder of [compute] '
    "provider_config_location and restart its nova-compute, which reads it "
    "at its start only."
)


def _some(wrong: Sequence[str]) -> str:
    more = f"; and {len(wrong) - f.MANY} more" if wrong[f.MANY :] else ""
    return "; ".join(wrong[: f.MANY]) + more


def _without(card: Card) -> str:
    return f"{card.provider.name} has no slot trait"


def _with_many(card: Card) -> str:
    numbers = ", ".join(str(slot) for slot in sorted(card.slots))
    return f"{card.provider.name} has more than one slot trait ({numbers})"


def _other(card: Card) -> bool:
    return (
        len(card.slots) == 1
        and card.wanted is not None
        and card.slots != {card.wanted}
    )


def _with_other(card: Card) -> str:
    (slot,) = card.slots
    return (
        f"{card.provider.name} has slot {slot} where the broker has "
        f"{card.wanted}"
    )


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
