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

"""Between a lease and its row: columns, filters and sort keys."""

from __future__ import annotations

from typing import Any

from gpubroker.db import pages
from gpubroker.db import tables
from gpubroker.domain import leases

_ROW = tables.Lease

PLAN = pages.Plan(
    noun="lease",
    key=_ROW.uuid,
    sorts={
        "id": (_ROW.uuid,),
        "name": (_ROW.name,),
        "project_id": (_ROW.project_id,),
        "user_id": (_ROW.user_id,),
        "flavor": (_ROW.flavor,),
        "pool": (_ROW.pool,),
        "state": (_ROW.state,),
        "requested_at": (_ROW.requested_at,),
        "started_at": (_ROW.started_at,),
        "expires_at": (_ROW.expires_at,),
        "ended_at": (_ROW.ended_at,),
        "created_at": (_ROW.created_at,),
        "updated_at": (_ROW.updated_at,),
    },
    default="requested_at",
    filters={
        "id": pages.equals(_ROW.uuid),
        "name": pages.equals(_ROW.name),
        "state": pages.equals(_ROW.state),
        "flavor": pages.equals(_ROW.flavor),
        "model": pages.equals(_ROW.model),
        "pool": pages.equals(_ROW.pool),
        "project_id": pages.equals(_ROW.project_id),
        "user_id": pages.equals(_ROW.user_id),
    },
)


def fixed(lease: leases.Lease) -> dict[str, Any]:
    """What the order fixes for good."""
    return {
        "uuid": lease.id,
        "project_id": lease.project_id,
        "user_id": lease.user_id,
        "flavor": lease.flavor,
        "kind": lease.kind,
        "models": lease.models,
        "gpus": lease.gpus,
        "vcpus": lease.vcpus,
        "ram_mib": lease.ram_mib,
        "disk_gib": lease.disk_gib,
        "topology": lease.topology,
        "extra_specs": lease.extra_specs,
        "traits": lease.traits,
        "pool": lease.pool,
        "node_count": lease.node_count,
        "identity_mode": lease.identity_mode,
        "workload": lease.workload,
        "requested_at": lease.requested_at,
    }


def values(lease: leases.Lease) -> dict[str, Any]:
    """What changes."""
    return {
        "name": lease.name,
        "model": lease.model,
        "state": lease.state,
        "target": lease.target,
        "reason": lease.reason,
        "end_cause": lease.end_cause,
        "duration": lease.duration,
        "started_at": lease.started_at,
        "expires_at": lease.expires_at,
        "ended_at": lease.ended_at,
        "attempts": lease.attempts,
        "not_before": lease.not_before,
        "rights_gone_at": lease.rights_gone_at,
        "request_id": lease.request_id,
        "updated_at": lease.updated_at,
    }


def node_values(node: leases.Node) -> dict[str, Any]:
    return {
        "attempt": node.attempt,
        "host": node.host,
        "ticket": node.ticket,
        "shape_id": node.shape_id,
        "server_id": node.server_id,
        "server_status": node.server_status,
        "addresses": node.addresses,
        "planned": node.planned,
        "fault": node.fault,
    }


def lease(
    row: tables.Lease, user_data: str | None, nodes: tuple[leases.Node, ...]
) -> leases.Lease:
    return leases.Lease(
        id=row.uuid,
        name=row.name,
        project_id=row.project_id,
        user_id=row.user_id,
        flavor=row.flavor,
        kind=row.kind,
        models=tuple(row.models),
        model=row.model,
        gpus=row.gpus,
        vcpus=row.vcpus,
        ram_mib=row.ram_mib,
        disk_gib=row.disk_gib,
        topology=row.topology,
        extra_specs=row.extra_specs,
        traits=tuple(row.traits),
        pool=row.pool,
        node_count=row.node_count,
        state=row.state,
        target=row.target,
        reason=row.reason,
        end_cause=row.end_cause,
        identity_mode=row.identity_mode,
        workload=row.workload,
        user_data=user_data,
        duration=row.duration,
        requested_at=row.requested_at,
        started_at=row.started_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        attempts=row.attempts,
        not_before=row.not_before,
        rights_gone_at=row.rights_gone_at,
        request_id=row.request_id,
        nodes=nodes,
        **row.stamps(),
    )


def node(row: tables.LeaseNode, lease_id: str) -> leases.Node:
    return leases.Node(
        id=row.uuid,
        lease_id=lease_id,
        index=row.position,
        attempt=row.attempt,
        host=row.host,
        ticket=row.ticket,
        shape_id=row.shape_id,
        server_id=row.server_id,
        server_status=row.server_status,
        addresses=tuple(row.addresses),
        planned=tuple(row.planned),
        fault=row.fault,
    )


def delegation_values(delegation: leases.Delegation) -> dict[str, Any]:
    key = delegation.public_key
    return {
        "mode": delegation.mode,
        "trust_id": delegation.trust_id,
        "expires_at": delegation.expires_at,
        "key_kind": None if key is None else key.kind,
        "public_key": None if key is None else key.text,
    }


def delegation(row: tables.Delegation, lease_id: str) -> leases.Delegation:
    key = None
    if row.public_key is not None:
        key = leases.PublicKey(row.key_kind or "ssh", row.public_key)
    return leases.Delegation(
        lease_id=lease_id,
        mode=row.mode,
        trust_id=row.trust_id,
        expires_at=row.expires_at,
        public_key=key,
    )
