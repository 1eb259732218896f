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

"""The models that gpubroker knows by itself: NVIDIA, V100 to B300.

Operators add and change models as data; this table is only where a new
installation starts.

PCI device and subsystem ids are facts from the table of compatible GPUs in
the README of NVIDIA/open-gpu-kernel-modules (Turing and later) and from the
PCI ID repository (pciutils/pciids, August 2026). Memory is the capacity that
NVIDIA's data sheet names; what a driver shows is less by ECC and by its own
reserve. A part whose form or memory those sources leave open is not listed:
a wrong name is worse than none.

From Ampere on the data-centre cards have SR-IOV, which makes libvirt, and so
Nova, call them type-PF; older ones are type-PCI.

Only A2 and A16 share a device id, so only they are told apart by subsystem.
Everywhere else the device id is enough, and a board maker's own subsystem id
does not hide the card.

An SXM card sits on a baseboard of eight. Its ``blocks`` are the sets of
slots that share a PCIe switch (pairs) or a CPU socket (quads), and the whole
board. The Fabric Manager's partitions have the same sizes, but name cards by
module id, which differs from the order of PCI addresses from one server
maker to the next: where partitions are used, the operator replaces the
blocks of the model by those of the board.
"""

from __future__ import annotations

from collections.abc import Iterable

from gpubroker.domain.models import DeviceType
from gpubroker.domain.models import Model

VENDOR = "NVIDIA"
VENDOR_ID = "10de"
#: First PCI device id of Ampere.
_AMPERE = 0x2000

_Blocks = tuple[tuple[int, ...], ...]


def _blocks(slots: int) -> _Blocks:
    """Aligned sets of 2, 4 ... ``slots`` neighbours."""
    found: list[tuple[int, ...]] = []
    size = 2
    while size <= slots:
        found.extend(
            tuple(range(start, start + size))
            for start in range(0, slots, size)
        )
        size *= 2
    return tuple(found)


def resource_class(name: str) -> str:
    """The Placement class that cards of the model ``name`` are counted in."""
    return "CUSTOM_GPU_" + name.upper().replace("-", "_")


def _model(
    name: str,
    family: str,
    gib: int,
    product_ids: str,
    board_slots: int = 0,
    subsystem_ids: str = "",
) -> Model:
    products = tuple(product_ids.split())
    sriov = all(int(product, 16) >= _AMPERE for product in products)
    return Model(
        name=name,
        family=family,
        vendor=VENDOR,
        vendor_id=VENDOR_ID,
        product_ids=products,
        subsystem_ids=tuple(subsystem_ids.split()),
        memory_mib=gib * 1024,
        resource_class=resource_class(name),
        alias=name,
        device_type=DeviceType.PF if sriov else DeviceType.PCI,
        board_slots=board_slots,
        blocks=_blocks(board_slots),
        builtin=True,
    )


#: Oldest first.
MODELS: tuple[Model, ...] = (
    # Volta and Turing
    _model("v100-sxm2-16gb", "v100", 16, "1db1 1df5", 8),
    _model("v100-sxm2-32gb", "v100", 32, "1db5", 8),
    _model("v100-sxm3-32gb", "v100", 32, "1db8", 8),
    _model("v100-fhhl-16gb", "v100", 16, "1db3"),
    _model("v100-pcie-16gb", "v100", 16, "1db4"),
    _model("v100-pcie-32gb", "v100", 32, "1db6"),
    _model("v100s-pcie-32gb", "v100", 32, "1df6"),
    _model("t4-16gb", "t4", 16, "1eb8"),
    # Ampere
    _model("a100-sxm4-40gb", "a100", 40, "20b0", 8),
    _model("a100-sxm4-64gb", "a100", 64, "20b3", 4),
    _model("a100-sxm4-80gb", "a100", 80, "20b2", 8),
    _model("a100-pcie-40gb", "a100", 40, "20f1 20b1"),
    _model("a100-pcie-80gb", "a100", 80, "20b5"),
    _model("a800-sxm4-40gb", "a800", 40, "20bd", 8),
    _model("a800-sxm4-80gb", "a800", 80, "20f3", 8),
    _model("a800-pcie-80gb", "a800", 80, "20f5"),
    _model("a30-24gb", "a30", 24, "20b7"),
    _model("a40-48gb", "a40", 48, "2235"),
    _model("a10-24gb", "a10", 24, "2236"),
    _model("a10g-24gb", "a10g", 24, "2237"),
    _model("a16-16gb", "a16", 16, "25b6", 0, "10de:14a9"),
    _model("a2-16gb", "a2", 16, "25b6", 0, "10de:157e"),
    # Ada Lovelace
    _model("l2-24gb", "l2", 24, "27b6"),
    _model("l4-24gb", "l4", 24, "27b8"),
    _model("l20-48gb", "l20", 48, "26ba"),
    _model("l40-48gb", "l40", 48, "26b5"),
    _model("l40s-48gb", "l40s", 48, "26b9"),
    # Hopper
    _model("h20-sxm5-96gb", "h20", 96, "2329", 8),
    _model("h20-sxm5-141gb", "h20", 141, "232c", 8),
    _model("h800-sxm5-80gb", "h800", 80, "2324", 8),
    _model("h800-pcie-80gb", "h800", 80, "2322"),
    _model("h800-nvl-94gb", "h800", 94, "233a"),
    _model("h100-sxm5-64gb", "h100", 64, "2337", 4),
    _model("h100-sxm5-80gb", "h100", 80, "2330", 8),
    _model("h100-sxm5-94gb", "h100", 94, "2339", 4),
    _model("h100-sxm5-96gb", "h100", 96, "2338", 4),
    _model("h100-pcie-80gb", "h100", 80, "2331"),
    _model("h100-nvl-94gb", "h100", 94, "2321"),
    _model("h200-sxm5-141gb", "h200", 141, "2335", 8),
    _model("h200-nvl-141gb", "h200", 141, "233b"),
    _model("gh200-96gb", "gh200", 96, "2342"),
    _model("gh200-144gb", "gh200", 144, "2348"),
    # Blackwell
    _model("b100-sxm6-192gb", "b100", 192, "2920 29bc", 8),
    _model("b200-sxm6-180gb", "b200", 180, "2901", 8),
    _model("gb200-186gb", "gb200", 186, "2941", 4),
    _model("b300-sxm6-288gb", "b300", 288, "3182", 8),
    _model("gb300-288gb", "gb300", 288, "31c2 31c3", 4),
    _model("rtx-pro-6000-server-96gb", "rtx-pro-6000", 96, "2bb5"),
)


def lookup(
    models: Iterable[Model],
    vendor_id: str,
    product_id: str,
    subsystem_id: str | None,
) -> Model | None:
    """The model of a card, None when no model names it.

    A model that names the card's subsystem comes before one that names the
    device id alone. A model with subsystem ids never matches a card of
    another subsystem: a guess would sell one product as another. Where an
    operator's model and a built-in one fit alike, the operator's wins.

    :param subsystem_id: ``subvendor:subdevice``, None when unreadable.
    """
    fits = [
        model
        for model in models
        if model.vendor_id == vendor_id.lower()
        and product_id.lower() in model.product_ids
    ]
    fits.sort(key=lambda model: (model.builtin, model.name))
    wanted = (subsystem_id or "").lower()
    exact = [model for model in fits if wanted in model.subsystem_ids]
    plain = [model for model in fits if not model.subsystem_ids]
    return next(iter(exact + plain), None)
