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

"""The three simulated GPU hosts: what a person would read on their labels.

``python -m sandbox.hardware`` prints their names, one a line, by the standard
library alone: DevStack asks before it has installed anything.
"""

import dataclasses
import hashlib
import pathlib
import sys
from dataclasses import dataclass
from typing import Any

from sandbox import layout as layouts
from sandbox import private_files

NVIDIA = "10de"


@dataclass(frozen=True)
class Gpu:
    """One GPU as the host's firmware and driver would show it.

    :ivar dev_type: Nova's word; ``type-PF`` for a card that can do SR-IOV,
        whether or not it is switched on.
    """

    address: str
    product_id: str
    subsystem_id: str
    numa_node: int
    serial: str
    uuid: str
    vendor_id: str = NVIDIA
    dev_type: str = "type-PF"


@dataclass(frozen=True)
class Model:
    """A kind of GPU as the operator of this cloud names it.

    :ivar name: also the Nova alias that means any card of the model.
    """

    name: str
    product_id: str
    subsystem_id: str
    resource_class: str
    memory_mib: int


@dataclass(frozen=True)
class Host:
    """A simulated hypervisor with its GPUs, in the order of their slots."""

    name: str
    model: Model
    vcpus: int
    memory_mb: int
    local_gb: int
    numa_cells: int
    gpus: tuple[Gpu, ...]


# Ids: https://pci-ids.ucw.cz/read/PC/10de and the subsystems below it.
A100 = Model(
    "a100-sxm4-80gb", "20b2", "10de:1463", "CUSTOM_GPU_A100_SXM4_80GB", 81920
)
H100 = Model(
    "h100-sxm5-80gb", "2330", "10de:16c1", "CUSTOM_GPU_H100_SXM5_80GB", 81559
)
L40S = Model("l40s-48gb", "26b9", "10de:1851", "CUSTOM_GPU_L40S_48GB", 46068)
MODELS = (A100, H100, L40S)

# The biggest board has this many slots: so many aliases a model.
SLOTS = 8


def _gpus(
    host: str, model: Model, addresses: tuple[tuple[str, int], ...]
) -> tuple[Gpu, ...]:
    """Cards with serials and UUIDs that stay the same at every start."""
    found = []
    for bus, numa_node in addresses:
        digest = hashlib.sha256(f"{host}/{bus}".encode()).hexdigest()
        found.append(
            Gpu(
                address=f"0000:{bus}:00.0",
                product_id=model.product_id,
                subsystem_id=model.subsystem_id,
                numa_node=numa_node,
                serial=f"165{int(digest[:8], 16) % 10**10:010d}",
                uuid=(
                    f"GPU-{digest[8:16]}-{digest[16:20]}-{digest[20:24]}"
                    f"-{digest[24:28]}-{digest[28:40]}"
                ),
            )
        )
    return tuple(found)


# PCI buses as such machines have them: four cards behind each CPU socket on
# an HGX board, two in the L40S machine.
_A100_BUSES = (
    ("07", 0),
    ("0b", 0),
    ("48", 0),
    ("4c", 0),
    ("88", 1),
    ("8b", 1),
    ("c8", 1),
    ("cb", 1),
)
_H100_BUSES = (
    ("1b", 0),
    ("43", 0),
    ("52", 0),
    ("61", 0),
    ("9d", 1),
    ("c3", 1),
    ("d1", 1),
    ("df", 1),
)
_L40S_BUSES = (("17", 0), ("3d", 0), ("99", 1), ("bd", 1))

HOSTS = (
    Host(
        "gpu-a100-1",
        A100,
        vcpus=128,
        memory_mb=1048576,
        local_gb=14000,
        numa_cells=2,
        gpus=_gpus("gpu-a100-1", A100, _A100_BUSES),
    ),
    Host(
        "gpu-h100-1",
        H100,
        vcpus=192,
        memory_mb=2097152,
        local_gb=28000,
        numa_cells=2,
        gpus=_gpus("gpu-h100-1", H100, _H100_BUSES),
    ),
    Host(
        "gpu-l40s-1",
        L40S,
        vcpus=64,
        memory_mb=524288,
        local_gb=7000,
        numa_cells=2,
        gpus=_gpus("gpu-l40s-1", L40S, _L40S_BUSES),
    ),
)


def host(name: str) -> Host:
    """The host of that name; KeyError when there is none."""
    return {known.name: known for known in HOSTS}[name]


def provider_name(host_name: str, gpu: Gpu) -> str:
    """What Nova calls the card's resource provider."""
    return f"{host_name}_{gpu.address.upper()}"


def slot_trait(slot: int) -> str:
    """The trait that marks the card of a slot."""
    return f"CUSTOM_GPUBROKER_SLOT_{slot}"


# -- the files that the simulated hypervisor reads ---------------------------


def hardware_file(layout: layouts.Layout, name: str) -> pathlib.Path:
    """What is in the host; read by the simulated hypervisor at each audit."""
    return layout.host(name) / "hardware.json"


def control_file(layout: layouts.Layout, name: str) -> pathlib.Path:
    """What the hypervisor is told to do wrong."""
    return layout.host(name) / "control.json"


def write(layout: layouts.Layout) -> None:
    """Put every host's hardware in place, as new."""
    for known in HOSTS:
        private_files.write_json(
            hardware_file(layout, known.name), dataclasses.asdict(known)
        )
        control_file(layout, known.name).unlink(missing_ok=True)


def change(layout: layouts.Layout, name: str, **changes: Any) -> None:
    """Replace parts of a host's hardware, such as ``gpus`` or ``vcpus``."""
    path = hardware_file(layout, name)
    known = private_files.read_json(path)
    unknown = sorted(set(changes) - set(known))
    if unknown:
        raise ValueError(f"no such part of a host: {', '.join(unknown)}")
    private_files.write_json(path, {**known, **changes})


def main() -> int:
    """Print the names of the hosts."""
    print(*(known.name for known in HOSTS), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
