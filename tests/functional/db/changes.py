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

"""Every way in which a repository changes what a host can offer.

Each change is a function of a transaction and of a number that chooses among
what there is; where there is nothing to change it does nothing.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gpubroker.domain import devices
from gpubroker.domain import failures
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import traits
from gpubroker.services import ports
from tests.functional.db import base
from tests.functional.db import samples

T = TypeVar("T")
Change = Callable[[ports.Transaction, int], None]

POOLS = ("default", "r")
PROJECTS = ("p1", "p2")
LONG_AGO = base.START - datetime.timedelta(days=1)
MODELS = ("a100-sxm4-80gb", "l40s-48gb")


def pick(some: Sequence[T], number: int) -> T:
    return some[number % len(some)]


def host(tx: ports.Transaction, number: int) -> hosts.Host:
    return pick(tx.hosts.all(), number)


def card(tx: ports.Transaction, number: int) -> devices.Device:
    return pick(tx.devices.all(), number)


def add_host(tx: ports.Transaction, number: int) -> None:
    made = samples.host(
        f"new-{number}",
        pool=pick(POOLS, number),
        compute_state=hosts.ComputeState.UP,
    )
    if made.name in {one.name for one in tx.hosts.all()}:
        return
    tx.hosts.add(made)
    for slot in range(1 + number % 4):
        tx.devices.add(samples.device(slot, made.name, serial=None))


def delete_host(tx: ports.Transaction, number: int) -> None:
    found = [h for h in tx.hosts.all() if h.name.startswith("new-")]
    if found:
        name = pick(found, number).name
        if not any(d.claimed_by for d in tx.devices.of_host(name)):
            tx.hosts.delete(name, gone=True)


def update_host(tx: ports.Transaction, number: int) -> None:
    values = pick(
        [
            {"mode": hosts.Mode.OBSERVE},
            {"mode": hosts.Mode.MANAGE},
            {"compute_state": hosts.ComputeState.DOWN},
            {"compute_state": hosts.ComputeState.UP},
            {"zone": f"az{number % 3}"},
            {"pool": "r"},
            {"pool": "default"},
        ],
        number // 7,
    )
    found = host(tx, number)
    tx.hosts.update(dataclasses.replace(found, **values))  # type: ignore[arg-type]


def update_capacities(tx: ports.Transaction, number: int) -> None:
    found = host(tx, number)
    capacity = hosts.Capacity(
        resource_class="VCPU", total=128, used=number % 128
    )
    rest = [c for c in found.capacities if c.resource_class != "VCPU"]
    tx.hosts.update(dataclasses.replace(found, capacities=(*rest, capacity)))


def rename_host(tx: ports.Transaction, number: int) -> None:
    name = f"named-{number}"
    if name not in {one.name for one in tx.hosts.all()}:
        tx.hosts.rename(host(tx, number), name)


def give_slots(tx: ports.Transaction, number: int) -> None:
    for found in tx.devices.all():
        if found.slot is None:
            taken = tx.hosts.slots(found.host).values()
            free = next(n for n in range(99) if n not in taken)
            tx.hosts.give_slots(found.host, {found.pci_address: free})
            return


def add_device(tx: ports.Transaction, number: int) -> None:
    name = host(tx, number).name
    made = samples.device(50 + number % 50, name, serial=None, slot=None)
    known = {d.pci_address for d in tx.devices.of_host(name)}
    if made.pci_address not in known:
        tx.devices.add(dataclasses.replace(made, model=pick(MODELS, number)))


def update_device(tx: ports.Transaction, number: int) -> None:
    found = card(tx, number)
    values = pick(
        [
            {"model": None},
            {"model": MODELS[0]},
            {"model": MODELS[1]},
            {"numa_node": number % 2},
            {"state": devices.State.VANISHED},
            {"consumers": (samples.new_id(),)},
            {"reserved": number % 2},
        ],
        number // 7,
    )
    tx.devices.update(dataclasses.replace(found, **values))  # type: ignore[arg-type]


def move_device(tx: ports.Transaction, number: int) -> None:
    found, there = card(tx, number), host(tx, number // 7)
    address = f"0000:ff:{len(tx.devices.all()) % 32:02x}.{number % 8}"
    known = {d.pci_address for d in tx.devices.of_host(there.name)}
    if address not in known:
        tx.devices.update(
            dataclasses.replace(found, host=there.name, pci_address=address)
        )


def mirror(tx: ports.Transaction, number: int) -> None:
    values = pick(
        [
            {"consumers": (samples.new_id(),)},
            {"consumers": ()},
            {"reserved": 1},
            {"reserved": 0, "closing_generation": None},
            {"closing_generation": number},
            {"total": 0},
            {"total": 1, "provider_id": samples.new_id()},
            {"provider_id": None},
        ],
        number // 7,
    )
    tx.devices.mirror(dataclasses.replace(card(tx, number), **values))  # type: ignore[arg-type]


def delete_device(tx: ports.Transaction, number: int) -> None:
    found = card(tx, number)
    if not found.claimed_by and len(tx.devices.all()) > 8:
        tx.devices.delete(found.id)


def fence(tx: ports.Transaction, number: int) -> None:
    reason = pick(list(fences.Reason), number // 7)
    made = fences.Fence(device_id=card(tx, number).id, reason=reason)
    if not tx.fences.add(made):
        tx.fences.remove(made.device_id, reason)


def unfence(tx: ports.Transaction, number: int) -> None:
    found = [d for d in tx.devices.all() if d.fences]
    if found:
        first = pick(found, number).fences[0]
        tx.fences.remove(first.device_id, first.reason)


def replace_traits(tx: ports.Transaction, number: int) -> None:
    name = host(tx, number).name
    made = [
        traits.ProviderTrait(
            host=name, trait=trait, source=traits.Source.PLACEMENT
        )
        for trait in pick(["", "X", "XY"], number // 7)
    ]
    tx.traits.replace(name, traits.Source.PLACEMENT, made)


def note_failure(tx: ports.Transaction, number: int) -> None:
    at = base.START + datetime.timedelta(seconds=number % 1000)
    tx.failures.note(
        failures.Failure(
            host=host(tx, number).name,
            lease_id=samples.new_id(),
            project_id=pick(PROJECTS, number // 7),
            at=at,
            # Some are over, most are not.
            until=at + datetime.timedelta(seconds=60 * (number % 3)),
        ),
        LONG_AGO,
    )


def excuse(tx: ports.Transaction, number: int) -> None:
    tx.failures.excuse([host(tx, number).name])


def queue(tx: ports.Transaction, number: int) -> None:
    tx.leases.add(
        samples.lease(
            pool=pick(POOLS, number),
            gpus=1 + number % 4,
            models=pick([MODELS[:1], MODELS[1:], MODELS], number // 7),
            project_id=pick(PROJECTS, number // 49),
            traits=pick([(), ("X",)], number // 98),
            vcpus=1,
            requested_at=base.START + datetime.timedelta(seconds=number),
        ),
        None,
    )


def start(tx: ports.Transaction, number: int) -> None:
    """As a plan does, on whatever card is not claimed."""
    waiting = tx.leases.in_state([leases.State.QUEUED])
    cards = [d for d in tx.devices.all() if not d.claimed_by]
    if not (waiting and cards):
        return
    lease, found = pick(waiting, number), pick(cards, number)
    tx.leases.update(dataclasses.replace(lease, state=leases.State.STARTING))
    tx.leases.update_node(
        dataclasses.replace(
            lease.nodes[0], host=found.host, planned=(found.id,)
        )
    )
    tx.claims.add(lease.nodes[0].id, [found.id])


def end(tx: ports.Transaction, number: int) -> None:
    running = tx.leases.in_state([leases.State.STARTING])
    if running:
        lease = pick(running, number)
        node = lease.nodes[0]
        tx.leases.update(dataclasses.replace(lease, state=leases.State.ENDED))
        tx.claims.release(node.id, node.planned)


#: Repository -> its methods that change rows which tell what a host can
#: offer -> changes that call them.
MARKED: dict[str, dict[str, tuple[Change, ...]]] = {
    "hosts": {
        "add": (add_host,),
        "update": (update_host, update_capacities),
        "rename": (rename_host,),
        "delete": (delete_host,),
        "give_slots": (give_slots,),
    },
    "devices": {
        "add": (add_device,),
        "update": (update_device, move_device),
        "mirror": (mirror,),
        "delete": (delete_device,),
    },
    "fences": {"add": (fence,), "remove": (fence, unfence)},
    "traits": {"replace": (replace_traits,)},
    "failures": {"note": (note_failure,), "excuse": (excuse,)},
    "claims": {"add": (start,), "release": (end,)},
}
#: And those that change nothing of the kind, or only read.
OTHERS: dict[str, set[str]] = {
    "hosts": {
        "all",
        "get",
        "heartbeat",
        "hold",
        "page",
        "silence",
        "slots",
        "some",
    },
    "devices": {
        "all",
        "busy",
        "by_serial",
        "get",
        "hold",
        "many",
        "of_host",
        "page",
        "tally",
    },
    "fences": {"of", "of_lease", "reword"},
    "traits": {"of_host", "of_hosts", "page"},
    "failures": {"of_hosts"},
    "claims": {"of_node"},
    # Marks are written by "hold" where something has changed before it.
    "standing": {"devices", "hold", "marks"},
}
ALL: list[Any] = sorted(
    {
        change
        for methods in MARKED.values()
        for changes in methods.values()
        for change in changes
    }
    | {queue},
    key=lambda change: change.__name__,
)
