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


"""One simulated GPU host, and the faults that can happen to it."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import pathlib
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sandbox import private_files
from sandbox.simulator import cards as simulated
from sandbox.simulator import nvml
from sandbox.simulator import sysfs

GPU_IS_LOST = 15

#: What the driver prints with an XID, where the words matter to a reader.
_XID_WORDS = {
    13: "Graphics SM Warp Exception on (GPC 0, TPC 0, SM 0)",
    31: "MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ 0x7f_00000000",
    48: "An uncorrectable double bit error (DBE) has been detected on GPU",
    63: "Row Remapper: New row marked for remapping",
    64: "Row Remapper: Error writing to the row remapping table",
    79: "GPU has fallen off the bus.",
    95: "Uncontained: FBHUB. RST: Yes, D-RST: No",
}


@dataclass
class _State:
    """What is remembered between two runs of the command line."""

    cards: list[simulated.Card] = field(default_factory=list)
    drivers: dict[str, str | None] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    injections: dict[str, str] = field(default_factory=dict)
    boot_id: str = ""
    booted_at: int = 0
    sequence: int = 0


class SimulatedHost:
    """A host in a folder. Any number of processes may use it at once."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.sysfs = sysfs.Tree(folder / "sys")
        self.library = nvml.Library(folder / "nvml")

    @property
    def proc(self) -> pathlib.Path:
        return self.folder / "proc"

    @property
    def kernel_log(self) -> pathlib.Path:
        return self.folder / "kmsg"

    @property
    def cards(self) -> list[simulated.Card]:
        """Every card, with those that were removed."""
        return self._load().cards

    @property
    def removed(self) -> list[str]:
        """Addresses of the cards that are not there."""
        return self._load().removed

    @property
    def drivers(self) -> dict[str, str | None]:
        """What each card is bound to, by address; None for no driver."""
        return self._load().drivers

    def agent_options(self) -> dict[str, str]:
        """The part of ``[agent]`` that makes an agent look here."""
        return {
            "sysfs_root": str(self.sysfs.root),
            "proc_root": str(self.proc),
            "kernel_log": str(self.kernel_log),
            "nvml_library": str(self.library.path),
        }

    # -- setting up ----------------------------------------------------------

    def build(
        self,
        cards: Sequence[simulated.Card],
        compiled: pathlib.Path | None = None,
    ) -> None:
        """Make the host as new, freshly booted, throwing away another.

        :param compiled: a library made by ``nvml.compile_library``, for
            those who build many hosts.
        :raises SandboxError: when the library can not be compiled.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.library.build(compiled)
        state = _State(
            cards=list(cards),
            drivers={card.address: card.driver for card in cards},
        )
        self.sysfs.build(cards)
        self._boot(state)
        self._save(state)

    def reboot(self) -> None:
        """What a power cycle mends is mended; drivers bind as at first."""
        with self._change() as state:
            state.removed.clear()
            state.injections.clear()
            state.drivers = {card.address: card.driver for card in state.cards}
            self.sysfs.build(state.cards)
            self._boot(state)

    # -- faults --------------------------------------------------------------

    def set_driver(self, address: str, driver: str | None) -> None:
        """Bind a card to another driver, such as ``vfio-pci``."""
        with self._change() as state:
            self.sysfs.set_driver(address, driver)
            state.drivers[address] = driver

    def fall_off_bus(self, address: str) -> None:
        """A card stops answering; sysfs still has it."""
        with self._change() as state:
            folder = self.sysfs.folder(address)
            self.sysfs.set_registers(folder, _card(state, address), False)
            state.injections[f"{_number(state, address)}.err"] = str(
                GPU_IS_LOST
            )
            if state.drivers[address] == "nvidia":
                self._log(state, _xid(address, 79))
                self._log(
                    state,
                    f"NVRM: GPU {address}: GPU has fallen off the bus.",
                )
            else:
                self._log(
                    state,
                    f"vfio-pci {address}: Unable to change power state from"
                    " D3cold to D0, device inaccessible",
                )

    def remove(self, address: str) -> None:
        """A card goes away altogether."""
        with self._change() as state:
            port = self.sysfs.folder(address).parent.name
            self.sysfs.remove(address)
            state.removed.append(address)
            state.drivers[address] = None
            self._log(
                state, f"pcieport {port}: pciehp: Slot(1): Card not present"
            )

    def restore(self, address: str) -> None:
        """A card is as it was at first: there, on the bus, answering."""
        with self._change() as state:
            card = _card(state, address)
            self.sysfs.add(card, _number(state, address))
            state.drivers[address] = card.driver
            if address in state.removed:
                state.removed.remove(address)
            self._clear(state, address)

    def xid(self, address: str, code: int, words: str | None = None) -> None:
        """The driver says that something went wrong."""
        self.log(_xid(address, code, words))

    def count_errors(self, address: str, severity: str, total: int) -> None:
        """A card has counted PCIe errors since boot.

        :param severity: ``fatal``, ``nonfatal`` or ``correctable``.
        """
        folder = self.sysfs.folder(address)
        self.sysfs.set_errors(folder, f"aer_dev_{severity}", total)

    def log(self, text: str) -> None:
        """The kernel prints a line."""
        with self._change() as state:
            self._log(state, text)

    def rotate_kernel_log(self) -> None:
        """Move the log away; the next line begins a new file."""
        with self._change():
            self.kernel_log.replace(self.kernel_log.with_suffix(".1"))
            self.kernel_log.touch()

    def inject(
        self, fault: str, function: str, address: str | None, value: int
    ) -> None:
        """Make the library fail.

        :param fault: ``err`` with an NVML code, ``delay_ms`` with
            milliseconds (-1: for ever) or ``crash`` with 1.
        :param address: of the card; None for calls that have none, such as
            ``nvmlInit``.
        """
        with self._change() as state:
            prefix = "" if address is None else f"{_number(state, address)}."
            state.injections[f"{prefix}{fault}.{function}"] = str(value)

    def nvml_error(self, address: str, function: str, code: int) -> None:
        """One call about a card fails."""
        self.inject("err", function, address, code)

    def nvml_clear(self) -> None:
        """The library works again."""
        with self._change() as state:
            state.injections.clear()

    # -- state ---------------------------------------------------------------

    def _boot(self, state: _State) -> None:
        state.boot_id = str(uuid.uuid4())
        state.booted_at = int(time.time()) - 1
        state.sequence = 0
        shutil.rmtree(self.proc, ignore_errors=True)
        random = self.proc / "sys" / "kernel" / "random"
        random.mkdir(parents=True)
        sysfs.write(random / "boot_id", f"{state.boot_id}\n")
        sysfs.write(self.proc / "stat", f"btime {state.booted_at}\n")
        sysfs.write(self.kernel_log, "")
        self._log(state, "Linux version 6.1.0 (simulated)")

    def _log(self, state: _State, text: str) -> None:
        microseconds = int((time.time() - state.booted_at) * 1e6)
        line = f"4,{state.sequence},{microseconds},-;{text}\n"
        state.sequence += 1
        with open(self.kernel_log, "a", encoding="utf-8") as file:
            file.write(line)

    def _clear(self, state: _State, address: str) -> None:
        prefix = f"{_number(state, address)}."
        for key in [k for k in state.injections if k.startswith(prefix)]:
            del state.injections[key]

    @contextlib.contextmanager
    def _change(self) -> Iterator[_State]:
        with open(self.folder / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = self._load()
            yield state
            self._save(state)

    def _load(self) -> _State:
        known = private_files.read_json(self.folder / "simulator.json")
        if known is None:
            raise FileNotFoundError(f"{self.folder}: no simulated host")
        known["cards"] = [simulated.Card(**card) for card in known["cards"]]
        return _State(**known)

    def _save(self, state: _State) -> None:
        self.library.answer(state.cards, state.drivers, state.injections)
        private_files.write_json(
            self.folder / "simulator.json", dataclasses.asdict(state)
        )


def _number(state: _State, address: str) -> int:
    for number, card in enumerate(state.cards):
        if card.address == address:
            return number
    raise FileNotFoundError(f"{address}: no such card in this host")


def _card(state: _State, address: str) -> simulated.Card:
    return state.cards[_number(state, address)]


def _xid(address: str, code: int, words: str | None = None) -> str:
    # The driver leaves the function out.
    place = address.rpartition(".")[0]
    words = words or _XID_WORDS.get(code, "pid='<unknown>', name=<unknown>")
    return f"NVRM: Xid (PCI:{place}): {code}, {words}"
