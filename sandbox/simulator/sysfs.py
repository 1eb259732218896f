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


"""A sysfs tree of real folders, links and files, as the kernel lays it out."""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Sequence

from sandbox.simulator import cards as simulated

CONFIG_BYTES = 256

_GROUP_OFFSET = 30

_AER = {
    "aer_dev_correctable": ("RxErr", "TOTAL_ERR_COR"),
    "aer_dev_nonfatal": ("Undefined", "TOTAL_ERR_NONFATAL"),
    "aer_dev_fatal": ("Undefined", "TOTAL_ERR_FATAL"),
}

# Two cards behind one switch below one root port, as on an HGX board.
_CARDS_A_SWITCH = 2


class Tree:
    """The tree below a folder that stands for ``/sys``."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root

    def build(self, cards: Sequence[simulated.Card]) -> None:
        """Throw away what is there and build it anew."""
        shutil.rmtree(self.root, ignore_errors=True)
        self._by_address.mkdir(parents=True)
        self._drivers.mkdir()
        for number, card in enumerate(cards):
            self.add(card, number)

    def add(self, card: simulated.Card, number: int) -> None:
        """Plug a card in, behind bridges of its own number."""
        folder = self._place(card, number)
        folder.mkdir(parents=True, exist_ok=True)
        for bridge in (folder.parent, folder.parent.parent):
            if not (bridge / "class").exists():
                _bridge(bridge)
        for name, text in _texts(card).items():
            write(folder / name, text + "\n")
        self.set_registers(folder, card, on_bus=True)
        self._group(folder, number)
        _relink(self._by_address / card.address, folder)
        self.set_driver(card.address, card.driver)

    def remove(self, address: str) -> None:
        """Unplug a card; its bridges stay."""
        folder = self.folder(address)
        (self._by_address / address).unlink()
        shutil.rmtree(folder)

    def folder(self, address: str) -> pathlib.Path:
        """The card's real folder. FileNotFoundError: no such card."""
        return (self._by_address / address).resolve(strict=True)

    def set_driver(self, address: str, driver: str | None) -> None:
        """Bind a card to a driver, or to none."""
        folder = self.folder(address)
        if driver is None:
            (folder / "driver").unlink(missing_ok=True)
            return
        (self._drivers / driver).mkdir(exist_ok=True)
        _relink(folder / "driver", self._drivers / driver)

    def set_registers(
        self, folder: pathlib.Path, card: simulated.Card, on_bus: bool
    ) -> None:
        """What is read from the card itself: all ones when it is gone."""
        config = _config(card) if on_bus else b"\xff" * CONFIG_BYTES
        _write_bytes(folder / "config", config)
        write(folder / "current_link_width", "16\n" if on_bus else "63\n")
        speed = "16.0 GT/s PCIe" if on_bus else "Unknown"
        write(folder / "current_link_speed", f"{speed}\n")

    def set_errors(self, folder: pathlib.Path, file: str, total: int) -> None:
        """How many errors a function has counted, in one of its AER files."""
        name, total_line = _AER[file]
        write(folder / file, f"{name} {total}\n{total_line} {total}\n")

    @property
    def _by_address(self) -> pathlib.Path:
        return self.root / "bus" / "pci" / "devices"

    @property
    def _drivers(self) -> pathlib.Path:
        return self.root / "bus" / "pci" / "drivers"

    def _place(self, card: simulated.Card, number: int) -> pathlib.Path:
        switch = number // _CARDS_A_SWITCH
        root_port = f"0000:00:{switch + 1:02x}.0"
        # A downstream port sits on the bus before that of the card.
        bus = int(card.address.split(":")[1], 16) - 1
        port = f"0000:{bus:02x}:10.0"
        root = self.root / "devices" / "pci0000:00"
        return root / root_port / port / card.address

    def _group(self, folder: pathlib.Path, number: int) -> None:
        group = self.root / "kernel/iommu_groups" / str(number + _GROUP_OFFSET)
        (group / "devices").mkdir(parents=True, exist_ok=True)
        _relink(group / "devices" / folder.name, folder)
        _relink(folder / "iommu_group", group)


def _texts(card: simulated.Card) -> dict[str, str]:
    vendor, device = card.subsystem_id.split(":")
    texts = {
        "vendor": f"0x{card.vendor_id}",
        "device": f"0x{card.product_id}",
        "subsystem_vendor": f"0x{vendor}",
        "subsystem_device": f"0x{device}",
        "class": f"0x{card.class_id}",
        "revision": "0xa1",
        "numa_node": str(card.numa_node),
        "max_link_width": "16",
        "max_link_speed": "16.0 GT/s PCIe",
        "power_state": "D0",
        "reset_method": "flr bus",
    }
    for file, (name, total_line) in _AER.items():
        texts[file] = f"{name} 0\n{total_line} 0"
    return texts


def _bridge(folder: pathlib.Path) -> None:
    write(folder / "class", "0x060400\n")
    for file, (name, total_line) in _AER.items():
        write(folder / file, f"{name} 0\n{total_line} 0\n")


def _config(card: simulated.Card) -> bytes:
    """The configuration header; what follows is zero."""
    space = bytearray(CONFIG_BYTES)
    space[0:2] = int(card.vendor_id, 16).to_bytes(2, "little")
    space[2:4] = int(card.product_id, 16).to_bytes(2, "little")
    space[8] = 0xA1
    space[9:12] = int(card.class_id, 16).to_bytes(3, "little")
    vendor, device = card.subsystem_id.split(":")
    space[0x2C:0x2E] = int(vendor, 16).to_bytes(2, "little")
    space[0x2E:0x30] = int(device, 16).to_bytes(2, "little")
    return bytes(space)


def write(path: pathlib.Path, text: str) -> None:
    """Replace a file at once: a reader sees the old text or the new."""
    _write_bytes(path, text.encode())


def _write_bytes(path: pathlib.Path, data: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.write_bytes(data)
    os.replace(new, path)


def _relink(link: pathlib.Path, target: pathlib.Path) -> None:
    new = link.with_name(link.name + ".new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(target, link.parent))
    os.replace(new, link)
