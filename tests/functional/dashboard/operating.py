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

"""An operator in front of the panels, and a fleet to look at."""

from __future__ import annotations

import dataclasses
import html
import re
import uuid
from typing import Any

from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import hosts
from tests.fixtures import api as test_api
from tests.functional.dashboard import base

INDEX = "/admin/gpu_fleet/"

#: A card that is no more.
BEFORE = "6b1f0a51-0000-4000-8000-00000000000b"


class TestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client = self.sign_in(test_api.ADMIN)

    def cards(self, host: str = "gpu-1") -> list[devices.Device]:
        with self.world.store.read() as tx:
            found = tx.devices.of_host(host)
        return sorted(found, key=lambda card: card.slot or 0)

    def change(self, card: devices.Device, **more: Any) -> None:
        with self.world.store.write() as tx:
            now = tx.devices.get(card.id)
            tx.devices.update(dataclasses.replace(now, **more))

    def hold(self, card: devices.Device, reason: str, **more: Any) -> None:
        with self.world.store.write() as tx:
            tx.fences.add(
                fences.Fence(
                    device_id=card.id, reason=fences.Reason(reason), **more
                )
            )

    def before(self, card: devices.Device) -> None:
        """Let another one have been where this card is."""
        with self.world.store.write() as tx:
            tx.devices.add(
                devices.Device(
                    id=BEFORE,
                    host=card.host,
                    pci_address=card.pci_address,
                    model=card.model,
                    serial="of-before",
                    state=devices.State.VANISHED,
                )
            )

    def add_card(self, host: str) -> None:
        """That is not in Placement."""
        with self.world.store.write() as tx:
            tx.devices.add(
                devices.Device(
                    id=str(uuid.uuid4()),
                    host=host,
                    pci_address="0000:07:00.0",
                    model="a100-sxm4-80gb",
                )
            )

    def add_host(self, name: str, pool: str = "default") -> None:
        with self.world.store.write() as tx:
            tx.hosts.add(
                hosts.Host(name=name, hypervisor_hostname=name, pool=pool)
            )

    def text(self, path: str = "", **query: str) -> str:
        found = self.read(self.client, INDEX + path, data=query)
        return html.unescape(re.sub(r"\s+", " ", found))

    def hosts(self, text: str) -> list[str]:
        return re.findall(r'<th scope="row">([\w-]+)', text)
