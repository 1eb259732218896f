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

"""A model is a kind of GPU: what a flavor names and Placement counts."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass, field
from typing import Any


class DeviceType(enum.StrEnum):
    """What Nova takes a card for (N 1.1): an alias of another type matches
    nothing. A card that is able to do SR-IOV is a PF, used or not."""

    PCI = "type-PCI"
    PF = "type-PF"
    VF = "type-VF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One kind of GPU.

    :param name: canonical slug, such as ``a100-sxm4-80gb``; also the name of
        the Nova alias that asks for any card of this kind.
    :param family: what people say, such as ``a100``.
    :param product_ids: PCI device ids, four lower-case hex digits.
    :param subsystem_ids: ``subvendor:subdevice`` pairs that tell models with
        one device id apart; empty when the device id alone is enough.
    :param memory_mib: memory of one card.
    :param resource_class: the Placement class its cards are counted in.
    :param blocks: sets of slots of one baseboard that are valid together,
        by size; empty for cards without a board of their own.
    :param builtin: came with gpubroker and was not changed by an operator.
    """

    name: str
    family: str
    vendor: str
    vendor_id: str
    product_ids: tuple[str, ...]
    subsystem_ids: tuple[str, ...] = ()
    memory_mib: int
    resource_class: str
    alias: str
    device_type: DeviceType = DeviceType.PCI
    board_slots: int = 0
    blocks: tuple[tuple[int, ...], ...] = ()
    builtin: bool = False
    generation: int = 0
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)
