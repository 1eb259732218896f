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

"""Small pools to plan in."""

from __future__ import annotations

import datetime

from gpubroker.domain.failures import Failure
from gpubroker.domain.flavors import Topology
from gpubroker.domain.matching import Availability
from gpubroker.domain.matching import Card
from gpubroker.domain.matching import HostState
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need
from gpubroker.domain.snapshots import Order
from gpubroker.domain.snapshots import Snapshot

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
A100 = "a100-sxm4-80gb"
BLOCKS = {
    A100: (
        (0, 1),
        (2, 3),
        (4, 5),
        (6, 7),
        (0, 1, 2, 3),
        (4, 5, 6, 7),
        (0, 1, 2, 3, 4, 5, 6, 7),
    )
}


def host(
    name: str = "h1",
    cards: int = 8,
    model: str = A100,
    used: set[int] | None = None,
    fenced: set[int] | None = None,
    state: HostState = HostState.OPEN,
    vcpus: int = 128,
    ram_mib: int = 1 << 20,
    zone: str = "",
    traits: frozenset[str] = frozenset(),
    failures: tuple[Failure, ...] = (),
) -> HostView:
    """A host with ``cards`` cards, half of them on each NUMA node."""
    return HostView(
        name=name,
        state=state,
        why="",
        vcpus=vcpus,
        ram_mib=ram_mib,
        disk_gib=1000,
        vcpus_total=128,
        ram_mib_total=1 << 20,
        disk_gib_total=1000,
        traits=traits,
        zone=zone,
        failures=failures,
        cards=tuple(
            Card(
                device_id=f"{name}-{slot}",
                model=model,
                slot=slot,
                numa_node=slot * 2 // cards,
                availability=_state(slot, used or set(), fenced or set()),
                why="health" if slot in (fenced or set()) else "",
            )
            for slot in range(cards)
        ),
    )


def _state(slot: int, used: set[int], fenced: set[int]) -> Availability:
    if slot in used:
        return Availability.IN_USE
    return Availability.FENCED if slot in fenced else Availability.FREE


def need(
    gpus: int,
    topology: str = "prefer",
    vcpus: int = 8,
    zone: str | None = None,
    traits: frozenset[str] = frozenset(),
) -> Need:
    return Need(
        gpus=gpus,
        vcpus=vcpus,
        ram_mib=1024,
        disk_gib=10,
        topology=Topology(topology),
        zone=zone,
        traits=traits,
    )


def failure(
    lease_id: str,
    project_id: str = "p",
    host: str = "h1",
    until: float = 60,
    ago: float = 10,
    counts: bool = True,
) -> Failure:
    """One of ``ago`` seconds ago that matters for ``until`` seconds more."""
    return Failure(
        host=host,
        lease_id=lease_id,
        project_id=project_id,
        at=NOW - datetime.timedelta(seconds=ago),
        until=NOW + datetime.timedelta(seconds=until),
        message="boom",
        counts=counts,
    )


def order(lease_id: str, gpus: int, nodes: int = 1, **more: object) -> Order:
    topology = str(more.pop("topology", "prefer"))
    models = tuple(more.pop("models", (A100,)))  # type: ignore[call-overload]
    return Order(
        lease_id=lease_id,
        models=models,
        need=need(
            gpus,
            topology,
            vcpus=more.pop("vcpus", 8),  # type: ignore[arg-type]
            zone=more.pop("zone", None),  # type: ignore[arg-type]
            traits=more.pop("traits", frozenset()),  # type: ignore[arg-type]
        ),
        nodes=nodes,
        not_before=more.pop("not_before", None),  # type: ignore[arg-type]
        project_id=str(more.pop("project_id", "p")),
    )


def pool(*hosts: HostView, orders: tuple[Order, ...] = ()) -> Snapshot:
    return Snapshot(
        pool="default", now=NOW, hosts=hosts, orders=orders, blocks=BLOCKS
    )
