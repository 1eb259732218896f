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
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gpubroker.domain import leases
from gpubroker.domain import recovered
from gpubroker.domain.leases import State
from gpubroker.domain.recovered import Running

#: Of a server that Nova has not made yet.
MAKING = "BUILD"

_LATER = (
    "another server of its lease is being made at present: do this again in "
    "a minute"
)
_MAY_HAVE_RUN = (
    "The broker's database was restored from a backup, and nothing tells "
    "whether this lease has run since. Order it again if it has not."
)


class Act(enum.StrEnum):
    """What becomes of a lease."""

    ADD = "add"
    """The database has no such lease: it is written anew."""
    RESUME = "resume"
    """It is known, and has come further: it becomes active, or gets those of
    its servers that it was without."""
    PROLONG = "prolong"
    """It is active, and its time is over or nearly so; it may have been
    extended since, so that it runs on for a while."""
    END = "end"
    """It waits or starts, and may have run and ended since: what would keep
    it from a second start is not there for leases of its kind."""
    TELL = "tell"
    """Nothing is written; an operator has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """:param lease: as it is to be written; ``None``: nothing is.
    :param servers: those that it is about, of ``ADD`` and ``RESUME``.
    """

    act: Act
    words: str
    lease: leases.Lease | None = None
    servers: tuple[Running, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database says.

    :param leases: every one that one of the servers is of, and all active.
    :param begun: (node, attempt) of which the journal says that its server
        was asked for.
    :param kept: ids of leases whose end is the one that they were given when
        the database was recovered: there is nothing to be added to it.
    :param behind: whether it has provably forgotten something.
    """

    leases: Sequence[leases.Lease] = ()
    begun: Collection[tuple[str, int]] = ()
    kept: Collection[str] = ()
    behind: bool = False


def decide(
    running: Sequence[Running],
    known: Known,
    now: datetime.datetime,
    keep: datetime.timedelta,
) -> list[Finding]:
    """:param keep: for how long at least each lease that is found runs on."""
    by_id = {lease.id: lease for lease in known.leases}
    of_node = {node.id: le.id for le in known.leases for node in le.nodes}
    groups: dict[str, list[Running]] = {}
    # Of two servers of one node the later start first.
    for one in sorted(
        running, key=lambda r: (r.lease_id, r.index, -r.attempt)
    ):
        lease_id = of_node.get(one.node_id, one.lease_id)
        groups.setdefault(lease_id, []).append(one)
    found: list[Finding] = []
    for lease_id, group in groups.items():
        lease = by_id.get(lease_id)
        found += _lease(lease, group, known, now, now + keep)
    done = {finding.lease.id for finding in found if finding.lease}
    there = {one.server_id for one in running}
    if known.behind:
        found += [
            _end(lease)
            for lease in known.leases
            if may_run_twice(lease) and lease.id not in groups
        ]
    return found + [
        _prolong(lease, now + keep)
        for lease in known.leases
        if lease.id not in done and lease.id not in known.kept
        if _nearly_over(lease, there, now + keep)
    ]


def _lease(
    lease: leases.Lease | None,
    group: Sequence[Running],
    known: Known,
    now: datetime.datetime,
    until: datetime.datetime,
) -> list[Finding]:
    """About all servers of one lease: it is taken with all of them, or
    later."""
    told: list[Finding] = []
    wanted: dict[str, Running] = {}
    others: dict[str, Running] = {}
    for one in group:
        verdict = _verdict(one, lease, known.begun)
        if isinstance(verdict, Act) and one.node_id in wanted:
            verdict = "its node has a server of a later start"
        if isinstance(verdict, Act):
            wanted[one.node_id] = one
        elif verdict is not None:
            told.append(_tell(one, verdict))
        elif lease and lease.state is State.STARTING and not one.trouble:
            # With the rest of its lease it needs no worker any more.
            others[one.node_id] = one
    if lease and known.behind and _partly(lease, others):
        wanted |= others
    if not wanted:
        return told
    if any(one.status == MAKING for one in group):
        return told + [_tell(one, _LATER) for one in wanted.values()]
    servers = sorted({**others, **wanted}.values(), key=lambda r: r.index)
    if lease is None:
        return [*told, _add(servers, group, now, until)]
    return [*told, _resume(lease, servers, now, until)]


def _partly(lease: leases.Lease, servers: Collection[str]) -> bool:
    """Whether a start that goes on may come upon a server that is gone, or
    that nobody may make any more, and would take all others with it."""
    return lease.target is State.ACTIVE and len(servers) < len(lease.nodes)


def _verdict(
    one: Running,
    lease: leases.Lease | None,
    begun: Collection[tuple[str, int]],
) -> Act | str | None:
    """In words what is odd; ``None``: nothing is to be done about it."""
    verdict = Act.ADD if lease is None else _known(one, lease, begun)
    if isinstance(verdict, Act):
        return one.trouble or verdict
    return verdict


def _known(
    one: Running,
    lease: leases.Lease,
    begun: Collection[tuple[str, int]],
) -> Act | str | None:
    """``RESUME``, or in words what is odd; ``None``: all is as it should
    be, or a worker goes on with it by itself."""
    node = recovered.node_of(lease, one)
    if node is None:
        return "its lease is known, without this server"
    if node.server_id == one.server_id or lease.state is State.ENDING:
        return None
    if lease.final:
        return f"its lease is over by what is known ({lease.state})"
    if lease.state is State.ACTIVE and node.server_id is not None:
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
    servers: Sequence[Running],
    group: Sequence[Running],
    now: datetime.datetime,
    until: datetime.datetime,
) -> Finding:
    order = recovered.ordered(servers, group, now)
    lease = recovered.active(order, servers, now, until)
    return Finding(
        act=Act.ADD,
        words=f"Lease {lease.name} ({lease.id}) of project "
        f"{lease.project_id} is not known, and runs on {_on(servers)}"
        f"{_until(lease)}.",
        lease=lease,
        servers=tuple(servers),
    )


def _resume(
    lease: leases.Lease,
    servers: Sequence[Running],
    now: datetime.datetime,
    until: datetime.datetime,
) -> Finding:
    after = recovered.active(lease, servers, now, until)
    return Finding(
        act=Act.RESUME,
        words=f"Lease {lease.name} ({lease.id}) of project "
        f"{lease.project_id} is {_stands(lease)} by what is known, and runs "
        f"on {_on(servers)}{_until(after)}.",
        lease=after,
        servers=tuple(servers),
    )


def _stands(lease: leases.Lease) -> str:
    if lease.state is State.ACTIVE:
        return "active with fewer servers"
    return str(lease.state)


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


def may_run_twice(lease: leases.Lease) -> bool:
    """The rights of a user are given back when the servers run, so that what
    has run once fails to start again. Those of the broker itself are not."""
    return (
        lease.identity_mode is leases.IdentityMode.SERVICE
        and lease.state in (State.QUEUED, State.STARTING)
    )


def _end(lease: leases.Lease) -> Finding:
    return Finding(
        act=Act.END,
        words=f"Lease {lease.name} ({lease.id}) of project "
        f"{lease.project_id} is {lease.state} by what is known, and may have "
        "run and ended since: the broker would start it again in its own "
        "name.",
        lease=dataclasses.replace(
            lease,
            state=State.ENDING,
            target=State.FAILED,
            reason=_MAY_HAVE_RUN,
            end_cause=leases.EndCause.START_FAILED,
        ),
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
