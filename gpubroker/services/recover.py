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

"""Bring a database that was lost, or restored from a backup, in line.

Nova and Placement are read and believed. Nothing is written to Nova, and to
Placement the count of ``services.memory``, at the very end; a provider of
tickets whose host has got another root or name is put in its place, as by any
look at a host. What can not be known any more is taken for the worst: a card
that somebody closed since the backup stays closed until an operator has looked
at it. Each lease is one transaction, and all of it may be done again.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.domain import recovered
from gpubroker.domain import recovery as rules
from gpubroker.domain.fences import Reason
from gpubroker.domain.hosts import Mode
from gpubroker.domain.recovery import Act
from gpubroker.services import broker
from gpubroker.services import change
from gpubroker.services import closed_since
from gpubroker.services import discovery
from gpubroker.services import memory
from gpubroker.services import names
from gpubroker.services import ports
from gpubroker.services import reconcile
from gpubroker.services import recovery
from gpubroker.services import unshelve


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was found.

    :param done: whether it was written, or is to be told only.
    """

    act: str
    words: str
    done: bool = False


def installations(core: broker.Broker) -> list[str]:
    """Those that have, or had, tickets on the hosts of this cloud."""
    prefix = names.PROVIDER_PREFIX
    found = {
        provider.name.removeprefix(prefix).partition("_")[0]
        for provider in core.ledger.ticket_providers()
    }
    return sorted(found)


def blank(core: broker.Broker) -> bool:
    """Whether the database never had a host or a lease."""
    with core.store.read() as tx:
        return not (tx.hosts.all() or tx.leases.in_state(list(leases.State)))


def working(core: broker.Broker) -> list[str]:
    """Pools that a worker looks after now."""
    now = core.store.now()
    with core.store.read() as tx:
        owners = tx.pools.owners(now)
    return sorted(pool for pool, owner in owners.items() if owner)


def recover(
    core: broker.Broker,
    installation: str,
    keep: datetime.timedelta,
    apply: bool = False,
) -> list[Line]:
    """
    :param installation: whose things are ours.
    :param keep: for how long at least each lease that is found runs on.
    :param apply: write what is found; else only tell it. A database without
        hosts finds them in any case, as a worker would.
    :raises Conflict: the database is another installation's.
    :raises Unavailable: Nova or Placement does not answer.
    """
    _name(core, installation, apply)
    outside = max(memory.marks(core.ledger, installation), default=0)
    with core.store.read() as tx:
        empty = not tx.hosts.all()
        counts = recovery.Counts(tx.installation.count(), outside)
    found = _closed(core, apply)
    if empty or apply:
        _look(core)
    if empty and not apply:
        found += _found(core)
    work = _Work(core, recovery.Survey(core, installation), counts, keep)
    running = work.survey.running()
    with core.store.read() as tx:
        known = recovery.known(tx, running, counts, keep)
    found += [
        work.write(finding) if apply else _line(finding)
        for finding in rules.decide(running, known, core.clock.now(), keep)
    ]
    found += _hosts(core, work.survey)
    if apply:
        _providers(core, work.survey)
        memory.count(core, counts.outside)
    return found


def _name(core: broker.Broker, installation: str, apply: bool) -> None:
    with core.store.write() as tx:
        if tx.installation.name() != installation and apply:
            tx.installation.become(installation)


def _line(finding: rules.Finding, done: bool = False) -> Line:
    return Line(finding.act.value, finding.words, done)


# -- cards ------------------------------------------------------------------


def _closed(core: broker.Broker, apply: bool) -> list[Line]:
    found = closed_since.find(core)
    if apply:
        closed_since.write(core, found)
    return [
        Line(
            "fence",
            f"{row.pci_address} of {row.host}: {closed_since.WHY}",
            apply,
        )
        for row in found
    ]


def _look(core: broker.Broker) -> None:
    """Find and mirror all hosts."""
    for name in discovery.discover(core):
        reconcile.look(core, name)


def _found(core: broker.Broker) -> list[Line]:
    with core.store.read() as tx:
        hosts = len(tx.hosts.all())
        cards = len(tx.devices.all())
    if not hosts:
        return []
    words = (
        f"{hosts} hosts and {cards} cards, as by a worker: nothing of the "
        "rest can be told without them."
    )
    return [Line("find", words, done=True)]


