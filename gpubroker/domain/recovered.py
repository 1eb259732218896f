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

"""A lease as those of its servers show it that run; pure."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gpubroker.domain import leases
from gpubroker.domain.leases import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that was provably made for a lease node of ours.

    :param lease_id: as its flavor says; else its node's.
    :param nodes: how many servers the lease has, as its flavor says.
    :param devices: cards that it holds, or held before it was shelved.
    :param user_id: whose lease it is, which ``mode`` may have made otherwise
        than in their name.
    :param trouble: why it can not be brought under a lease; else empty.
    """

    server_id: str
    name: str
    status: str
    project_id: str
    user_id: str
    node_id: str
    attempt: int
    ticket: str
    shape_id: str
    lease_id: str
    index: int = 0
    nodes: int = 1
    host: str = ""
    pool: str = ""
    flavor: str = ""
    model: str = ""
    devices: tuple[str, ...] = ()
    duration: int | None = None
    vcpus: int = 0
    ram_mib: int = 0
    disk_gib: int = 0
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    mode: leases.IdentityMode = leases.IdentityMode.TRUST
    since: datetime.datetime | None = None
    trouble: str = ""


def ordered(
    group: Sequence[Running],
    all_of_it: Sequence[Running],
    now: datetime.datetime,
) -> leases.Lease:
    """The order of a lease that is not known, as far as servers tell.

    :param all_of_it: also those that can not be brought under it.
    """
    first = group[0]
    node_ids = _node_ids(all_of_it)
    return leases.Lease(
        id=first.lease_id,
        name=_name(first),
        project_id=first.project_id,
        user_id=first.user_id,
        flavor=first.flavor or "unknown",
        kind="vm",
        models=(first.model,),
        gpus=len(first.devices),
        vcpus=first.vcpus,
        ram_mib=first.ram_mib,
        disk_gib=first.disk_gib,
        topology="any",
        extra_specs=dict(first.extra_specs),
        pool=first.pool,
        node_count=len(node_ids),
        identity_mode=first.mode,
        workload={
            "type": "server",
            **({"image": first.image} if first.image else {}),
        },
        duration=first.duration,
        requested_at=_since(group, now),
        nodes=tuple(
            leases.Node(id=node_id, lease_id=first.lease_id, index=index)
            for index, node_id in enumerate(node_ids)
        ),
    )


def active(
    lease: leases.Lease,
    group: Sequence[Running],
    now: datetime.datetime,
    until: datetime.datetime,
) -> leases.Lease:
    """The lease, active, with what its servers show.

    :param group: one server for a node at most.
    :param until: till when it runs on at least, if it has an end.
    """
    since = _since(group, now)
    ends = lease.expires_at
    if lease.state is State.ACTIVE:
        since = lease.started_at or since
    elif lease.duration is not None:
        ends = since + datetime.timedelta(seconds=lease.duration)
    return dataclasses.replace(
        lease,
        state=State.ACTIVE,
        target=State.ACTIVE,
        reason="",
        model=group[0].model,
        not_before=None,
        rights_gone_at=None,
        started_at=since,
        expires_at=max(ends, until) if ends else None,
        nodes=_nodes(lease, group),
    )


def node_of(lease: leases.Lease, one: Running) -> leases.Node | None:
    """Of which node of a lease it is the server."""
    for node in lease.nodes:
        if node.id == one.node_id:
            return node
    for node in lease.nodes:
        # Nobody knew the true id when the lease was written.
        if node.index == one.index and node.id == _invented(
            lease.id, one.index
        ):
            return node
    return None


def _nodes(
    lease: leases.Lease, group: Sequence[Running]
) -> tuple[leases.Node, ...]:
    """A node without a server here stays as it is, with what it has outside:
    it may yet turn up, and the end of the lease has to remove it. Only what
    is of an earlier start than these servers is gone for certain."""
    found = {node.id: one for one in group if (node := node_of(lease, one))}
    later = lease.state is not State.ACTIVE and any(
        found[node.id].attempt != node.attempt
        for node in lease.nodes
        if node.id in found
    )
    return tuple(
        _served(node, found[node.id])
        if node.id in found
        else _bare(node)
        if later
        else node
        for node in lease.nodes
    )


def _served(node: leases.Node, one: Running) -> leases.Node:
    return dataclasses.replace(
        node,
        attempt=one.attempt,
        host=one.host,
        ticket=one.ticket,
        shape_id=one.shape_id,
        server_id=one.server_id,
        server_status=one.status,
        planned=one.devices,
        fault="",
    )


def _bare(node: leases.Node) -> leases.Node:
    return dataclasses.replace(node, **leases.UNPLACED)


def _node_ids(group: Sequence[Running]) -> list[str]:
    """Of all nodes that the lease has, those without a server too."""
    known = {one.index: one.node_id for one in group}
    nodes = list(dict.fromkeys(one.node_id for one in group))
    if len(known) < len(nodes):
        # Their flavors tell no numbers.
        return nodes
    return [
        known.get(index) or _invented(group[0].lease_id, index)
        for index in range(max(group[0].nodes, max(known) + 1))
    ]


def _invented(lease_id: str, index: int) -> str:
    return str(uuid.uuid5(uuid.UUID(lease_id), str(index)))


def _since(
    group: Sequence[Running], now: datetime.datetime
) -> datetime.datetime:
    return min((one.since for one in group if one.since), default=now)


def _name(one: Running) -> str:
    """The name of the lease, from that of its server."""
    number = f"-{one.index}"
    if one.nodes > 1 and one.name.endswith(number):
        return one.name.removesuffix(number)
    return one.name
