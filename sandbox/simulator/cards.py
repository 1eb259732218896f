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


"""What is in a simulated host."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sandbox import hardware

NVIDIA = "10de"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One PCI function, a GPU unless ``class_id`` says otherwise.

    :ivar driver: None for a card that is bound to no driver.
    """

    address: str
    vendor_id: str = NVIDIA
    product_id: str
    subsystem_id: str
    class_id: str = "030200"
    numa_node: int = 0
    driver: str | None = "nvidia"
    name: str = ""
    serial: str = ""
    uuid: str = ""
    memory_mib: int = 0


def card(
    address: str,
    product_id: str = "20b2",
    subsystem_id: str = "10de:1463",
    numa_node: int = 0,
    driver: str | None = "nvidia",
) -> Card:
    """A card with a serial number and a UUID that depend on nothing but its
    address, an A100 if nothing else is said."""
    digest = hashlib.sha256(address.encode()).hexdigest()
    return Card(
        address=address,
        product_id=product_id,
        subsystem_id=subsystem_id,
        numa_node=numa_node,
        driver=driver,
        name="NVIDIA A100-SXM4-80GB",
        serial=f"165{int(digest[:8], 16) % 10**10:010d}",
        uuid="-".join(
            (
                "GPU",
                digest[8:16],
                digest[16:20],
                digest[20:24],
                digest[24:28],
                digest[28:40],
            )
        ),
        memory_mib=81920,
    )


def of_hardware(host: hardware.Host, driver: str | None) -> list[Card]:
    """The cards of a host of the sandbox, all bound to one driver."""
    return [
        Card(
            address=gpu.address,
            vendor_id=gpu.vendor_id,
            product_id=gpu.product_id,
            subsystem_id=gpu.subsystem_id,
            numa_node=gpu.numa_node,
            driver=driver,
            name=f"NVIDIA {host.model.name.upper()}",
            serial=gpu.serial,
            uuid=gpu.uuid,
            memory_mib=host.model.memory_mib,
        )
        for gpu in host.gpus
    ]
