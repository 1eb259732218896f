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


"""What keeps orders and cards back, in words.

Most telling first. The sentences are for the user: they name no host and no
card.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence

from gpubroker.domain import matching
from gpubroker.domain.matching import Availability
from gpubroker.domain.matching import HostState
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need


class Why(enum.StrEnum):
    """What keeps an order, or a card, back."""

    IN_USE = "in_use"
    FENCED = "fenced"
    FRAGMENTED = "fragmented"
    CPU_MEMORY = "cpu_memory"
    HOST_DOWN = "host_down"
    SUSPECT = "suspect"
    OBSERVED = "observed"
    NO_HOST = "no_host"
    BEHIND = "behind"
    RETRY = "retry"


def explain(
    hosts: Iterable[HostView],
    models: Sequence[str],
    need: Need,
    nodes: int = 1,
) -> tuple[Why, str]:
    """Why an order can not start now, most telling reason first."""
    views = [host for host in hosts if matching.in_zone(host, need.zone)]
    counts = count(views, models)
    what = f"{need.gpus} x {' or '.join(models)}"
    if nodes > 1:
        what = f"{nodes} nodes with {what} each"
    else:
        what += " on one host"
    if need.zone:
        what += f" in zone {need.zone}"
    state = _state_sentence(counts)
    wanted = need.gpus * nodes
    if counts[Why.FRAGMENTED] >= wanted and counts["free"] >= wanted:
        if not any(
            matching.has_room(h, need)
            for h in views
            if any(c.free and c.model in models for c in h.cards)
        ):
            return Why.CPU_MEMORY, (
                f"Waits for {what}: the hosts with free cards have too "
                f"little CPU, memory or disk left{or_traits(need)}. {state}"
            )
        return Why.FRAGMENTED, (
            f"Waits for {what}: the free cards are spread over hosts or "
            f"blocks. {state}"
        )
    for why in _TELLING:
        if counts[why]:
            return why, f"Waits for {what}. {state}"
    return Why.NO_HOST, f"Waits for {what}: no host offers it at present."


_TELLING = (
    Why.IN_USE,
    Why.FENCED,
    Why.HOST_DOWN,
    Why.SUSPECT,
    Why.OBSERVED,
)


def no_room(hosts: Iterable[HostView], need: Need) -> str:
    """What hosts with enough cards lack, even when they are empty: the
    traits that the flavor asks for are named."""
    traits = [host.traits for host in hosts]
    lacking = need.traits.difference(*traits)
    if not any(need.traits <= found for found in traits):
        names = ", ".join(sorted(lacking or need.traits))
        word = "the trait" if len(lacking) == 1 else "all of the traits"
        return (
            f"No host with these GPUs has {word} {names}, which the flavor "
            "asks for."
        )
    also = f" and {', '.join(sorted(need.traits))}" if need.traits else ""
    return (
        f"No host with these GPUs{also} has the CPU, memory or disk that the "
        "flavor asks for."
    )


def or_traits(need: Need) -> str:
    """Ends a list of what hosts with free cards may have too little of."""
    return ", or not the flavor's traits" if need.traits else ""


def count(hosts: Sequence[HostView], models: Sequence[str]) -> dict[str, int]:
    """Cards of the models by what keeps them back; ``free`` and
    ``fragmented`` both count the free ones."""
    found = dict.fromkeys([why.value for why in Why], 0)
    found["free"] = 0
    for host in hosts:
        for card in host.cards:
            if card.model not in models:
                continue
            if host.state is not HostState.OPEN:
                found[host.state.value] += 1
            elif card.free:
                found["free"] += 1
                found[Why.FRAGMENTED] += 1
            elif card.availability is Availability.KEPT:
                found[Why.BEHIND] += 1
            elif card.availability is Availability.IN_USE:
                found[Why.IN_USE] += 1
            else:
                found[Why.FENCED] += 1
    return found


def _state_sentence(counts: Mapping[str, int]) -> str:
    words = {
        "free": "free",
        Why.IN_USE.value: "in use",
        Why.FENCED.value: "held back",
        Why.HOST_DOWN.value: "on hosts that are down",
        Why.SUSPECT.value: "on hosts where starts failed lately",
        Why.OBSERVED.value: "on hosts that are only observed",
    }
    parts = [
        f"{counts[key]} {word}"
        for key, word in words.items()
        if counts[key] or key == "free"
    ]
    return "Cards: " + ", ".join(parts) + "."