# -- leases -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Work:
    """Writes what was decided."""

    core: broker.Broker
    survey: recovery.Survey
    counts: recovery.Counts
    keep: datetime.timedelta

    def write(self, finding: rules.Finding) -> Line:
        """One lease, in one transaction."""
        if finding.lease is None:
            return _line(finding)
        try:
            with self.core.store.write() as tx:
                now = change.Change(self.core, tx, finding.lease)
                self._lease(now, finding, finding.lease)
                now.save()
            now.tell()
        except (errors.Conflict, errors.NotFound) as error:
            return Line(
                "tell", f"{finding.words} Not written: {error.message}"
            )
        return _line(finding, done=True)

    def _lease(
        self,
        now: change.Change,
        finding: rules.Finding,
        lease: leases.Lease,
    ) -> None:
        if finding.act is Act.ADD:
            now.tx.leases.add(lease, None)
        else:
            now.touch()
        if finding.servers:
            _place(self.core, now.tx, self.survey, finding)
            for node in lease.nodes:
                now.tx.leases.update_node(node)
            # Its servers have it, as after any start.
            now.tx.leases.forget_user_data(lease.id)
        now.say(
            recovery.RECOVERED,
            _SAID[finding.act],
            **recovery.detail(lease, self.counts, self.keep),
        )


_SAID = {
    Act.ADD: "Found running after the broker's database was lost.",
    Act.RESUME: "Found running after the broker's database was restored.",
    Act.END: "Not started: it may have run since the broker's database was "
    "backed up.",
    Act.PROLONG: "Runs on, since the broker's database was restored.",
}


def _place(
    core: broker.Broker,
    tx: ports.Transaction,
    survey: recovery.Survey,
    finding: rules.Finding,
) -> None:
    """The claims and fences of a lease that was found, and where the tickets
    of its servers are."""
    lease = finding.lease
    if lease is None or not finding.servers:
        return
    planned = {card for node in lease.nodes for card in node.planned}
    for fence in tx.fences.of_lease(lease.id):
        if fence.device_id not in planned:
            tx.fences.remove(fence.device_id, Reason.LEASE, lease.id)
    servers = {one.server_id: one for one in finding.servers}
    for node in lease.nodes:
        one = servers.get(node.server_id or "")
        # What it does not have any more; of a server anew.
        kept = set() if one else {*node.planned}
        claimed = tx.claims.of_node(node.id)
        tx.claims.release(node.id, [c for c in claimed if c not in kept])
        if one is not None:
            _take(core, tx, lease, node, one)
            _provider(tx, survey, one.host)


def _take(
    core: broker.Broker,
    tx: ports.Transaction,
    lease: leases.Lease,
    node: leases.Node,
    one: recovered.Running,
) -> None:
    for card in tx.devices.many(one.devices):
        if one.status != unshelve.AWAY and card.claimed_by:
            # It is proven to hold the card; who has claimed it does not.
            tx.claims.release(card.claimed_by, [card.id])
        _close(core, tx, card, lease)
    tx.claims.add(node.id, one.devices)


def _provider(
    tx: ports.Transaction, survey: recovery.Survey, name: str
) -> None:
    """Know the provider of a host's tickets, so that they can be swept."""
    host, provider = tx.hosts.get(name), survey.providers.get(name)
    if provider is not None and host.ticket_provider_id != provider:
        tx.hosts.update(dataclasses.replace(host, ticket_provider_id=provider))


def _close(
    core: broker.Broker,
    tx: ports.Transaction,
    card: devices.Device,
    lease: leases.Lease,
) -> None:
    if Reason.EXTERNAL in card.reasons:
        closed_since.explain(core, tx, card)
    tx.fences.remove(card.id, Reason.LEASE)
    tx.fences.add(
        fences.Fence(
            device_id=card.id,
            reason=Reason.LEASE,
            detail=f"lease {lease.id}",
            by=closed_since.BY,
            lease_id=lease.id,
            created_at=core.clock.now(),
        )
    )


# -- hosts ------------------------------------------------------------------


def _providers(core: broker.Broker, survey: recovery.Survey) -> None:
    with core.store.write() as tx:
        for name in survey.providers:
            _provider(tx, survey, name)


def _hosts(core: broker.Broker, survey: recovery.Survey) -> Iterable[Line]:
    """What an operator decides again."""
    with core.store.read() as tx:
        found = {host.name: host for host in tx.hosts.all()}
    return [
        Line(
            "tell",
            f"Host {name} was in mode manage once, and is in mode observe "
            "by what is known: openstack gpu host set --mode manage "
            f"{name}",
        )
        for name in sorted(survey.providers)
        if found[name].mode is not Mode.MANAGE
    ]
