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

"""A sighting is what an agent's report says of one card."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from gpubroker.domain import catalogue
from gpubroker.domain.devices import Device
from gpubroker.domain.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a report says of one card; ``None`` is what can not be read.

    :param on_bus: whether its configuration space answers.
    :param nvml_errors: return codes of NVML calls that failed.
    """

    pci_address: str
    vendor_id: str
    product_id: str
    subsystem_id: str | None = None
    serial: str | None = None
    uuid: str | None = None
    numa_node: int | None = None
    driver: str | None = None
    on_bus: bool | None = None
    nvml_errors: tuple[int, ...] = ()


def names(card: Device | Sighting) -> list[str]:
    """What a card is known by wherever it is; the surest name first."""
    found = []
    if card.serial:
        found.append(f"serial {card.serial}")
    if card.uuid:
        found.append(f"uuid {card.uuid}")
    return found


def anonymous(sighting: Sighting) -> Sighting:
    """The card with its host and address as its only name."""
    return dataclasses.replace(sighting, serial=None, uuid=None)


def unreadable(row: Device) -> Sighting:
    """Of a card that is there, and of which nothing can be told."""
    return Sighting(
        pci_address=row.pci_address,
        vendor_id=row.vendor_id,
        product_id=row.product_id,
    )


def apart(seen: Sequence[Sighting]) -> list[Sighting]:
    """Without the serial numbers of boards that carry several GPUs, such as
    an A16: NVML tells each of its GPUs the board's (nvmlDeviceGetSerial),
    and only the UUID is a GPU's own.
    """
    uuids: dict[str | None, set[str]] = {}
    for sighting in seen:
        if sighting.uuid:
            uuids.setdefault(sighting.serial, set()).add(sighting.uuid)
    return [
        dataclasses.replace(sighting, serial=None)
        if len(uuids.get(sighting.serial, ())) > 1
        else sighting
        for sighting in seen
    ]


def doubted(
    sighting: Sighting, row: Device | None, other: Device | None
) -> bool:
    """Whether its UUID is the name of another card.

    :param row: the card that is known by its serial number.
    :param other: the card that is known by its UUID.
    """
    if other is None or other is row:
        return False
    return row is not None or bool(sighting.serial and other.serial)


def compatible(row: Device, sighting: Sighting) -> bool:
    """Whether nothing says that they are two cards.

    PCI ids of a row that no agent has reported yet are only what the name
    of its resource class suggests.
    """
    facts = [
        (row.serial, sighting.serial),
        (row.uuid, sighting.uuid),
    ]
    if row.reported:
        facts += [
            (row.vendor_id, sighting.vendor_id),
            (row.product_id, sighting.product_id),
            (row.subsystem_id, sighting.subsystem_id),
        ]
    return not any(old and new and old != new for old, new in facts)


def model_of(models: Sequence[Model], row: Device) -> str | None:
    """The name of a card's model: by its PCI ids, else by the class that
    Placement counts it in.

    A provider of several units is no whole card and has no model here.
    """
    if row.total is not None and row.total > 1:
        return None
    found = catalogue.lookup(
        models, row.vendor_id, row.product_id, row.subsystem_id or None
    )
    if found is not None:
        return found.name
    counted = [m for m in models if m.resource_class == row.resource_class]
    return counted[0].name if len(counted) == 1 else None
