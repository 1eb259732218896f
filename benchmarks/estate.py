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


"""Hosts with cards and leases of any number, written through the store."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import uuid
from collections.abc import Iterator

from gpubroker.db import store as db_store
from gpubroker.domain import devices
from gpubroker.domain import flavors
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import pools

PROJECT = "11111111111111111111111111111111"
#: Who reports for the first host.
AGENT = "agent"
MODEL = "a100-sxm4-80gb"
CARDS = 8
BUSES = ("07", "0b", "48", "4c", "88", "8b", "c8", "cb")

#: A quarter waits, a quarter runs and half is over.
_STATES = (
    leases.State.QUEUED,
    leases.State.ACTIVE,
    leases.State.ENDED,
    leases.State.ENDED,
)


def address(slot: int) -> str:
    return f"0000:{BUSES[slot]}:00.0"


def add_flavors(store: db_store.Store) -> None:
    """For one, two, four and eight A100."""
    with store.write() as tx:
        for gpus in (1, 2, 4, 8):
            tx.flavors.add(_flavor(gpus))


def add_hosts(
    store: db_store.Store, count: int, first: int = 0, used: bool = False
) -> list[str]:
    """Hosts of the default pool with eight A100 each.

    :param used: whether some cards and CPUs of each are in use, so that
        hardly two hosts are alike.
    :returns: ids of the cards.
    """
    found: list[str] = []
    for number in range(first, first + count):
        name = _name(number)
        with store.write() as tx:
            tx.hosts.add(_host(name, number % 100 if used else 0))
            tx.hosts.give_slots(name, {address(s): s for s in range(CARDS)})
            for slot in range(CARDS):
                taken = used and number * 37 >> slot & 1
                card = _mirrored(_card(name, slot), bool(taken))
                found.append(tx.devices.add(card).id)
    return found


def changes(store: db_store.Store, count: int) -> Iterator[None]:
    """One host after the other has its CPU used a little more."""
    with store.read() as tx:
        names = [mark.host for mark in tx.standing.marks()]
    for number in range(count):
        with store.write() as tx:
            host = tx.hosts.get(names[number % len(names)])
            capacities = tuple(
                dataclasses.replace(one, used=number % 100 + 1)
                if one.resource_class == "VCPU"
                else one
                for one in host.capacities
            )
            tx.hosts.update(dataclasses.replace(host, capacities=capacities))
        yield


def add_queue(store: db_store.Store, count: int, project: str) -> None:
    """Orders that wait: for one to eight cards, of four projects."""
    gpus = itertools.cycle((1, 2, 4, 8))
    for start in range(0, count, 500):
        with store.write() as tx:
            for number in range(start, min(count, start + 500)):
                lease = _lease(number, leases.State.QUEUED, iter(()), project)
                size = next(gpus)
                tx.leases.add(
                    dataclasses.replace(
                        lease,
                        gpus=size,
                        vcpus=12 * size,
                        ram_mib=96 * 1024 * size,
                        project_id=f"{project[:-1]}{number % 4}",
                    ),
                    None,
                )


def add_leases(
    store: db_store.Store, count: int, cards: list[str], project: str
) -> None:
    """Leases of two cards each; those that run hold cards as planned."""
    free = iter(cards)
    for number in range(count):
        lease = _lease(number, _STATES[number % len(_STATES)], free, project)
        with store.write() as tx:
            tx.leases.add(lease, None)
            for node in lease.nodes:
                if node.planned:
                    tx.claims.add(node.id, node.planned)


def _name(number: int) -> str:
    return f"gpu-{number:04d}"


def _flavor(gpus: int) -> flavors.Flavor:
    return flavors.Flavor(
        id=str(uuid.uuid4()),
        name=f"gpu.{gpus}",
        models=(MODEL,),
        gpus=gpus,
        vcpus=12 * gpus,
        ram_mib=96 * 1024 * gpus,
        disk_gib=200,
    )


def _host(name: str, vcpus: int) -> hosts.Host:
    return hosts.Host(
        name=name,
        hypervisor_hostname=name,
        pool=pools.DEFAULT,
        mode=hosts.Mode.MANAGE,
        provider_id=str(uuid.uuid4()),
        compute_state=hosts.ComputeState.UP,
        agent_user_id=AGENT if name == _name(0) else f"agent-{name}",
        capacities=(
            hosts.Capacity(resource_class="VCPU", total=128, used=vcpus),
            hosts.Capacity(resource_class="MEMORY_MB", total=1024 * 1024),
            hosts.Capacity(resource_class="DISK_GB", total=14000),
        ),
    )


def _card(host: str, slot: int) -> devices.Device:
    return devices.Device(
        id=str(uuid.uuid4()),
        host=host,
        pci_address=address(slot),
        model=MODEL,
        vendor_id="10de",
        product_id="20b2",
        subsystem_id="10de:1463",
        numa_node=slot // 4,
        health=devices.Health.OK,
    )


def _mirrored(card: devices.Device, used: bool) -> devices.Device:
    return dataclasses.replace(
        card,
        provider_id=str(uuid.uuid4()),
        provider_name=f"{card.host}_{card.pci_address.upper()}",
        provider_generation=1,
        resource_class="CUSTOM_GPU_A100_SXM4_80GB",
        total=1,
        reserved=0,
        consumers=(str(uuid.uuid4()),) if used else (),
    )


def _lease(
    number: int, state: leases.State, free: Iterator[str], project: str
) -> leases.Lease:
    lease_id = str(uuid.uuid4())
    node = leases.Node(id=str(uuid.uuid4()), lease_id=lease_id, index=0)
    runs = state is leases.State.ACTIVE
    now = datetime.datetime.now(datetime.UTC)
    return leases.Lease(
        id=lease_id,
        name=f"train-{number}",
        project_id=project,
        user_id="member",
        flavor="gpu.2",
        kind=flavors.Kind.VM.value,
        models=(MODEL,),
        model=MODEL if state is not leases.State.QUEUED else None,
        gpus=2,
        vcpus=24,
        ram_mib=192 * 1024,
        disk_gib=200,
        topology=flavors.Topology.PREFER.value,
        pool=pools.DEFAULT,
        state=state,
        target=state,
        workload={
            "type": "server",
            "image": str(uuid.uuid4()),
            "networks": [{"network": str(uuid.uuid4())}],
            "key_name": "mykey",
        },
        requested_at=now,
        started_at=now if runs else None,
        ended_at=now if state is leases.State.ENDED else None,
        nodes=(_running(node, free) if runs else node,),
    )


def _running(node: leases.Node, free: Iterator[str]) -> leases.Node:
    return dataclasses.replace(
        node,
        host="gpu-0000",
        server_id=str(uuid.uuid4()),
        server_status="ACTIVE",
        addresses=("10.0.0.5",),
        planned=(next(free), next(free)),
    )
