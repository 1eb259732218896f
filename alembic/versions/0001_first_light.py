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

"""Make every table, and the pool "default".

Revision ID: 0001
Revises: nothing
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLE = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def _line(length: int = 255) -> Any:
    return sa.String(length).with_variant(
        sa.String(length, collation="C"), "postgresql"
    )


def _word() -> Any:
    return sa.String(32)


def _text() -> Any:
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def _moment() -> Any:
    return sa.DateTime().with_variant(
        mysql.DATETIME(fsp=6), "mysql", "mariadb"
    )


def _big() -> Any:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _stamps() -> list[sa.Column[Any]]:
    return [
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.Column("updated_at", _moment(), nullable=False),
    ]


def _index(table: str, *indexes: tuple[str, ...]) -> None:
    for columns in indexes:
        name = "_".join(["ix", table, *columns])
        op.create_index(name, table, list(columns))


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("id", _big(), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("kind", _line(), nullable=False),
        sa.Column("message", _text(), nullable=False),
        sa.Column("lease_id", _line(36), nullable=True),
        sa.Column("device_id", _line(36), nullable=True),
        sa.Column("serial", _line(), nullable=True),
        sa.Column("host", _line(), nullable=True),
        sa.Column("request_id", _line(), nullable=False),
        sa.Column("acted_by", _line(), nullable=False),
        sa.Column("by_operator", sa.Boolean(), nullable=False),
        sa.Column("detail", _text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        **_TABLE,
    )
    _index(
        "event",
        ("at",),
        ("device_id", "id"),
        ("host", "id"),
        ("kind", "id"),
        ("lease_id", "id"),
        ("serial", "id"),
    )


def _flavor() -> None:
    op.create_table(
        "flavor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", _line(36), nullable=False),
        sa.Column("name", _line(), nullable=False),
        sa.Column("description", _text(), nullable=False),
        sa.Column("kind", _word(), nullable=False),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("ram_mib", sa.Integer(), nullable=False),
        sa.Column("disk_gib", sa.Integer(), nullable=False),
        sa.Column("topology", _word(), nullable=False),
        sa.Column("extra_specs", _text(), nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_flavor"),
        sa.UniqueConstraint("name", name="uq_flavor_name"),
        sa.UniqueConstraint("uuid", name="uq_flavor_uuid"),
        **_TABLE,
    )


def _model() -> None:
    op.create_table(
        "model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", _line(), nullable=False),
        sa.Column("family", _line(), nullable=False),
        sa.Column("vendor", _line(), nullable=False),
        sa.Column("vendor_id", _line(8), nullable=False),
        sa.Column("product_ids", _text(), nullable=False),
        sa.Column("subsystem_ids", _text(), nullable=False),
        sa.Column("memory_mib", sa.Integer(), nullable=False),
        sa.Column("resource_class", _line(), nullable=False),
        sa.Column("alias", _line(), nullable=False),
        sa.Column("device_type", _word(), nullable=False),
        sa.Column("board_slots", sa.Integer(), nullable=False),
        sa.Column("blocks", _text(), nullable=False),
        sa.Column("builtin", sa.Boolean(), nullable=False),
        sa.Column("extra", _text(), nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_model"),
        sa.UniqueConstraint("name", name="uq_model_name"),
        **_TABLE,
    )
    _index("model", ("family",), ("vendor",))


def _pool() -> None:
    op.create_table(
        "pool",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", _line(), nullable=False),
        sa.Column("description", _text(), nullable=False),
        sa.Column("admission", _word(), nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_pool"),
        sa.UniqueConstraint("name", name="uq_pool_name"),
        **_TABLE,
    )


def _flavor_model() -> None:
    op.create_table(
        "flavor_model",
        sa.Column(
            "flavor_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column(
            "position", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "flavor_id", "position", name="pk_flavor_model"
        ),
        sa.ForeignKeyConstraint(
            ["flavor_id"],
            ["flavor.id"],
            name="fk_flavor_model_flavor_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["model.id"], name="fk_flavor_model_model_id"
        ),
        **_TABLE,
    )
    _index("flavor_model", ("model_id",))


def _flavor_trait() -> None:
    op.create_table(
        "flavor_trait",
        sa.Column(
            "flavor_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("trait", _line(), nullable=False),
        sa.PrimaryKeyConstraint("flavor_id", "trait", name="pk_flavor_trait"),
        sa.ForeignKeyConstraint(
            ["flavor_id"],
            ["flavor.id"],
            name="fk_flavor_trait_flavor_id",
            ondelete="CASCADE",
        ),
        **_TABLE,
    )


def _host() -> None:
    op.create_table(
        "host",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", _line(), nullable=False),
        sa.Column("hypervisor_hostname", _line(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=False),
        sa.Column("mode", _word(), nullable=False),
        sa.Column("provider_id", _line(36), nullable=True),
        sa.Column("ticket_provider_id", _line(36), nullable=True),
        sa.Column("compute_state", _word(), nullable=False),
        sa.Column("compute_reason", _text(), nullable=False),
        sa.Column("zone", _line(), nullable=False),
        sa.Column("agent_user_id", _line(), nullable=True),
        sa.Column("agent_version", _line(), nullable=True),
        sa.Column("boot_id", _line(), nullable=True),
        sa.Column("report_digest", _line(), nullable=True),
        sa.Column("heartbeat_at", _moment(), nullable=True),
        sa.Column("drained_at", _moment(), nullable=True),
        sa.Column("drained_by", _line(), nullable=False),
        sa.Column("drain_detail", _text(), nullable=False),
        sa.Column("conditions", _text(), nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_host"),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["pool.id"], name="fk_host_pool_id"
        ),
        sa.UniqueConstraint("agent_user_id", name="uq_host_agent_user_id"),
        sa.UniqueConstraint(
            "hypervisor_hostname", name="uq_host_hypervisor_hostname"
        ),
        sa.UniqueConstraint("name", name="uq_host_name"),
        **_TABLE,
    )
    _index(
        "host", ("compute_state",), ("heartbeat_at",), ("mode",), ("pool_id",)
    )


def _lease() -> None:
    op.create_table(
        "lease",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", _line(36), nullable=False),
        sa.Column("name", _line(), nullable=False),
        sa.Column("project_id", _line(), nullable=False),
        sa.Column("user_id", _line(), nullable=False),
        sa.Column("flavor", _line(), nullable=False),
        sa.Column("kind", _line(), nullable=False),
        sa.Column("models", _text(), nullable=False),
        sa.Column("model", _line(), nullable=True),
        sa.Column("gpus", sa.Integer(), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("ram_mib", sa.Integer(), nullable=False),
        sa.Column("disk_gib", sa.Integer(), nullable=False),
        sa.Column("topology", _line(), nullable=False),
        sa.Column("extra_specs", _text(), nullable=False),
        sa.Column("traits", _text(), nullable=False),
        sa.Column("pool", _line(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=True),
        sa.Column("node_count", sa.Integer(), nullable=False),
        sa.Column("state", _word(), nullable=False),
        sa.Column("target", _word(), nullable=False),
        sa.Column("reason", _text(), nullable=False),
        sa.Column("end_cause", _word(), nullable=True),
        sa.Column("identity_mode", _word(), nullable=False),
        sa.Column("workload", _text(), nullable=False),
        sa.Column("user_data", _text(), nullable=True),
        sa.Column("duration", sa.Integer(), nullable=True),
        sa.Column("requested_at", _moment(), nullable=False),
        sa.Column("started_at", _moment(), nullable=True),
        sa.Column("expires_at", _moment(), nullable=True),
        sa.Column("ended_at", _moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", _moment(), nullable=True),
        sa.Column("rights_gone_at", _moment(), nullable=True),
        sa.Column("request_id", _line(), nullable=False),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_lease"),
        sa.ForeignKeyConstraint(
            ["pool_id"],
            ["pool.id"],
            name="fk_lease_pool_id",
            ondelete="SET NULL",
        ),
        sa.UniqueConstraint("uuid", name="uq_lease_uuid"),
        **_TABLE,
    )
    _index(
        "lease",
        ("flavor",),
        ("pool", "state", "requested_at", "uuid"),
        ("pool_id",),
        ("project_id", "name"),
        ("project_id", "requested_at", "uuid"),
        ("project_id", "state"),
        ("requested_at", "uuid"),
        ("state", "expires_at"),
        ("state", "requested_at", "uuid"),
        ("user_id",),
    )


def _pool_owner() -> None:
    op.create_table(
        "pool_owner",
        sa.Column(
            "pool_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("owner", _line(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("plans", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("pool_id", name="pk_pool_owner"),
        sa.ForeignKeyConstraint(
            ["pool_id"],
            ["pool.id"],
            name="fk_pool_owner_pool_id",
            ondelete="CASCADE",
        ),
        **_TABLE,
    )


def _pool_project() -> None:
    op.create_table(
        "pool_project",
        sa.Column(
            "pool_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("project_id", _line(), nullable=False),
        sa.PrimaryKeyConstraint(
            "pool_id", "project_id", name="pk_pool_project"
        ),
        sa.ForeignKeyConstraint(
            ["pool_id"],
            ["pool.id"],
            name="fk_pool_project_pool_id",
            ondelete="CASCADE",
        ),
        **_TABLE,
    )
    _index("pool_project", ("project_id",))


def _delegation() -> None:
    op.create_table(
        "delegation",
        sa.Column(
            "lease_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("mode", _word(), nullable=False),
        sa.Column("trust_id", _line(), nullable=True),
        sa.Column("expires_at", _moment(), nullable=True),
        sa.Column("key_kind", _line(), nullable=True),
        sa.Column("public_key", _text(), nullable=True),
        sa.PrimaryKeyConstraint("lease_id", name="pk_delegation"),
        sa.ForeignKeyConstraint(
            ["lease_id"], ["lease.id"], name="fk_delegation_lease_id"
        ),
        **_TABLE,
    )


def _trust() -> None:
    op.create_table(
        "trust",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", _line(), nullable=False),
        sa.Column("project_id", _line(), nullable=False),
        sa.Column("expires_at", _moment(), nullable=False),
        sa.Column("begun_at", _moment(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", _moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_trust"),
        sa.UniqueConstraint(
            "user_id",
            "project_id",
            "expires_at",
            name="uq_trust_user_id_project_id_expires_at",
        ),
        **_TABLE,
    )


def _device() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", _line(36), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("pci_address", _line(32), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=True),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("vendor_id", _line(8), nullable=False),
        sa.Column("product_id", _line(8), nullable=False),
        sa.Column("subsystem_id", _line(32), nullable=False),
        sa.Column("serial", _line(), nullable=True),
        sa.Column("gpu_uuid", _line(), nullable=True),
        sa.Column("numa_node", sa.Integer(), nullable=True),
        sa.Column("driver", _line(), nullable=True),
        sa.Column("state", _word(), nullable=False),
        sa.Column("health", _word(), nullable=False),
        sa.Column("health_reasons", _text(), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.Column("provider_id", _line(36), nullable=True),
        sa.Column("provider_name", _line(), nullable=True),
        sa.Column("provider_generation", sa.BigInteger(), nullable=True),
        sa.Column("resource_class", _line(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("reserved", sa.Integer(), nullable=True),
        sa.Column("closing_generation", sa.BigInteger(), nullable=True),
        sa.Column("first_seen_at", _moment(), nullable=True),
        sa.Column("last_seen_at", _moment(), nullable=True),
        *_stamps(),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.ForeignKeyConstraint(
            ["host_id"], ["host.id"], name="fk_device_host_id"
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["model.id"], name="fk_device_model_id"
        ),
        sa.UniqueConstraint("gpu_uuid", name="uq_device_gpu_uuid"),
        sa.UniqueConstraint(
            "host_id",
            "pci_address",
            "present",
            name="uq_device_host_id_pci_address_present",
        ),
        sa.UniqueConstraint("serial", name="uq_device_serial"),
        sa.UniqueConstraint("uuid", name="uq_device_uuid"),
        **_TABLE,
    )
    _index(
        "device",
        ("health",),
        ("model_id",),
        ("pci_address",),
        ("provider_id",),
        ("state",),
    )


def _host_capacity() -> None:
    op.create_table(
        "host_capacity",
        sa.Column(
            "host_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("resource_class", _line(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.Column("allocation_ratio", sa.Double(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "host_id", "resource_class", name="pk_host_capacity"
        ),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name="fk_host_capacity_host_id",
            ondelete="CASCADE",
        ),
        **_TABLE,
    )


def _host_mark() -> None:
    op.create_table(
        "host_mark",
        sa.Column(
            "host_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", name="pk_host_mark"),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name="fk_host_mark_host_id",
            ondelete="CASCADE",
        ),
        **_TABLE,
    )


def _host_slot() -> None:
    op.create_table(
        "host_slot",
        sa.Column(
            "host_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("pci_address", _line(32), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "pci_address", name="pk_host_slot"),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name="fk_host_slot_host_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "host_id", "slot", name="uq_host_slot_host_id_slot"
        ),
        **_TABLE,
    )


def _lease_node() -> None:
    op.create_table(
        "lease_node",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", _line(36), nullable=False),
        sa.Column("lease_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("host", _line(), nullable=True),
        sa.Column("ticket", _line(), nullable=True),
        sa.Column("shape_id", _line(), nullable=True),
        sa.Column("server_id", _line(36), nullable=True),
        sa.Column("server_status", _line(), nullable=True),
        sa.Column("addresses", _text(), nullable=False),
        sa.Column("planned", _text(), nullable=False),
        sa.Column("fault", _text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lease_node"),
        sa.ForeignKeyConstraint(
            ["lease_id"], ["lease.id"], name="fk_lease_node_lease_id"
        ),
        sa.UniqueConstraint(
            "lease_id", "position", name="uq_lease_node_lease_id_position"
        ),
        sa.UniqueConstraint("uuid", name="uq_lease_node_uuid"),
        **_TABLE,
    )
    _index("lease_node", ("host",), ("server_id",))


def _step() -> None:
    op.create_table(
        "step",
        sa.Column("id", _big(), nullable=False),
        sa.Column("lease_id", sa.Integer(), nullable=False),
        sa.Column("node_id", _line(36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("saga", _word(), nullable=False),
        sa.Column("name", _line(), nullable=False),
        sa.Column("state", _word(), nullable=False),
        sa.Column("begun_at", _moment(), nullable=False),
        sa.Column("done_at", _moment(), nullable=True),
        sa.Column("detail", _text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_step"),
        sa.ForeignKeyConstraint(
            ["lease_id"], ["lease.id"], name="fk_step_lease_id"
        ),
        sa.UniqueConstraint(
            "lease_id",
            "node_id",
            "attempt",
            "saga",
            "name",
            name="uq_step_lease_id_node_id_attempt_saga_name",
        ),
        **_TABLE,
    )


def _claim() -> None:
    op.create_table(
        "claim",
        sa.Column(
            "device_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("node_id", sa.Integer(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name="pk_claim"),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name="fk_claim_device_id"
        ),
        sa.ForeignKeyConstraint(
            ["node_id"], ["lease_node.id"], name="fk_claim_node_id"
        ),
        **_TABLE,
    )
    _index("claim", ("node_id",))


def _device_consumer() -> None:
    op.create_table(
        "device_consumer",
        sa.Column(
            "device_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("consumer", _line(36), nullable=False),
        sa.PrimaryKeyConstraint(
            "device_id", "consumer", name="pk_device_consumer"
        ),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name="fk_device_consumer_device_id",
            ondelete="CASCADE",
        ),
        **_TABLE,
    )
    _index("device_consumer", ("consumer",))


def _fence() -> None:
    op.create_table(
        "fence",
        sa.Column(
            "device_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("reason", _word(), nullable=False),
        sa.Column("detail", _text(), nullable=False),
        sa.Column("set_by", _line(), nullable=False),
        sa.Column("lease_id", _line(36), nullable=True),
        sa.Column("created_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "reason", name="pk_fence"),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name="fk_fence_device_id",
            ondelete="CASCADE",
        ),
        **_TABLE,
    )
    _index("fence", ("lease_id",), ("reason",))


def _project() -> None:
    op.create_table(
        "project",
        sa.Column("project_id", _line(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_project"),
        **_TABLE,
    )


def _provider_trait() -> None:
    op.create_table(
        "provider_trait",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=True),
        sa.Column("trait", _line(), nullable=False),
        sa.Column("source", _word(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provider_trait"),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.id"],
            name="fk_provider_trait_device_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name="fk_provider_trait_host_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "host_id",
            "device_id",
            "trait",
            "source",
            name="uq_provider_trait_host_id_device_id_trait_source",
        ),
        **_TABLE,
    )
    _index("provider_trait", ("device_id",), ("trait",))


def _start_failure() -> None:
    op.create_table(
        "start_failure",
        sa.Column(
            "host_id", sa.Integer(), nullable=False, autoincrement=False
        ),
        sa.Column("lease_id", _line(36), nullable=False),
        sa.Column("project_id", _line(), nullable=False),
        sa.Column("at", _moment(), nullable=False),
        sa.Column("until", _moment(), nullable=False),
        sa.Column("message", _text(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "host_id", "lease_id", name="pk_start_failure"
        ),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
            name="fk_start_failure_host_id",
            ondelete="CASCADE",
        ),
        **_TABLE,
    )


def _worker() -> None:
    op.create_table(
        "worker",
        sa.Column("name", _line(), nullable=False),
        sa.Column("expires_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_worker"),
        **_TABLE,
    )


def _installation() -> None:
    """Named once for all, by chance."""
    made = op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", _line(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("created_at", _moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
        **_TABLE,
    )
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    name = uuid.uuid4().hex[:8]
    op.execute(made.insert().values(name=name, count=0, created_at=now))


def _default_pool() -> None:
    """Where a host goes that is not told otherwise."""
    pool = sa.table(
        "pool",
        sa.column("name"),
        sa.column("description"),
        sa.column("admission"),
        sa.column("generation"),
        sa.column("created_at", _moment()),
        sa.column("updated_at", _moment()),
    )
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    op.execute(
        pool.insert().values(
            name="default",
            description="Hosts that no other pool was named for.",
            admission="manual",
            generation=1,
            created_at=now,
            updated_at=now,
        )
    )
    op.execute(
        sa.text(
            "INSERT INTO pool_owner (pool_id, epoch, plans) "
            "SELECT id, 0, 0 FROM pool"
        )
    )


def upgrade() -> None:
    _event()
    _flavor()
    _model()
    _pool()
    _project()
    _flavor_model()
    _flavor_trait()
    _host()
    _lease()
    _pool_owner()
    _pool_project()
    _delegation()
    _trust()
    _device()
    _host_capacity()
    _host_mark()
    _host_slot()
    _lease_node()
    _step()
    _claim()
    _device_consumer()
    _fence()
    _provider_trait()
    _start_failure()
    _worker()
    _installation()
    _default_pool()
