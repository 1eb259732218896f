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

"""A host's cards as Placement shows them, merged into what is known.

Pure: rows and what was seen in, rows out. A provider is known by its host
and PCI address; its UUID is new each time that Nova makes it anew (N 0.4).
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import health
from gpubroker.domain import sightings
from gpubroker.domain.devices import Device
from gpubroker.domain.devices import State
from gpubroker.domain.fences import Reason
from gpubroker.domain.hosts import Capacity
from gpubroker.domain.inventory import Happening
from gpubroker.domain.models import Model

#: Nova's own name for the class of a PCI device that has no other (N 1.2).
_PCI_CLASS = re.compile(r"^CUSTOM_PCI_([0-9A-F]{4})_([0-9A-F]{4})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCard:
    """The provider of one card; consumers are UUIDs, sorted."""

    pci_address: str
    provider_id: str
    provider_name: str
    generation: int
    resource_class: str | None
    total: int | None
    reserved: int | None
    consumers: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHost:
    """:param root_id: ``None`` when Placement has no such compute node.
    :param tree: name of each provider by its id.
    """

    root_id: str | None
    tree: Mapping[str, str] = field(default_factory=dict)
    capacities: tuple[Capacity, ...] = ()
    traits: tuple[str, ...] = ()
    cards: tuple[SeenCard, ...] = ()


@dataclass(slots=True)
class Mirrored:
    """What to write.

    :ivar changed: rows that changed in more than what Placement counts.
    :ivar mirrored: rows that changed in that alone.
    :ivar external: rows whose ``reserved`` somebody else has set.
    :ivar released: rows whose ``reserved`` somebody else has cleared.
    :ivar intruded: rows that were closed and are held by a new consumer.
    :ivar verdicts: on GPUs that are gone, by row; each is in ``changed``.
    """

    added: list[Device] = field(default_factory=list)
    changed: list[Device] = field(default_factory=list)
    mirrored: list[Device] = field(default_factory=list)
    external: list[Device] = field(default_factory=list)
    released: list[Device] = field(default_factory=list)
    intruded: list[Device] = field(default_factory=list)
    verdicts: dict[str, health.Verdict] = field(default_factory=dict)
    traits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)


class Write(enum.Enum):
    """What has to be done about ``reserved``.

    ``SETTLE``: the card is open and is to stay so, but a write that closes
    it may still be under way; another write makes that one impossible.
    """

    CLOSE = "close"
    OPEN = "open"
    SETTLE = "settle"


def noted(row: Device) -> tuple[object, ...]:
    """What is known of the card's provider, and of our writes to it."""
    return (
        row.provider_id,
        row.provider_generation,
        row.reserved,
        row.closing_generation,
    )


def pending(closing: int | None, generation: int) -> int | None:
    """What is left of ``closing_generation`` once the provider is seen at a
    generation.

    Placement takes a write only for the generation that stands and counts
    one up for it. So at a later one the write is there, or will never be.

    >>> pending(7, 7)
    7
    >>> pending(7, 8)
    """
    if closing is None or generation > closing:
        return None
    return closing


def is_gpu(device: Device) -> bool:
    """Whether a device is known to be a GPU.

    Nova puts its trait on every PCI device that it manages. One that no
    model names and no agent reports may be a disk or a network card: it is
    shown, and nothing of it is ever written. One that no model names and
    Placement does not count may be a management controller's chip.
    """
    if device.model is not None:
        return True
    return device.reported and device.provider_id is not None


def wanted(device: Device, spent: bool = False) -> Write | None:
    """What ``reserved`` of the device's provider needs, if anything.

    :param spent: whether its fence ``lease`` no longer counts.
    """
    if device.provider_id is None or not device.total or not is_gpu(device):
        return None
    reasons = device.reasons - ({Reason.LEASE} if spent else set())
    goal = fences.reserved(reasons, device.total)
    if goal == device.reserved:
        open_question = device.closing_generation is not None
        return Write.SETTLE if open_question and not goal else None
    if goal:
        return Write.CLOSE
    if Reason.EXTERNAL in reasons or device.consumers:
        # Not ours to lift, or still in use.
        return None
    return Write.OPEN


def merge(
    host: str,
    rows: Sequence[Device],
    cards: Sequence[SeenCard],
    models: Sequence[Model],
    now: datetime.datetime,
    new_id: Callable[[], str],
    observed: bool = False,
) -> Mirrored:
    """Bring the rows of a host in line with its providers.

    :param observed: whether the broker writes nothing for this host.
    """
    found = Mirrored()
    shown: set[str] = set()
    for card in sorted(cards, key=lambda card: card.pci_address):
        row = _row_of(rows, card)
        if row is None:
            _add(found, host, card, models, now, new_id)
            continue
        shown.add(row.id)
        _compare(found, row, card, models, now, observed)
    for row in rows:
        if row.id not in shown:
            _forget(found, row, models, now)
    return found


def _row_of(rows: Sequence[Device], card: SeenCard) -> Device | None:
    """The card that is there, else the last that was: Nova shows a card
    that an agent no longer sees until nova-compute is restarted (N 1.1)."""
    return devices.latest(
        row for row in rows if row.pci_address == card.pci_address
    )


