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


"""The GPUs of this host as sysfs shows them, whatever driver they have.

The files are those of the kernel's ABI/testing/sysfs-bus-pci. One that is
missing, malformed or goes away while it is read makes its field None: what
can not be read is not a fault.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gpubroker.agent import registers
from gpubroker.domain import devices

_HEX = re.compile(r"^(?:0x)?([0-9a-fA-F]+)$")
_SPEED = re.compile(r"^(\d+(?:\.\d+)?) GT/s")

#: A link width that the kernel reads from a card that does not answer.
_WIDTH_OF_NOTHING = 63

_AER_FILES = {
    "aer_dev_fatal": "TOTAL_ERR_FATAL",
    "aer_dev_nonfatal": "TOTAL_ERR_NONFATAL",
}


class SysfsUnreadable(Exception):
    """The list of PCI functions can not be read: nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Lanes, and GT/s per lane. Less than the maximum is normal when idle."""

    width: int | None = None
    max_width: int | None = None
    speed: float | None = None
    max_speed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One GPU.

    :param class_id: six hex digits: class, subclass, interface.
    :param on_bus: False when its registers read as all ones, None when they
        could not be read, or not without waking it.
    :param ports: folders of the bridges above it that no other GPU shares,
        nearest first: where its errors may be counted.
    """

    pci_address: str
    folder: str
    vendor_id: str
    product_id: str
    subsystem_id: str | None = None
    class_id: str = ""
    revision: str | None = None
    numa_node: int | None = None
    driver: str | None = None
    iommu_group: str | None = None
    link: Link | None = None
    on_bus: bool | None = None
    ports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """:param unreadable: addresses of GPUs whose ids can not be read."""

    cards: tuple[Card, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AerCount:
    """How many uncorrected errors a function has counted since boot."""

    pci_address: str
    counted_at: str
    severity: str
    total: int


def scan(
    sysfs_root: str, classes: Sequence[str], reader: registers.Reader
) -> Scan:
    """Every GPU, by address. Virtual functions belong to their card.

    :param classes: PCI classes that count as GPU, four hex digits each.
    :raises SysfsUnreadable: rather than an empty host.
    """
    folder = os.path.join(sysfs_root, "bus", "pci", "devices")
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise SysfsUnreadable(f"{folder}: {error.strerror}") from error
    wanted = {text.lower() for text in classes}
    paths = {
        address: os.path.realpath(os.path.join(folder, name))
        for name in names
        if (address := _address(name)) is not None
        and _is_gpu(os.path.join(folder, name), wanted)
    }
    awake = [path for path in paths.values() if not _asleep(path)]
    read = reader.read(awake)
    shared = _shared_ports(list(paths.values()))
    cards: list[Card] = []
    unreadable: list[str] = []
    for address, path in paths.items():
        card = _card(address, path, read.get(path), shared)
        if card is None:
            unreadable.append(address)
        else:
            cards.append(card)
    return Scan(cards=tuple(cards), unreadable=tuple(unreadable))


def aer_counts(cards: Sequence[Card]) -> list[AerCount]:
    """Uncorrected errors that the cards, or bridges of theirs alone, have
    counted; nothing for those that counted none."""
    found: list[AerCount] = []
    for card in cards:
        for folder in (card.folder, *card.ports):
            for name, total_line in _AER_FILES.items():
                total = _aer_total(os.path.join(folder, name), total_line)
                if total:
                    found.append(
                        AerCount(
                            pci_address=card.pci_address,
                            counted_at=os.path.basename(folder),
                            severity=name.removeprefix("aer_dev_"),
                            total=total,
                        )
                    )
    return found


def _address(name: str) -> str | None:
    try:
        return devices.address(name)
    except ValueError:
        return None


def _is_gpu(path: str, classes: set[str]) -> bool:
    class_id = _hex(_text(path, "class"), 6)
    if class_id is None or class_id[:4] not in classes:
        return False
    return not os.path.lexists(os.path.join(path, "physfn"))


def _asleep(path: str) -> bool:
    """Powered off by the kernel: reading its registers would wake it."""
    return _text(path, "power_state") == "D3cold"


def _card(
    address: str,
    path: str,
    read: registers.Registers | None,
    shared: set[str],
) -> Card | None:
    vendor_id = _hex(_text(path, "vendor"), 4)
    product_id = _hex(_text(path, "device"), 4)
    if vendor_id is None or product_id is None:
        return None
    return Card(
        pci_address=address,
        folder=path,
        vendor_id=vendor_id,
        product_id=product_id,
        subsystem_id=_subsystem(path),
        class_id=_hex(_text(path, "class"), 6) or "",
        revision=_hex(_text(path, "revision"), 2),
        numa_node=_numa_node(path),
        driver=_link_name(path, "driver"),
        iommu_group=_link_name(path, "iommu_group"),
        link=None if read is None else _link(read),
        on_bus=None if read is None else _on_bus(read),
        ports=tuple(port for port in _ports(path) if port not in shared),
    )


def _on_bus(read: registers.Registers) -> bool | None:
    if not read.header or len(read.header) < registers.HEADER_BYTES:
        return None
    return set(read.header) != {0xFF}


def _link(read: registers.Registers) -> Link | None:
    link = Link(
        width=_width(read.files.get("current_link_width")),
        max_width=_width(read.files.get("max_link_width")),
        speed=_speed(read.files.get("current_link_speed")),
        max_speed=_speed(read.files.get("max_link_speed")),
    )
    return None if link == Link() else link


def _width(text: str | None) -> int | None:
    if text is None or not text.isdecimal():
        return None
    width = int(text)
    return width if 0 < width < _WIDTH_OF_NOTHING else None


def _speed(text: str | None) -> float | None:
    match = _SPEED.match(text or "")
    return float(match[1]) if match else None


def _subsystem(path: str) -> str | None:
    vendor = _hex(_text(path, "subsystem_vendor"), 4)
    device = _hex(_text(path, "subsystem_device"), 4)
    if vendor is None or device is None:
        return None
    return f"{vendor}:{device}"


def _numa_node(path: str) -> int | None:
    text = _text(path, "numa_node")
    # -1 is the kernel's word for a machine that does not say.
    return int(text) if text is not None and text.isdecimal() else None


def _ports(path: str) -> list[str]:
    """Folders of the bridges above a function, nearest first."""
    found: list[str] = []
    for parent in pathlib.Path(path).parents:
        if _address(parent.name) is None:
            break
        found.append(str(parent))
    return found


def _shared_ports(paths: Sequence[str]) -> set[str]:
    seen: set[str] = set()
    shared: set[str] = set()
    for path in paths:
        for port in _ports(path):
            (shared if port in seen else seen).add(port)
    return shared


def _aer_total(path: str, total_line: str) -> int | None:
    text = _text(*os.path.split(path))
    for line in (text or "").splitlines():
        name, _space, value = line.partition(" ")
        if name == total_line and value.isdecimal():
            return int(value)
    return None


def _text(folder: str, name: str) -> str | None:
    try:
        with open(os.path.join(folder, name), encoding="ascii") as file:
            return file.read(4096).strip()
    except (OSError, ValueError):
        return None


def _hex(text: str | None, digits: int) -> str | None:
    match = _HEX.match(text or "")
    if match is None or len(match[1]) > digits:
        return None
    return match[1].lower().zfill(digits)


def _link_name(folder: str, name: str) -> str | None:
    try:
        return os.path.basename(os.readlink(os.path.join(folder, name)))
    except OSError:
        return None
