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

"""What the tests of the checks share."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import testtools

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.services import ports
from gpubroker.services.checks import finding
from gpubroker.services.checks import identity
from gpubroker.services.checks import outside
from gpubroker.services.checks.mistakes import Mistake

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)

BROKER = "http://broker:9876"
VERSIONS = {"versions": [{"id": "v1", "min_version": "1.0"}]}


@dataclass
class Standing:
    """A cloud that is as the test says; in order unless told."""

    held: frozenset[str] = identity.NEEDED_ROLES
    urls: dict[str, list[str]] = field(default_factory=dict)
    public: list[str] = field(default_factory=lambda: [BROKER])
    roles_known: tuple[str, ...] = ("member", "gpubroker_agent")
    trusts: bool = True
    answers: dict[str, object] = field(
        default_factory=lambda: {BROKER: VERSIONS}
    )
    offered: tuple[str, str] = ("1.0", "1.39")
    writable: bool = True
    newest: str = "2.100"
    admin: bool = True
    once: frozenset[str] = frozenset()
    capacity: dict[str, int] = field(default_factory=dict)

    def roles(self) -> frozenset[str]:
        return self.held

    def endpoints(
        self, service_type: str, interface: Collection[str] | None = None
    ) -> list[str]:
        if service_type == "gpu-broker":
            return self.public
        return self.urls.get(service_type, ["http://somewhere"])

    def missing_role(self, name: str) -> bool:
        if not self.trusts:
            raise errors.Forbidden("You are not authorized")
        return name not in self.roles_known

    def answer_at(self, url: str) -> object:
        if url not in self.answers:
            raise errors.Unavailable("no", detail="Connection refused")
        return self.answers[url]

    def placement_versions(self) -> tuple[str, str]:
        return self.offered

    def placement_writable(self) -> bool:
        return self.writable

    def slot_holders(self) -> dict[str, frozenset[str]]:
        return {}

    def nova_versions(self) -> tuple[str, str]:
        return self.newest, "2.96"

    def nova_admin(self) -> bool:
        return self.admin

    def one_time_cards(self) -> frozenset[str]:
        return self.once

    def capacities(self, resource_class: str) -> dict[str, int]:
        return self.capacity

    def flavors(self) -> list[outside.Flavor]:
        return []

    def computes(self) -> list[ports.ComputeService]:
        return []

    def offset(self, name: str) -> datetime.timedelta | None:
        return datetime.timedelta()


def host(name: str, **more: Any) -> hosts.Host:
    return hosts.Host(
        name=name,
        hypervisor_hostname=name,
        pool=more.pop("pool", "default"),
        mode=hosts.Mode.MANAGE,
        provider_id=f"root-{name}",
        **more,
    )


def card(number: int, **more: Any) -> devices.Device:
    fields = {
        "host": "h1",
        "model": "a100",
        "provider_id": f"rp-{number}",
        "provider_name": f"h1_{number}",
        "resource_class": "CUSTOM_A100",
        "total": 1,
        "slot": number,
        **more,
    }
    return devices.Device(
        id=f"d{number}", pci_address=f"0000:0{number}:00.0", **fields
    )


class ChecksCase(testtools.TestCase):
    def told(
        self, found: Iterable[finding.Finding], *words: str
    ) -> list[Mistake | None]:
        """What is wrong, by name; ``None`` stands for what nobody could see.

        :param words: each has to be told.
        """
        wrong = [one for one in found if one.level]
        for word in words:
            self.assertIn(word, " ".join(one.detail for one in wrong))
        for one in wrong:
            self.assertTrue(
                one.mistake or one.detail.startswith("Not checked, because "),
                one.detail,
            )
        return [one.mistake for one in wrong]