def _add(
    found: Mirrored,
    host: str,
    card: SeenCard,
    models: Sequence[Model],
    now: datetime.datetime,
    new_id: Callable[[], str],
) -> None:
    blank = Device(
        id=new_id(),
        host=host,
        pci_address=card.pci_address,
        first_seen_at=now,
        last_seen_at=now,
    )
    row = _shown(_named(blank, card, models), card, models)
    found.added.append(row)
    found.traits[row.id] = card.traits
    if card.reserved:
        found.external.append(row)
    found.happenings.append(
        Happening(
            device_id=row.id,
            kind="device.found",
            message=f"Found a new card at {row.pci_address} of {row.host}.",
        )
    )


def _compare(
    found: Mirrored,
    row: Device,
    card: SeenCard,
    models: Sequence[Model],
    now: datetime.datetime,
    observed: bool,
) -> None:
    after = _shown(row, card, models)
    if row.state is State.VANISHED and not row.reported:
        after = dataclasses.replace(
            after, state=State.PRESENT, last_seen_at=now
        )
        found.happenings.append(
            Happening(
                device_id=row.id,
                kind="device.returned",
                message="Placement shows the card again.",
            )
        )
    found.traits[row.id] = card.traits
    _reserved(found, row, after, observed)
    ours = fences.OURS & row.reasons - {Reason.LEASE}
    if ours and row.reserved and set(after.consumers) - set(row.consumers):
        found.intruded.append(after)
    if (after.state, after.model) != (row.state, row.model):
        found.changed.append(after)
    elif after != row:
        found.mirrored.append(after)


def _reserved(
    found: Mirrored, row: Device, after: Device, observed: bool
) -> None:
    """Tell whose doing ``reserved`` is.

    The broker notes in the row what it is about to write, and for which
    generation, until it is proven what became of that. So a number of which
    the row knows nothing is somebody else's, whatever reasons of our own the
    card has. Of a provider that was out of sight nothing is noted: there a
    fence of ours speaks for us, unless we never write.
    """
    external = Reason.EXTERNAL in row.reasons
    if not after.reserved:
        if external:
            found.released.append(after)
        return
    same = row.provider_id == after.provider_id
    ours = row.reserved or row.closing_generation is not None
    if external or (same and ours):
        return
    if same or observed or not fences.OURS & row.reasons:
        found.external.append(after)


#: What Placement shows of a card that it does not have.
_NOTHING: dict[str, Any] = {
    "provider_id": None,
    "provider_name": None,
    "provider_generation": None,
    "resource_class": None,
    "total": None,
    "reserved": None,
    "closing_generation": None,
    "consumers": (),
}


def _forget(
    found: Mirrored,
    row: Device,
    models: Sequence[Model],
    now: datetime.datetime,
) -> None:
    """A row without a provider: Nova does not manage the card, or it is
    gone. Only an agent knows which."""
    after = row
    if row.provider_id is not None:
        after = dataclasses.replace(row, **_NOTHING)
    if after.model is None and row.state is State.PRESENT:
        # An operator may have added its model since its last report.
        after = dataclasses.replace(
            after, model=sightings.model_of(models, after)
        )
    if row.state is State.PRESENT and not row.reported:
        after = dataclasses.replace(
            after, state=State.VANISHED, last_seen_at=now
        )
        if is_gpu(after):
            after = _condemn(found, after)
        found.changed.append(after)
        found.happenings.append(
            Happening(
                device_id=row.id,
                kind="device.vanished",
                message="Placement no longer shows the card.",
            )
        )
    elif after.model != row.model:
        found.changed.append(after)
    elif after != row:
        found.mirrored.append(after)


def _condemn(found: Mirrored, row: Device) -> Device:
    """A card that was lost and comes back is as little to be trusted as one
    that an agent has missed."""
    verdict = health.judge(row, None, ())
    found.verdicts[row.id] = verdict
    return dataclasses.replace(
        row, health=verdict.health, health_reasons=verdict.reasons
    )


def _shown(row: Device, card: SeenCard, models: Sequence[Model]) -> Device:
    same = row.provider_id == card.provider_id
    closing = row.closing_generation if same else None
    after = dataclasses.replace(
        row,
        provider_id=card.provider_id,
        provider_name=card.provider_name,
        provider_generation=card.generation,
        resource_class=card.resource_class,
        total=card.total,
        reserved=card.reserved,
        closing_generation=pending(closing, card.generation),
        consumers=card.consumers,
    )
    return dataclasses.replace(after, model=sightings.model_of(models, after))


def _named(row: Device, card: SeenCard, models: Sequence[Model]) -> Device:
    """PCI ids as far as the class tells them."""
    name = card.resource_class or ""
    match = _PCI_CLASS.match(name)
    if match:
        vendor, product = match[1].lower(), match[2].lower()
        return dataclasses.replace(row, vendor_id=vendor, product_id=product)
    counted = [m for m in models if m.resource_class == name]
    if len(counted) == 1 and len(counted[0].product_ids) == 1:
        return dataclasses.replace(
            row,
            vendor_id=counted[0].vendor_id,
            product_id=counted[0].product_ids[0],
        )
    return row
