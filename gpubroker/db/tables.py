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

"""The tables: integer ids inside, names and UUIDs outside.

What the database itself keeps (A 3): a device is in one open claim at most,
has one fence a reason, one slot number a (host, address), and at one address
of a host there is one present device at most.

Every table is found here; those of leases are written in ``lease_tables``.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from gpubroker.db import base
from gpubroker.db.base import Document
from gpubroker.db.base import Id
from gpubroker.db.base import Name
from gpubroker.db.base import Text
from gpubroker.db.base import Time
from gpubroker.db.base import Uuid
from gpubroker.db.lease_tables import Claim as Claim
from gpubroker.db.lease_tables import Delegation as Delegation
from gpubroker.db.lease_tables import Lease as Lease
from gpubroker.db.lease_tables import LeaseNode as LeaseNode
from gpubroker.db.lease_tables import Project as Project
from gpubroker.db.lease_tables import Step as Step
from gpubroker.db.lease_tables import Trust as Trust
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import flavors
from gpubroker.domain import hosts
from gpubroker.domain import models
from gpubroker.domain import pools
from gpubroker.domain import traits


class Model(base.Stamped, base.Base):
    __tablename__ = "model"

    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(unique=True)
    family: Mapped[Name] = mapped_column(index=True)
    vendor: Mapped[Name] = mapped_column(index=True)
    vendor_id: Mapped[str] = mapped_column(base.Line(8))
    product_ids: Mapped[Document]
    subsystem_ids: Mapped[Document]
    memory_mib: Mapped[int]
    resource_class: Mapped[Name]
    alias: Mapped[Name]
    device_type: Mapped[models.DeviceType] = mapped_column(
        base.Word(models.DeviceType)
    )
    board_slots: Mapped[int]
    blocks: Mapped[Document]
    builtin: Mapped[bool]
    extra: Mapped[Document]


class Flavor(base.Stamped, base.Base):
    __tablename__ = "flavor"

    id: Mapped[Id]
    uuid: Mapped[Uuid] = mapped_column(unique=True)
    name: Mapped[Name] = mapped_column(unique=True)
    description: Mapped[Text]
    kind: Mapped[flavors.Kind] = mapped_column(base.Word(flavors.Kind))
    gpus: Mapped[int]
    vcpus: Mapped[int]
    ram_mib: Mapped[int]
    disk_gib: Mapped[int]
    topology: Mapped[flavors.Topology] = mapped_column(
        base.Word(flavors.Topology)
    )
    extra_specs: Mapped[Document]


class FlavorModel(base.Base):
    """``position`` 0 is the model that is most wanted."""

    __tablename__ = "flavor_model"

    flavor_id: Mapped[int] = base.parent("flavor.id", primary_key=True)
    position: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False
    )
    model_id: Mapped[int] = mapped_column(
        sa.ForeignKey("model.id"), index=True
    )


class FlavorTrait(base.Base):
    __tablename__ = "flavor_trait"

    flavor_id: Mapped[int] = base.parent("flavor.id", primary_key=True)
    trait: Mapped[Name] = mapped_column(primary_key=True)


class Installation(base.Base):
    """One row, written with the tables: what tells this broker's things in
    Nova and Placement from those of another one.

    ``count`` goes up with time, and Placement has it, too: it tells a
    database that was restored from a backup."""

    __tablename__ = "installation"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(base.Line(32))
    count: Mapped[int]
    created_at: Mapped[Time]


class Pool(base.Stamped, base.Base):
    __tablename__ = "pool"

    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(unique=True)
    description: Mapped[Text]
    admission: Mapped[pools.Admission] = mapped_column(
        base.Word(pools.Admission)
    )


class PoolOwner(base.Base):
    """Who plans the pool, until when.

    Apart from ``pool`` so that the lock of a planner does not hold up
    orders, whose foreign key takes a shared lock on the pool's row.
    ``plans`` counts what was planned: only a row that changes makes two
    nodes of a Galera cluster notice each other.
    """

    __tablename__ = "pool_owner"

    pool_id: Mapped[int] = base.parent("pool.id", primary_key=True)
    owner: Mapped[Name | None]
    epoch: Mapped[int]
    plans: Mapped[int] = mapped_column(sa.BigInteger)
    expires_at: Mapped[Time | None]


class Worker(base.Base):
    """One that runs, or did until a moment ago."""

    __tablename__ = "worker"

    name: Mapped[Name] = mapped_column(primary_key=True)
    expires_at: Mapped[Time]


class PoolProject(base.Base):
    __tablename__ = "pool_project"

    pool_id: Mapped[int] = base.parent("pool.id", primary_key=True)
    project_id: Mapped[Name] = mapped_column(primary_key=True, index=True)


class Host(base.Stamped, base.Base):
    __tablename__ = "host"

    id: Mapped[Id]
    name: Mapped[Name] = mapped_column(unique=True)
    hypervisor_hostname: Mapped[Name] = mapped_column(unique=True)
    pool_id: Mapped[int] = mapped_column(sa.ForeignKey("pool.id"), index=True)
    mode: Mapped[hosts.Mode] = mapped_column(base.Word(hosts.Mode), index=True)
    provider_id: Mapped[Uuid | None]
    ticket_provider_id: Mapped[Uuid | None]
    compute_state: Mapped[hosts.ComputeState] = mapped_column(
        base.Word(hosts.ComputeState), index=True
    )
    compute_reason: Mapped[Text]
    zone: Mapped[Name]
    agent_user_id: Mapped[Name | None] = mapped_column(unique=True)
    agent_version: Mapped[Name | None]
    boot_id: Mapped[Name | None]
    report_digest: Mapped[Name | None]
    heartbeat_at: Mapped[Time | None] = mapped_column(index=True)
    drained_at: Mapped[Time | None]
    drained_by: Mapped[Name]
    drain_detail: Mapped[Text]
    conditions: Mapped[Document]


class StartFailure(base.Base):
    """``lease_id`` is the outward id, which may outlive the lease."""

    __tablename__ = "start_failure"

    host_id: Mapped[int] = base.parent("host.id", primary_key=True)
    lease_id: Mapped[Uuid] = mapped_column(primary_key=True)
    project_id: Mapped[Name]
    at: Mapped[Time]
    until: Mapped[Time]
    message: Mapped[Text]
    counts: Mapped[bool]


class HostMark(base.Base):
    """Another number after each change of what the host can offer."""

    __tablename__ = "host_mark"

    host_id: Mapped[int] = base.parent("host.id", primary_key=True)
    mark: Mapped[int] = mapped_column(sa.BigInteger)


class HostCapacity(base.Base):
    __tablename__ = "host_capacity"

    host_id: Mapped[int] = base.parent("host.id", primary_key=True)
    resource_class: Mapped[Name] = mapped_column(primary_key=True)
    total: Mapped[int]
    reserved: Mapped[int]
    # FLOAT of MariaDB has 24 bits: 1.1 would come back as another number.
    allocation_ratio: Mapped[float] = mapped_column(sa.Double)
    used: Mapped[int]


class HostSlot(base.Base):
    __tablename__ = "host_slot"

    host_id: Mapped[int] = base.parent("host.id", primary_key=True)
    pci_address: Mapped[str] = mapped_column(base.Line(32), primary_key=True)
    slot: Mapped[int]

    __table_args__ = base.args(sa.UniqueConstraint("host_id", "slot"))


class Device(base.Stamped, base.Base):
    """``present`` is NULL once vanished: NULLs never clash, so any number
    of former cards share an address with the one that is there."""

    __tablename__ = "device"

    id: Mapped[Id]
    uuid: Mapped[Uuid] = mapped_column(unique=True)
    host_id: Mapped[int] = mapped_column(sa.ForeignKey("host.id"))
    pci_address: Mapped[str] = mapped_column(base.Line(32), index=True)
    present: Mapped[bool | None]
    model_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("model.id"), index=True
    )
    vendor_id: Mapped[str] = mapped_column(base.Line(8))
    product_id: Mapped[str] = mapped_column(base.Line(8))
    subsystem_id: Mapped[str] = mapped_column(base.Line(32))
    serial: Mapped[Name | None] = mapped_column(unique=True)
    gpu_uuid: Mapped[Name | None] = mapped_column(unique=True)
    numa_node: Mapped[int | None]
    driver: Mapped[Name | None]
    state: Mapped[devices.State] = mapped_column(
        base.Word(devices.State), index=True
    )
    health: Mapped[devices.Health] = mapped_column(
        base.Word(devices.Health), index=True
    )
    health_reasons: Mapped[Document]
    reported: Mapped[bool]
    provider_id: Mapped[Uuid | None] = mapped_column(index=True)
    provider_name: Mapped[Name | None]
    provider_generation: Mapped[int | None] = mapped_column(sa.BigInteger)
    resource_class: Mapped[Name | None]
    total: Mapped[int | None]
    reserved: Mapped[int | None]
    closing_generation: Mapped[int | None] = mapped_column(sa.BigInteger)
    first_seen_at: Mapped[Time | None]
    last_seen_at: Mapped[Time | None]

    __table_args__ = base.args(
        sa.UniqueConstraint("host_id", "pci_address", "present")
    )


class DeviceConsumer(base.Base):
    __tablename__ = "device_consumer"

    device_id: Mapped[int] = base.parent("device.id", primary_key=True)
    consumer: Mapped[Uuid] = mapped_column(primary_key=True, index=True)


class Fence(base.Base):
    """``lease_id`` is the outward id; a lease that is named here is not
    purged."""

    __tablename__ = "fence"

    device_id: Mapped[int] = base.parent("device.id", primary_key=True)
    reason: Mapped[fences.Reason] = mapped_column(
        base.Word(fences.Reason), primary_key=True, index=True
    )
    detail: Mapped[Text]
    set_by: Mapped[Name]
    lease_id: Mapped[Uuid | None] = mapped_column(index=True)
    created_at: Mapped[Time]


class ProviderTrait(base.Base):
    __tablename__ = "provider_trait"

    id: Mapped[Id]
    host_id: Mapped[int] = base.parent("host.id")
    device_id: Mapped[int | None] = base.parent("device.id", index=True)
    trait: Mapped[Name] = mapped_column(index=True)
    source: Mapped[traits.Source] = mapped_column(base.Word(traits.Source))

    __table_args__ = base.args(
        sa.UniqueConstraint("host_id", "device_id", "trait", "source")
    )


class Event(base.Base):
    """No foreign keys: history outlives what it tells about. Only a purge
    deletes it."""

    __tablename__ = "event"

    id: Mapped[base.BigId]
    at: Mapped[Time] = mapped_column(index=True)
    kind: Mapped[Name]
    message: Mapped[Text]
    lease_id: Mapped[Uuid | None]
    device_id: Mapped[Uuid | None]
    serial: Mapped[Name | None]
    host: Mapped[Name | None]
    request_id: Mapped[Name]
    acted_by: Mapped[Name]
    by_operator: Mapped[bool]
    detail: Mapped[Document]

    __table_args__ = base.args(
        sa.Index(None, "lease_id", "id"),
        sa.Index(None, "device_id", "id"),
        sa.Index(None, "serial", "id"),
        sa.Index(None, "host", "id"),
        sa.Index(None, "kind", "id"),
    )


#: All of them; a migration is compared with this.
METADATA = base.Base.metadata


def table(entity: type[base.Base]) -> sa.Table:
    """The Core table of a mapped class, for INSERT, UPDATE and DELETE."""
    found = orm.class_mapper(entity).local_table
    if not isinstance(found, sa.Table):
        raise TypeError(f"{entity!r} is not mapped to a table")
    return found
