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

"""What is to be said of a card in one word. Pure."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from gpubroker.client.sdk import device as device_sdk


class State(enum.StrEnum):
    """What the service calls a device's availability: what matters most to
    who looks at all cards."""

    VANISHED = "vanished"
    SICK = "sick"
    FENCED = "fenced"
    LEASED = "leased"
    OUTSIDE = "used_outside"
    UNKNOWN = "unknown"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Seen:
    """:ivar used: somebody has it although it is out of order or kept back.
    :ivar suspect: something was seen that proves no fault.
    """

    state: State
    used: bool = False
    suspect: bool = False


def reasons(device: device_sdk.Device) -> set[str]:
    return {str(fence.get("reason")) for fence in device.fences or ()}


def use(device: device_sdk.Device) -> str:
    """free, lease, claimed or external."""
    return str((device.use or {}).get("kind") or "free")


#: The fence of a lease is no news, and that of health is told as sick.
TOLD_OTHERWISE = frozenset({"lease", "health"})

#: What somebody has to look at.
WRONG = (State.SICK, State.FENCED, State.VANISHED, State.UNKNOWN)

_UNUSABLE = frozenset({State.VANISHED, State.SICK, State.FENCED})


def state(device: device_sdk.Device) -> State:
    """As the service says; what a newer one may say is unknown."""
    try:
        return State(device.availability)
    except ValueError:
        return State.UNKNOWN


def asked(words: Iterable[str]) -> tuple[State, ...]:
    """Those that a person wants to see, each once; ``wrong``: all that have
    to be looked at. What is none is left out."""
    wanted: set[State] = set()
    for word in words:
        if word == "wrong":
            wanted.update(WRONG)
        elif word in set(State):
            wanted.add(State(word))
    return tuple(one for one in LEGEND if one in wanted)


def seen(device: device_sdk.Device) -> Seen:
    found = state(device)
    return Seen(
        state=found,
        used=found in _UNUSABLE and use(device) != "free",
        suspect=found is not State.SICK and device.health == "SUSPECT",
    )


#: What is as it should be comes first.
LEGEND = (
    State.FREE,
    State.LEASED,
    State.OUTSIDE,
    State.FENCED,
    State.SICK,
    State.VANISHED,
    State.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of some cards are in which state."""

    states: tuple[tuple[State, int], ...]
    used: int
    suspect: int

    @property
    def total(self) -> int:
        return sum(count for _state, count in self.states)


def tally(cards: Iterable[Seen]) -> Tally:
    """All states are there, also those of no card."""
    cards = list(cards)
    counts = Counter(card.state for card in cards)
    return Tally(
        states=tuple((one, counts[one]) for one in LEGEND),
        used=sum(card.used for card in cards),
        suspect=sum(card.suspect for card in cards),
    )
