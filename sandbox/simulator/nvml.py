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


"""The simulated management library and the file with its answers."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from sandbox import errors
from sandbox.simulator import cards as simulated
from sandbox.simulator import sysfs

SONAME = "libnvidia-ml.so.1"
SOURCE = pathlib.Path(__file__).with_name("nvml.c")


def compile_library(target: pathlib.Path) -> None:
    """Compile the library with the system's C compiler.

    :raises SandboxError: when there is no compiler, or it fails.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise errors.SandboxError(
            "There is no C compiler: install gcc, the simulated GPUs need it."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(target.name + ".new")
    command = [compiler, "-O1", "-Wall", "-shared", "-fPIC"]
    command += ["-fvisibility=hidden", f"-Wl,-soname,{SONAME}"]
    done = subprocess.run(
        [*command, "-o", str(new), str(SOURCE)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise errors.SandboxError(
            f"The simulated NVIDIA library does not compile:\n{done.stderr}"
        )
    new.replace(target)


class Library:
    """One host's library: the file, its answers and what it was asked."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    @property
    def path(self) -> pathlib.Path:
        """What ``[agent] nvml_library`` has to name."""
        return self._folder / SONAME

    def build(self, compiled: pathlib.Path | None) -> None:
        """:param compiled: a library to copy; compiled anew when None."""
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "dev").mkdir(parents=True)
        if compiled is None:
            compile_library(self.path)
        else:
            shutil.copyfile(compiled, self.path)

    def answer(
        self,
        cards: Sequence[simulated.Card],
        drivers: Mapping[str, str | None],
        injections: Mapping[str, str],
    ) -> None:
        """Say from now on what these cards would.

        :param drivers: by address; the library sees what ``nvidia`` has.
        :param injections: more lines for the state file, see nvml.c.
        """
        lines: dict[str, str] = {}
        for number, card in enumerate(cards):
            (self._folder / "dev" / f"nvidia{number}").touch()
            bound = drivers.get(card.address) == "nvidia"
            lines |= {
                f"{number}.{key}": text
                for key, text in _card(card, bound).items()
            }
        lines |= injections
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        sysfs.write(self._folder / "state", text)

    def calls(self) -> list[tuple[str, str]]:
        """Every call so far: function and address, "-" without a card."""
        try:
            text = (self._folder / "calls").read_text("ascii")
        except FileNotFoundError:
            return []
        return [
            (function, address)
            for function, _space, address in (
                line.partition(" ") for line in text.splitlines()
            )
        ]

    def forget_calls(self) -> None:
        (self._folder / "calls").unlink(missing_ok=True)


def _card(card: simulated.Card, bound: bool) -> dict[str, str]:
    subvendor, subdevice = card.subsystem_id.split(":")
    return {
        "address": card.address,
        "bound": "1" if bound else "0",
        "serial": card.serial,
        "uuid": card.uuid,
        "name": card.name,
        "memory": str(card.memory_mib << 20),
        # The device id is in the upper half of each.
        "device_id": f"0x{card.product_id}{card.vendor_id}",
        "subsystem_id": f"0x{subdevice}{subvendor}",
    }
