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

"""A small healthy cloud, to be spoiled in one thing at a time.

On host g1, which is managed: lease run, active, on the cards 0 and 1; lease
go, starting, on the card 2, without a server yet; card 3 used by a server
made around the broker. On host g2, which is only observed: card 0 used by
such a server, card 1 free. Lease wait is queued, lease old is over.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from gpubroker.audit import checks
from gpubroker.audit import snapshot as s
from gpubroker.audit.findings import Finding

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
LONG_AGO = NOW - datetime.timedelta(hours=3)
CLASS = "CUSTOM_GPU_A100"
ALIAS = "a100"

#: The broker that is asked, and another one on the same cloud.
INSTALLATION, OTHER = "5c1f0e7a", "0badcafe"


def start(word: str, attempt: int = 1, of: str = INSTALLATION) -> str:
    """What the ticket and the shape of one start have in common.

    :param word: two characters of the node's id.
    """
    return f"{of}-{word * 16}-{attempt}"


#: The start of each lease that has one.
RUN, GO = start("0a"), start("0b")


def ticket(start: str) -> str:
    return f"CUSTOM_GPUBROKER_{start.upper().replace('-', '_')}"


def shape(start: str) -> str:
    return f"gpubroker-{start}"


def address(number: int) -> str:
    return f"0000:{number:02x}:00.0"


def ago(seconds: float) -> datetime.datetime:
    return NOW - datetime.timedelta(seconds=seconds)


class Small:
    """Things by short names: ``cards["g1-0"]``, ``leases["run"]``."""

    def __init__(self) -> None:
        self.hosts = {
            name: s.Host(
                name=name,
                hypervisor=f"{name}.example.org",
                pool="default",
                managed=name == "g1",
            )
            for name in ("g1", "g2")
        }
        self.models = {
            "a100": s.Model(name="a100", resource_class=CLASS, alias=ALIAS)
        }
        self.leases = self._leases()
        self.cards: dict[str, s.Card] = {}
        self.devices: dict[str, s.Device] = {}
        for host, count in (("g1", 5), ("g2", 2)):
            for number in range(count):
                self._card(host, number)
        self._outside()
        self.offers: dict[str, s.Offer] = {}
        self.migrations: frozenset[str] = frozenset()
        self.traces: list[str] = []
        self.images: dict[str, s.Image | None] = {}
        self.images_unread = ""
        self._use()

    # -- making ----------------------------------------------------------

    def _outside(self) -> None:
        """What is of it in other services."""
        self.servers = {
            "run": self.server("run", RUN, project_id="p1", tags=(_tag(RUN),)),
            "around": self.server("around"),
            "observed": self.server("observed", host="g2"),
        }
        self.tickets = {
            "run": self.ticket(RUN, "run"),
            "go": self.ticket(GO),
        }
        self.flavors = {
            "plain": s.Flavor(id="1", name="m1.small", public=True),
            "go": self.shape(GO, slots=(2,)),
        }
        self.trusts = {
            name: s.Trust(id=f"trust-{name}", user_id="u1", project_id="p1")
            for name in ("go", "wait")
        }
        self.keypairs: dict[str, s.KeyPair] = {}
        self.ports = {"run": s.Port(id="port-run", device_id="run", host="g1")}
        self.services = {
            name: s.ComputeService(host=name, up=True, enabled=True)
            for name in self.hosts
        }

    def _use(self) -> None:
        """Who has which card."""
        self._hold("g1-0", "run", lease="run", fence=True)
        self._hold("g1-1", "run", lease="run", fence=True)
        self.change(
            "devices", "g1-2", lease_id="go", claimed=True, schedulable=False
        )
        self._hold("g1-3", "around")
        self._hold("g2-0", "observed")

    def _leases(self) -> dict[str, s.Lease]:
        run = s.Node(
            index=0, server_id="run", host="g1", cards=_planned("g1", 0, 1)
        )
        go = s.Node(index=0, host="g1", cards=_planned("g1", 2))
        over = s.Node(index=0, server_id="old", host="g1")
        states = {
            "run": ("active", "active", (run,)),
            "go": ("starting", "active", (go,)),
            "wait": ("queued", "queued", (s.Node(index=0),)),
            "old": ("ended", "ended", (over,)),
        }
        return {
            name: s.Lease(
                id=name,
                name=f"lease-{name}",
                project_id="p1",
                user_id="u1",
                flavor="vm.gpu.a100.2",
                pool="default",
                state=state,
                target=target,
                models=("a100",),
                nodes=nodes,
                requested_at=LONG_AGO if state == "active" else ago(30),
                started_at=LONG_AGO,
                ended_at=LONG_AGO if state == "ended" else None,
                updated_at=LONG_AGO if state != "starting" else ago(20),
            )
            for name, (state, target, nodes) in states.items()
        }

    def _card(self, host: str, number: int) -> None:
        name = f"{host}-{number}"
        hypervisor = self.hosts[host].hypervisor
        self.cards[name] = s.Card(
            id=f"provider-{name}",
            name=f"{hypervisor}_{address(number).upper()}",
            hypervisor=hypervisor,
            address=address(number),
            resource_class=CLASS,
            total=1,
        )
        self.devices[name] = s.Device(
            id=f"device-{name}",
            host=host,
            address=address(number),
            model="a100",
            provider_id=f"provider-{name}",
            schedulable=True,
            updated_at=LONG_AGO,
        )

    def server(
        self, name: str, start: str = "", host: str = "g1", **changes: Any
    ) -> s.Server:
        """:param start: the start that made it."""
        made = s.Server(
            id=name,
            name=name,
            project_id="p2",
            status="ACTIVE",
            hypervisor=f"{host}.example.org",
            flavor=shape(start) if start else "m1.gpu",
            extra_specs={f"resources:{ticket(start)}": "1"} if start else {},
            created_at=LONG_AGO,
            updated_at=LONG_AGO,
        )
        return dataclasses.replace(made, **changes)

    def ticket(self, start: str, *holders: str, host: str = "g1") -> s.Ticket:
        hypervisor = self.hosts[host].hypervisor
        return s.Ticket(name=ticket(start), places={hypervisor: holders})

    def shape(self, start: str, slots: tuple[int, ...]) -> s.Flavor:
        alias = ",".join(f"{ALIAS}-s{slot}:1" for slot in slots)
        return s.Flavor(
            id=shape(start),
            name=shape(start),
            public=False,
            extra_specs={
                "pci_passthrough:alias": alias,
                f"resources:{ticket(start)}": "1",
            },
        )

    def _hold(
        self, card: str, holder: str, lease: str = "", fence: bool = False
    ) -> None:
        fences = (s.Fence(reason="lease", lease_id=lease),) if fence else ()
        self.change(
            "cards",
            card,
            holders={holder: 1},
            reserved=int(fence),
            held_at=LONG_AGO,
        )
        self.change(
            "devices",
            card,
            lease_id=lease or None,
            claimed=bool(lease),
            consumers=(holder,),
            fences=fences,
            schedulable=False,
        )

    # -- spoiling --------------------------------------------------------

    def change(self, kind: str, which: str, /, **changes: Any) -> None:
        """``change("cards", "g1-0", reserved=1)``."""
        things = getattr(self, kind)
        things[which] = dataclasses.replace(things[which], **changes)

    def node(self, lease: str, **changes: Any) -> None:
        """The first node of a lease."""
        first, *others = self.leases[lease].nodes
        changed = dataclasses.replace(first, **changes)
        self.change("leases", lease, nodes=(changed, *others))

    def adopt(self, lease: str) -> None:
        """As if its server had run before the lease."""
        self.change("leases", lease, identity_mode="adopted")
        self.servers[lease] = self.server(lease, project_id="p1")
        del self.tickets[lease]

    # -- looking ---------------------------------------------------------

    def snapshot(self) -> s.Snapshot:
        return s.Snapshot(
            taken_at=NOW,
            installation=INSTALLATION,
            traces=tuple(self.traces),
            cards=tuple(self.cards.values()),
            tickets=tuple(self.tickets.values()),
            servers={one.id: one for one in self.servers.values()},
            migrations=self.migrations,
            flavors=tuple(self.flavors.values()),
            services=tuple(self.services.values()),
            trusts=tuple(self.trusts.values()),
            keypairs=tuple(self.keypairs.values()),
            ports=tuple(self.ports.values()),
            images=self.images,
            images_unread=self.images_unread,
            leases=tuple(self.leases.values()),
            devices=tuple(self.devices.values()),
            hosts=tuple(self.hosts.values()),
            models=tuple(self.models.values()),
            offers=tuple(self.offers.values()),
        )

    def everything(
        self, grace: float = 0, patience: float = 600
    ) -> list[Finding]:
        return checks.run(self.snapshot(), self.patience(grace, patience))

    def look(self, grace: float = 0, patience: float = 600) -> list[Finding]:
        """All findings but the one that the healthy cloud has, too."""
        return [
            finding
            for finding in self.everything(grace, patience)
            if finding.code != "cards-used-around"
        ]

    @staticmethod
    def patience(grace: float = 0, lease: float = 600) -> checks.Patience:
        return checks.Patience(
            grace=datetime.timedelta(seconds=grace),
            lease=datetime.timedelta(seconds=lease),
        )


def _planned(host: str, *numbers: int) -> tuple[s.Planned, ...]:
    return tuple(
        s.Planned(
            device_id=f"device-{host}-{number}",
            address=address(number),
            slot=number,
        )
        for number in numbers
    )


def _tag(start: str) -> str:
    return f"gpubroker:{start.replace('-', ':')}"
