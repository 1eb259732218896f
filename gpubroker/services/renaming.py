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


"""A host that Nova calls by another name is the same host.

It keeps its pool, mode, cards, slots, fences, agent and history. Nova lets a
nova-compute change its ``host`` only when its old service was deleted, for
which no server may be left there; but leases may be on their way.
"""

from __future__ import annotations

import dataclasses
import logging

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.services import broker
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

_OPEN = frozenset(leases.State) - leases.FINAL


def rename(core: broker.Broker, host: hosts.Host, name: str) -> bool:
    """In one transaction, with the leases that are there.

    A host of the new name that has nothing of its own gives way, such as one
    that was enrolled before the workers came by: only its agent is kept.

    :returns: whether nothing stands in its way. When somebody else was
        quicker, the next pass looks again.
    """
    try:
        core.store.run(lambda tx: _rename(core, tx, host.name, name))
    except errors.InUse:
        LOG.warning(
            "Host %s is called %s now, which is another host here",
            host.name,
            name,
        )
        return False
    except (errors.ConcurrentUpdate, errors.Duplicate, errors.NotFound):
        LOG.info("Host %s was changed meanwhile", host.name)
    return True


def _rename(
    core: broker.Broker, tx: ports.Transaction, old: str, new: str
) -> None:
    agent = _make_way(tx, new)
    host = tx.hosts.rename(tx.hosts.get(old), new)
    if agent is not None:
        tx.hosts.update(dataclasses.replace(host, agent_user_id=agent))
    for lease in tx.leases.in_state(_OPEN):
        there = [node for node in lease.nodes if node.host == old]
        for node in there:
            tx.leases.update_node(dataclasses.replace(node, host=new))
        if there:
            # Who has read the lease with the old name writes nothing.
            tx.leases.update(lease)
    message = f"Renamed, since Nova calls it {new} and no longer {old}."
    tx.events.add(
        events.Event(
            at=core.clock.now(), kind="host.renamed", message=message, host=new
        )
    )
    LOG.warning("Host %s is %s now, as in Nova", old, new)


def _make_way(tx: ports.Transaction, name: str) -> str | None:
    """Delete a host that has only its name; the agent that it was bound to.

    :raises InUse: when it has more.
    """
    try:
        blank = tx.hosts.get(name)
    except errors.NotFound:
        return None
    if blank.provider_id is not None or tx.devices.of_host(name):
        raise errors.InUse(f"Host {name} has cards.")
    tx.hosts.delete(name)
    return blank.agent_user_id
