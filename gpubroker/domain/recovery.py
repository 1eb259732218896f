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

"""What to do about servers of ours that the database does not know well.

Pure: what runs and what is known in, what to write out. The one that is
believed is the server: it is there. Nothing here ends or removes anything.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from gpubroker.domain import leases
from gpubroker.domain.leases import State


class Act(enum.StrEnum):
    """What becomes of a lease."""

    ADD = "add"
    """The database has no such lease: it is written anew."""
    RESUME = "resume"
    """It is known, and has come further: it becomes active."""
    PROLONG = "prolong"
    """It is active, and its time is over or nearly so; it may have been
    extended since, so that it runs on for a while."""
    TELL = "tell"
    """Nothing is written; an operator has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that was provably made for a lease node of ours.

    :param lease_id: as its flavor says; else its node's.
    :param nodes: how many servers the lease has, as its flavor says.
    :param devices: cards that it holds, or held before it was shelved.
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
    since: datetime.datetime | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """:param lease: as it is to be written; ``None``: nothing is.
    :param servers: those that it is about, of ``ADD`` and ``RESUME``.
    """

    act: Act
    words: str
    lease: leases.Lease | None = None
    servers: tuple[Running, ...] = ()


def decide(
    running: Sequence[Running],
    known: Sequence[leases.Lease],
    begun: Collection[tuple[str, int]],
    now: datetime.datetime,
    keep: datetime.timedelta,
) -> list[Finding]:
    """
    :param known: every lease that one of the servers is of, and all active.
    :param begun: (node, attempt) of which the journal says that its server
        was asked for.
    :param keep: for how long at least each lease that is found runs on.
    """
    by_node = {node.id: (le, node) for le in known for node in le.nodes}
    by_id = {lease.id: lease for lease in known}
    found: list[Finding] = []
    wanted: dict[tuple[Act, str], list[Running]] = {}
    for one in sorted(running, key=lambda r: (r.lease_id, r.index)):
        verdict: Act | str | None = Act.ADD
        lease_id = one.lease_id
        if one.node_id in by_node:
            lease, node = by_node[one.node_id]
            lease_id = lease.id
            verdict = _known(one, lease, node, begun)
        elif lease_id in by_id:
            verdict = "its lease is known, without this server"
        if isinstance(verdict, Act):
            verdict = one.trouble or verdict
        if isinstance(verdict, Act):
            wanted.setdefault((verdict, lease_id), []).append(one)
        elif verdict is not None:
            found.append(_tell(one, verdict))
    for (act, lease_id), group in wanted.items():
        if act is Act.ADD:
            found.append(_add(group, now, keep))
        else:
            found.append(_resume(by_id[lease_id], group, now, keep))
    return found + _prolonged(running, known, now + keep)


def _known(
    one: Running,
    lease: leases.Lease,
    node: leases.Node,
    begun: Collection[tuple[str, int]],
) -> Act | str | None:
    """``RESUME``, or in words what is odd; ``None``: all is as it should
    be, or a worker goes on with it by itself."""
    if node.server_id == one.server_id or lease.state is State.ENDING:
        return None
    if lease.final:
        return f"its lease is over by what is known ({lease.state})"
    if lease.state is State.ACTIVE:
        return f"its lease has another server, {node.server_id}"
    if lease.state is State.STARTING and node.attempt == one.attempt:
        if (node.id, node.attempt) in begun:
            return None
    return Act.RESUME


def _tell(one: Running, words: str) -> Finding:
    return Finding(
        act=Act.TELL,
        words=f"Server {one.name} ({one.server_id}) of project "
        f"{one.project_id}: {words}.",
    )


def _add(
    group: Sequence[Running],
    now: datetime.datetime,
    keep: datetime.timedelta,
) -> Finding:
    lease = _active(_ordered(group, now), group, now, keep)
    return Finding(
        act=Act.ADD,
        words=f"Lease {lease.name} ({lease.id}) of project "
        f"{lease.project_id} is not known, and runs on {_on(group)}"
        f"{_until(lease)}.",
        lease=lease,
        servers=tuple(group),
    )


