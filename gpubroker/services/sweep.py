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

"""Find tickets, shapes and keys that no open lease names, and remove them.

They come from a worker that was stopped in the middle of making them and
went on after another had undone its start. Nothing that somebody uses is
ever removed, and no server at all: after a database was restored from
yesterday, the leases of today are unknown here, and theirs stay. Nor is what
bears the name of another installation, which a database made anew is, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import broker
from gpubroker.services import names

LOG = logging.getLogger(__name__)

_OPEN = frozenset(leases.State) - leases.FINAL


@dataclass(frozen=True, slots=True)
class Leftovers:
    tickets: frozenset[str] = frozenset()
    shapes: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()

    def also_in(self, later: Leftovers) -> Leftovers:
        return Leftovers(
            self.tickets & later.tickets,
            self.shapes & later.shapes,
            self.keys & later.keys,
        )


def find(core: broker.Broker) -> Leftovers:
    """What of ours is there without an open lease.

    A name is stored before its thing is made, and the things are listed
    before the names are read: nothing in the making is taken for a leftover.
    """
    tickets = core.ledger.tickets()
    shapes = core.compute.shapes()
    keys = core.compute.keys()
    with core.store.read() as tx:
        ours = tx.installation.name()
        nodes = [n for le in tx.leases.in_state(_OPEN) for n in le.nodes]
    named = {n.shape_id for n in nodes if n.shape_id}
    return Leftovers(
        _starting(names.tickets_of(ours), tickets)
        - {n.ticket for n in nodes if n.ticket},
        _starting(names.shapes_of(ours), shapes) - named,
        _starting(names.shapes_of(ours), keys) - named,
    )


def _starting(prefix: str, found: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name in found if name.startswith(prefix))


def remove(core: broker.Broker, found: Leftovers) -> int:
    """:returns: how many were removed."""
    for shape_id in sorted(found.shapes):
        core.compute.drop_shape(shape_id)
        LOG.info("Removed leftover flavor %s", shape_id)
    for name in sorted(found.keys):
        core.compute.drop_key(name)
        LOG.info("Removed leftover key pair %s", name)
    removed = len(found.shapes) + len(found.keys)
    if found.tickets:
        with core.store.read() as tx:
            providers = [
                host.ticket_provider_id
                for host in tx.hosts.all()
                if host.ticket_provider_id is not None
            ]
        removed += sum(
            _drop(core, ticket, providers) for ticket in sorted(found.tickets)
        )
    return removed


def _drop(core: broker.Broker, ticket: str, providers: list[str]) -> bool:
    for provider in providers:
        try:
            if ticket in core.ledger.inventories(provider).by_class:
                core.ledger.drop_ticket(provider, ticket)
                LOG.info("Removed leftover ticket %s", ticket)
                return True
        except errors.NotFound:
            continue
        except errors.InUse:
            LOG.warning("Ticket %s has no lease, but is in use", ticket)
            return False
    # Only the class is left, no inventory of it.
    if providers:
        try:
            core.ledger.drop_ticket(providers[0], ticket)
        except errors.InUse:
            return False
        LOG.info("Removed leftover class %s", ticket)
        return True
    return False
