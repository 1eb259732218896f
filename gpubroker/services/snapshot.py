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

"""From rows of the store to the form that plans are made from."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from gpubroker.domain import devices
from gpubroker.domain import failures
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import models
from gpubroker.domain.fences import Reason
from gpubroker.domain.flavors import Topology
from gpubroker.domain.matching import Availability
from gpubroker.domain.matching import Card
from gpubroker.domain.matching import HostState
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need
from gpubroker.domain.snapshots import Order


def blocks_of(
    known: Sequence[models.Model],
) -> dict[str, tuple[tuple[int, ...], ...]]:
    return {model.name: model.blocks for model in known if model.blocks}


def order_of(lease: leases.Lease) -> Order:
    return Order(
        lease_id=lease.id,
        models=lease.models,
        nodes=lease.node_count,
        not_before=lease.not_before,
        need=need_of(lease),
        project_id=lease.project_id,
    )


def need_of(lease: leases.Lease) -> Need:
    return Need(
        gpus=lease.gpus,
        vcpus=lease.vcpus,
        ram_mib=lease.ram_mib,
        disk_gib=lease.local_disk_gib,
        topology=Topology(lease.topology),
        traits=frozenset(lease.traits),
        zone=lease.workload.get("availability_zone"),
    )


def at_present(
    bare: HostView, claimed: Need | None, now: datetime.datetime
) -> HostView:
    """A host with what its own rows do not tell.

    :param claimed: for starts under way there.
    """
    seen = bare
    if claimed is not None:
        seen = dataclasses.replace(
            seen,
            vcpus=seen.vcpus - claimed.vcpus,
            ram_mib=seen.ram_mib - claimed.ram_mib,
            disk_gib=seen.disk_gib - claimed.disk_gib,
        )
    if seen.state is HostState.OPEN and failures.suspect(seen.failures, now):
        seen = dataclasses.replace(
            seen, state=HostState.SUSPECT, why="starts failed here lately"
        )
    return seen


def standing(
    host: hosts.Host,
    cards: Sequence[devices.Device],
    traits: frozenset[str],
    failed: tuple[failures.Failure, ...],
) -> HostView:
    """What the rows of a host tell of it, whatever the time: what its mark
    stands for."""
    state, why = _host_state(host)
    free = {c.resource_class: c.free for c in host.capacities}
    total = {c.resource_class: c.free + c.used for c in host.capacities}
    return HostView(
        name=host.name,
        state=state,
        why=why,
        vcpus=free.get("VCPU", 0) + free.get("PCPU", 0),
        ram_mib=free.get("MEMORY_MB", 0),
        disk_gib=free.get("DISK_GB", 0),
        vcpus_total=total.get("VCPU", 0) + total.get("PCPU", 0),
        ram_mib_total=total.get("MEMORY_MB", 0),
        disk_gib_total=total.get("DISK_GB", 0),
        traits=traits,
        zone=host.zone,
        failures=failed,
        cards=tuple(
            card
            for card in (
                card_of(device, drained=host.drain is not None)
                for device in sorted(cards, key=_by_slot)
            )
            if card is not None
        ),
    )


def card_of(device: devices.Device, drained: bool) -> Card | None:
    """``None`` for a device that no plan can name: without a model, a slot
    or a provider, or vanished.

    :param drained: whether its host is; the fence may be yet to come.
    """
    if (
        device.model is None
        or device.slot is None
        or device.provider_id is None
        or device.state is not devices.State.PRESENT
    ):
        return None
    availability, why = _availability(device, drained)
    return Card(
        device_id=device.id,
        model=device.model,
        slot=device.slot,
        numa_node=device.numa_node,
        availability=availability,
        why=why,
        address=device.pci_address,
    )


def _availability(
    device: devices.Device, drained: bool
) -> tuple[Availability, str]:
    held = device.reasons - {Reason.LEASE}
    if drained:
        held |= {Reason.DRAIN}
    if device.claimed_by or device.consumers or Reason.LEASE in device.reasons:
        return Availability.IN_USE, ""
    if held:
        return Availability.FENCED, min(held).value
    if not device.total:
        return Availability.FENCED, "not in Placement"
    if device.reserved or device.closing_generation is not None:
        # Its last fence was just lifted; Placement is told next.
        return Availability.FENCED, "not open in Placement yet"
    return Availability.FREE, ""


def _host_state(host: hosts.Host) -> tuple[HostState, str]:
    if host.mode is not hosts.Mode.MANAGE:
        return HostState.OBSERVED, "the host is only observed"
    if host.compute_state is not hosts.ComputeState.UP:
        return HostState.DOWN, f"nova-compute is {host.compute_state}"
    return HostState.OPEN, ""


def _by_slot(device: devices.Device) -> tuple[int, str]:
    slot = device.slot if device.slot is not None else -1
    return slot, device.pci_address


def more(claimed: Need | None, need: Need) -> Need:
    """CPU, memory and disk of one more start under way on a host, which
    Placement may not show yet.

    Counted twice for the moment between a server's allocation and the end
    of its start: a plan may wait a moment too long, never oversell.
    """
    old = claimed or Need(gpus=0)
    return Need(
        gpus=0,
        vcpus=old.vcpus + need.vcpus,
        ram_mib=old.ram_mib + need.ram_mib,
        disk_gib=old.disk_gib + need.disk_gib,
    )
