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

"""Things to put into a store."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from gpubroker.domain import devices
from gpubroker.domain import flavors
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import models
from gpubroker.services import ports
from tests.functional.db import base


def new_id() -> str:
    return str(uuid.uuid4())


def model(name: str = "a100-sxm4-80gb", **fields: Any) -> models.Model:
    made = models.Model(
        name=name,
        family="a100",
        vendor="nvidia",
        vendor_id="10de",
        product_ids=("20b2", "20b5"),
        subsystem_ids=("10de:1463",),
        memory_mib=81920,
        resource_class="CUSTOM_PCI_10DE_20B2",
        alias=name,
        device_type=models.DeviceType.PF,
        board_slots=8,
        blocks=((0, 1), (2, 3), (0, 1, 2, 3)),
        extra={"note": "ü 🚀"},
    )
    return dataclasses.replace(made, **fields)


def flavor(name: str = "vm.gpu.a100.2", **fields: Any) -> flavors.Flavor:
    made = flavors.Flavor(
        id=new_id(),
        name=name,
        description="Two cards",
        models=("a100-sxm4-80gb",),
        gpus=2,
        vcpus=16,
        ram_mib=65536,
        disk_gib=100,
        extra_specs={"hw:cpu_policy": "dedicated"},
        traits=("HW_CPU_X86_AVX2",),
    )
    return dataclasses.replace(made, **fields)


def host(name: str = "gpu-1", **fields: Any) -> hosts.Host:
    made = hosts.Host(
        name=name,
        hypervisor_hostname=f"{name}.example",
        pool="default",
        mode=hosts.Mode.MANAGE,
        provider_id=new_id(),
        drain=hosts.Drain(at=base.START, detail="fan", by="u1"),
        conditions=(hosts.Condition(kind="nvml_timeout", detail="30 s"),),
        capacities=(
            hosts.Capacity(
                resource_class="MEMORY_MB",
                total=1048576,
                reserved=4096,
                allocation_ratio=1.1,
                used=0,
            ),
            hosts.Capacity(resource_class="VCPU", total=128, used=4),
        ),
    )
    return dataclasses.replace(made, **fields)


def device(n: int = 0, host: str = "gpu-1", **fields: Any) -> devices.Device:
    made = devices.Device(
        id=new_id(),
        host=host,
        pci_address=f"0000:{n + 7:02x}:00.0",
        slot=n,
        model="a100-sxm4-80gb",
        vendor_id="10de",
        product_id="20b2",
        subsystem_id="10de:1463",
        serial=f"{host}-{n}",
        numa_node=n // 4,
        driver="vfio-pci",
        health=devices.Health.OK,
        health_reasons=(devices.HealthReason(rule="xid", detail="48"),),
        provider_id=new_id(),
        provider_name=f"{host}_0000:{n + 7:02X}:00.0",
        provider_generation=3,
        resource_class="CUSTOM_PCI_10DE_20B2",
        total=1,
        reserved=0,
        first_seen_at=base.START,
        last_seen_at=base.START,
    )
    return dataclasses.replace(made, **fields)


def lease(nodes: int = 1, **fields: Any) -> leases.Lease:
    key = fields.pop("id", None) or new_id()
    made = leases.Lease(
        id=key,
        name="train",
        project_id="p1",
        user_id="u1",
        flavor="vm.gpu.a100.2",
        kind="vm",
        models=("a100-sxm4-80gb",),
        gpus=2,
        vcpus=16,
        ram_mib=65536,
        disk_gib=100,
        topology="prefer",
        extra_specs={"hw:cpu_policy": "dedicated"},
        traits=("HW_CPU_X86_AVX2",),
        pool="default",
        node_count=nodes,
        workload={
            "type": "server",
            "image": "ubuntu",
            "metadata": {"ä": "🚀"},
        },
        user_data="I2Nsb3Vk",
        duration=3600,
        requested_at=base.START,
        request_id="req-1",
        nodes=tuple(
            leases.Node(id=new_id(), lease_id=key, index=n)
            for n in range(nodes)
        ),
    )
    return dataclasses.replace(made, **fields)


def fill(store: ports.Store, cards: int = 2) -> list[devices.Device]:
    """A model, a host in the pool ``default``, and cards in it."""
    with store.write() as tx:
        tx.models.add(model())
        tx.hosts.add(host())
        return [tx.devices.add(device(n)) for n in range(cards)]