def _ordered(group: Sequence[Running], now: datetime.datetime) -> leases.Lease:
    """The order, as far as its servers tell."""
    first = group[0]
    since = min((one.since for one in group if one.since), default=now)
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
        node_count=len(_node_ids(group)),
        workload={
            "type": "server",
            **({"image": first.image} if first.image else {}),
        },
        duration=first.duration,
        requested_at=since,
        nodes=tuple(
            leases.Node(id=node_id, lease_id=first.lease_id, index=index)
            for index, node_id in enumerate(_node_ids(group))
        ),
    )


def _node_ids(group: Sequence[Running]) -> list[str]:
    """Of all nodes that the lease has, those without a server too."""
    known = {one.index: one.node_id for one in group}
    if len(known) < len(group):
        # Their flavors tell no numbers.
        return [one.node_id for one in group]
    return [
        known.get(index)
        or str(uuid.uuid5(uuid.UUID(group[0].lease_id), str(index)))
        for index in range(max(group[0].nodes, max(known) + 1))
    ]


def _resume(
    lease: leases.Lease,
    group: Sequence[Running],
    now: datetime.datetime,
    keep: datetime.timedelta,
) -> Finding:
    after = _active(lease, group, now, keep)
    return Finding(
        act=Act.RESUME,
        words=f"Lease {lease.name} ({lease.id}) of project "
        f"{lease.project_id} is {lease.state} by what is known, and runs on "
        f"{_on(group)}{_until(after)}.",
        lease=after,
        servers=tuple(group),
    )


def _active(
    lease: leases.Lease,
    group: Sequence[Running],
    now: datetime.datetime,
    keep: datetime.timedelta,
) -> leases.Lease:
    """The lease as its servers show it. A node without a server stays as it
    was planned to be: without one."""
    since = min((one.since for one in group if one.since), default=now)
    ends = None
    if lease.duration is not None:
        own = since + datetime.timedelta(seconds=lease.duration)
        ends = max(own, now + keep)
    return dataclasses.replace(
        lease,
        state=State.ACTIVE,
        target=State.ACTIVE,
        reason="",
        model=group[0].model,
        not_before=None,
        started_at=since,
        expires_at=ends,
        nodes=tuple(_node(node, group) for node in lease.nodes),
    )


def _node(node: leases.Node, group: Sequence[Running]) -> leases.Node:
    one = next((r for r in group if r.node_id == node.id), None)
    if one is None:
        return dataclasses.replace(
            node,
            host=None,
            ticket=None,
            shape_id=None,
            server_id=None,
            planned=(),
        )
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


def _prolonged(
    running: Sequence[Running],
    known: Sequence[leases.Lease],
    until: datetime.datetime,
) -> list[Finding]:
    there = {one.server_id for one in running}
    return [
        _prolong(lease, until)
        for lease in known
        if _nearly_over(lease, there, until)
    ]


def _nearly_over(
    lease: leases.Lease, running: Collection[str], until: datetime.datetime
) -> bool:
    return (
        lease.state is State.ACTIVE
        and lease.expires_at is not None
        and lease.expires_at < until
        and (
            # Its server proves nothing, and is not among them; if it is
            # gone the lease ends by itself.
            lease.adopted
            or any(node.server_id in running for node in lease.nodes)
        )
    )


def _prolong(lease: leases.Lease, until: datetime.datetime) -> Finding:
    after = dataclasses.replace(lease, expires_at=until)
    return Finding(
        act=Act.PROLONG,
        words=f"Lease {lease.name} ({lease.id}) of project "
        f"{lease.project_id} ends {lease.expires_at:%Y-%m-%d %H:%M:%SZ} by "
        f"what is known, and may have been extended{_until(after)}.",
        lease=after,
    )


def _until(lease: leases.Lease) -> str:
    if lease.expires_at is None:
        return ""
    return f"; it runs until {lease.expires_at:%Y-%m-%d %H:%M:%SZ}"


def _on(group: Sequence[Running]) -> str:
    return ", ".join(
        f"{len(one.devices)} x {one.model} of {one.host} "
        f"(server {one.server_id})"
        for one in group
    )


def _name(one: Running) -> str:
    """The name of the lease, from that of its server."""
    number = f"-{one.index}"
    if one.nodes > 1 and one.name.endswith(number):
        return one.name.removesuffix(number)
    return one.name
