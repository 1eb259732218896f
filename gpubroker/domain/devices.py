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

"""A device is one physical GPU."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gpubroker.domain.fences import Fence
from gpubroker.domain.fences import Reason

_ADDRESS = re.compile(
    r"^(?P<domain>[0-9a-fA-F]{4,8}):(?P<bus>[0-9a-fA-F]{2})"
    r":(?P<slot>[0-9a-fA-F]{2})\.(?P<function>[0-7])$"
)


class State(enum.StrEnum):
    """Whether anyone still sees the card."""

    PRESENT = "present"
    VANISHED = "vanished"


class Health(enum.StrEnum):
    """Not readable is UNKNOWN, never BAD."""

    OK = "OK"
    SUSPECT = "SUSPECT"
    BAD = "BAD"
    UNKNOWN = "UNKNOWN"


class Availability(enum.StrEnum):
    """What matters most to who looks at all cards, in one word; of several
    that hold, the first. Mode and state of the host do not count."""

    VANISHED = "vanished"
    """Nobody sees it any more."""
    SICK = "sick"
    """BAD, or fenced for its health."""
    FENCED = "fenced"
    """Kept back for another reason than a lease."""
    LEASED = "leased"
    """A lease has it, also while it starts and until its end is proven."""
    OUTSIDE = "used_outside"
    """Somebody has it whom the broker gave nothing."""
    UNKNOWN = "unknown"
    """Nothing speaks against it, and it can not be given out all the same:
    of no known model, or not to be found in Placement as one free card."""
    FREE = "free"
    """It can be given out."""


#: The fence of a lease is no news, and that of health is told as sick.
TOLD_OTHERWISE = frozenset({Reason.LEASE, Reason.HEALTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReason:
    """One fact behind a health: a rule's name and the words for people."""

    rule: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One card, known by serial or UUID, else by (host, PCI address).

    :param slot: persistent number of (host, PCI address), see A 3.
    :param provider_id: the Placement provider that it is mirrored on.
    :param closing_generation: the newest generation of the provider that a
        write of ours which closes the card was sent for, as long as it is
        not proven that the write is there or can never be.
    :param consumers: UUIDs that hold it in Placement.
    :param claimed_by: the lease node that holds an open claim on it.
    :param last_seen_at: of a present card that an agent reports: when the
        host's last report came, as far as the store is asked; else when it
        was found, or was gone.
    """

    id: str
    host: str
    pci_address: str
    slot: int | None = None
    model: str | None = None
    vendor_id: str = ""
    product_id: str = ""
    subsystem_id: str = ""
    serial: str | None = None
    uuid: str | None = None
    numa_node: int | None = None
    driver: str | None = None
    state: State = State.PRESENT
    health: Health = Health.UNKNOWN
    health_reasons: tuple[HealthReason, ...] = ()
    fences: tuple[Fence, ...] = ()
    reported: bool = False
    provider_id: str | None = None
    provider_name: str | None = None
    provider_generation: int | None = None
    resource_class: str | None = None
    total: int | None = None
    reserved: int | None = None
    closing_generation: int | None = None
    consumers: tuple[str, ...] = ()
    claimed_by: str | None = None
    traits: tuple[str, ...] = ()
    first_seen_at: datetime.datetime | None = None
    last_seen_at: datetime.datetime | None = None
    generation: int = 0
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None

    @property
    def reasons(self) -> frozenset[Reason]:
        """Why it must not be given out; empty when nothing speaks against."""
        return frozenset(fence.reason for fence in self.fences)

    @property
    def schedulable(self) -> bool:
        """Whether nothing about the card itself keeps it from being given
        out now; mode and state of its host do not count. The filter of that
        name says the same in SQL."""
        return bool(
            self.state is State.PRESENT
            and self.model
            and self.provider_id
            and self.total
            and not self.reserved
            and self.slot is not None
            and not self.claimed_by
            and not self.fences
            and not self.consumers
        )

    @property
    def availability(self) -> Availability:
        """The filter of that name says the same in SQL."""
        holds = {
            Availability.VANISHED: self.state is State.VANISHED,
            Availability.SICK: self.health is Health.BAD
            or Reason.HEALTH in self.reasons,
            Availability.FENCED: bool(self.reasons - TOLD_OTHERWISE),
            Availability.LEASED: self.claimed_by is not None
            or Reason.LEASE in self.reasons,
            Availability.OUTSIDE: bool(self.consumers),
            Availability.UNKNOWN: not self.schedulable,
            Availability.FREE: True,
        }
        return next(one for one in Availability if holds[one])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Cards of a pool.

    :param counts: of each availability.
    :param withheld: how many of the free ones are on hosts of which no card
        is given out, since they are down or only observed.
    """

    counts: Mapping[Availability, int]
    withheld: int = 0


def latest(rows: Iterable[Device]) -> Device | None:
    """Of several rows at one address the card that is there, else the one
    that was there last."""
    return max(rows, key=_freshness, default=None)


def _freshness(row: Device) -> tuple[bool, str]:
    seen = row.last_seen_at or row.first_seen_at
    return row.state is State.PRESENT, seen.isoformat() if seen else ""


def address(text: str) -> str:
    """The one spelling of a PCI address: ``0000:0b:00.0``, lower case.

    NVML writes an eight-digit domain and Placement's provider names are in
    upper case; both are accepted.

    :raises ValueError: when it is no PCI address.
    """
    match = _ADDRESS.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a PCI address")
    domain = int(match["domain"], 16)
    return (
        f"{domain:04x}:{match['bus']}:{match['slot']}.{match['function']}"
    ).lower()
