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

"""The tables of leases: found through ``tables`` like all others."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from gpubroker.db import base
from gpubroker.db.base import Document
from gpubroker.db.base import Id
from gpubroker.db.base import Name
from gpubroker.db.base import Text
from gpubroker.db.base import Time
from gpubroker.db.base import Uuid
from gpubroker.domain import leases
from gpubroker.domain import steps


class Lease(base.Stamped, base.Base):
    """``pool`` stays when the pool is gone; ``pool_id`` lets the database
    refuse an order to a pool that is being deleted."""

    __tablename__ = "lease"

    id: Mapped[Id]
    uuid: Mapped[Uuid] = mapped_column(unique=True)
    name: Mapped[Name]
    project_id: Mapped[Name]
    user_id: Mapped[Name] = mapped_column(index=True)
    flavor: Mapped[Name] = mapped_column(index=True)
    kind: Mapped[Name]
    models: Mapped[Document]
    model: Mapped[Name | None]
    gpus: Mapped[int]
    vcpus: Mapped[int]
    ram_mib: Mapped[int]
    disk_gib: Mapped[int]
    topology: Mapped[Name]
    extra_specs: Mapped[Document]
    traits: Mapped[Document]
    pool: Mapped[Name]
    pool_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("pool.id", ondelete="SET NULL"), index=True
    )
    node_count: Mapped[int]
    state: Mapped[leases.State] = mapped_column(base.Word(leases.State))
    target: Mapped[leases.State] = mapped_column(base.Word(leases.State))
    reason: Mapped[Text]
    end_cause: Mapped[leases.EndCause | None] = mapped_column(
        base.Word(leases.EndCause)
    )
    identity_mode: Mapped[leases.IdentityMode] = mapped_column(
        base.Word(leases.IdentityMode)
    )
    workload: Mapped[Document]
    # Up to 64 KiB each: only ``get`` loads it.
    user_data: Mapped[Text | None] = mapped_column(deferred=True)
    duration: Mapped[int | None]
    requested_at: Mapped[Time]
    started_at: Mapped[Time | None]
    expires_at: Mapped[Time | None]
    ended_at: Mapped[Time | None]
    attempts: Mapped[int]
    not_before: Mapped[Time | None]
    rights_gone_at: Mapped[Time | None]
    request_id: Mapped[Name]

    __table_args__ = base.args(
        sa.Index(None, "requested_at", "uuid"),
        sa.Index(None, "project_id", "requested_at", "uuid"),
        sa.Index(None, "project_id", "state"),
        sa.Index(None, "project_id", "name"),
        sa.Index(None, "state", "requested_at", "uuid"),
        sa.Index(None, "state", "expires_at"),
        sa.Index(None, "pool", "state", "requested_at", "uuid"),
    )


class LeaseNode(base.Base):
    __tablename__ = "lease_node"

    id: Mapped[Id]
    uuid: Mapped[Uuid] = mapped_column(unique=True)
    lease_id: Mapped[int] = mapped_column(sa.ForeignKey("lease.id"))
    position: Mapped[int]
    attempt: Mapped[int]
    host: Mapped[Name | None] = mapped_column(index=True)
    ticket: Mapped[Name | None]
    shape_id: Mapped[Name | None]
    server_id: Mapped[Uuid | None] = mapped_column(index=True)
    server_status: Mapped[Name | None]
    addresses: Mapped[Document]
    planned: Mapped[Document]
    fault: Mapped[Text]

    __table_args__ = base.args(sa.UniqueConstraint("lease_id", "position"))


class Claim(base.Base):
    """Exists only while open: the primary key is the promise that no device
    is ever in two of them, on every engine."""

    __tablename__ = "claim"

    device_id: Mapped[int] = mapped_column(
        sa.ForeignKey("device.id"), primary_key=True, autoincrement=False
    )
    node_id: Mapped[int] = mapped_column(
        sa.ForeignKey("lease_node.id"), index=True
    )
    created_at: Mapped[Time]


class Step(base.Base):
    """``node_id`` is the outward id, or "" for a step of the whole lease:
    a NULL would let the same step in twice."""

    __tablename__ = "step"

    id: Mapped[base.BigId]
    lease_id: Mapped[int] = mapped_column(sa.ForeignKey("lease.id"))
    node_id: Mapped[Uuid]
    attempt: Mapped[int]
    saga: Mapped[steps.Saga] = mapped_column(base.Word(steps.Saga))
    name: Mapped[Name]
    state: Mapped[steps.StepState] = mapped_column(base.Word(steps.StepState))
    begun_at: Mapped[Time]
    done_at: Mapped[Time | None]
    detail: Mapped[Text]

    __table_args__ = base.args(
        sa.UniqueConstraint("lease_id", "node_id", "attempt", "saga", "name")
    )


class Delegation(base.Base):
    __tablename__ = "delegation"

    lease_id: Mapped[int] = mapped_column(
        sa.ForeignKey("lease.id"), primary_key=True, autoincrement=False
    )
    mode: Mapped[leases.IdentityMode] = mapped_column(
        base.Word(leases.IdentityMode)
    )
    trust_id: Mapped[Name | None]
    expires_at: Mapped[Time | None]
    key_kind: Mapped[Name | None]
    public_key: Mapped[Text | None]


class Project(base.Base):
    """A row for each project that has ordered; each order writes it, so that
    no two of one project are counted at the same time."""

    __tablename__ = "project"

    project_id: Mapped[Name] = mapped_column(primary_key=True)
    orders: Mapped[int] = mapped_column(sa.BigInteger)


class Trust(base.Base):
    """One that is being made, or that no lease got."""

    __tablename__ = "trust"

    id: Mapped[Id]
    user_id: Mapped[Name]
    project_id: Mapped[Name]
    expires_at: Mapped[Time]
    begun_at: Mapped[Time]
    tries: Mapped[int]
    tried_at: Mapped[Time | None]

    __table_args__ = base.args(
        sa.UniqueConstraint("user_id", "project_id", "expires_at")
    )
