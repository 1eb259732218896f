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

"""Make a running server that the broker did not start a lease.

An operator names the server by its uuid, and that is what the lease rests
on: it has no ticket, since only a start of our own can give a server one.
Outside nothing is written. Inside it is one transaction, so that it is done
as a whole or not at all.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from gpubroker import errors
from gpubroker.domain import adoption
from gpubroker.domain import events
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain.fences import Reason
from gpubroker.services import broker
from gpubroker.services import catalogue
from gpubroker.services import change
from gpubroker.services import device_history
from gpubroker.services import held
from gpubroker.services import names
from gpubroker.services import ports

_CLOSED = (
    "Somebody else had closed it in Placement before its server was adopted: "
    "look at the card before it is given out."
)


def adopt(
    core: broker.Broker, body: Mapping[str, Any], actor: events.Actor
) -> leases.Lease:
    """
    :param body: ``server_id``; ``name``, ``flavor`` and ``duration`` if
        wished.
    :raises NotFound: Nova shows no such server; Conflict: it can not be
        adopted as it is; Invalid: the flavor does not exist, or describes
        another server; Unavailable: Nova or Placement does not answer.
    """
    server = _server(core, body["server_id"])
    adoption.check_server(server)
    found = _held(core, server)
    with core.store.read() as tx:
        pool = tx.hosts.get(found[0].card.host).pool
        name = body.get("flavor")
        flavor = None if name is None else catalogue.named_flavor(tx, name)
    if flavor is not None:
        adoption.check_flavor(flavor, server, found)
    wish = adoption.Wish(
        name=body.get("name"),
        flavor=flavor.name if flavor else None,
        duration=body.get("duration"),
        request_id=actor.request_id,
    )
    # By the clock that all workers share, as at a start.
    lease = adoption.lease(server, found, pool, core.store.now(), wish)
    now = core.store.run(
        functools.partial(_write, core, lease, server.name, found, actor)
    )
    now.tell()
    return now.lease


# -- what there is -----------------------------------------------------------


def _server(core: broker.Broker, server_id: str) -> adoption.Server:
    found = core.compute.server(server_id)
    if found is None or found.status == "DELETED":
        raise errors.NotFound(f"Nova has no server {server_id}.")
    return adoption.Server(
        id=found.id,
        name=found.name,
        status=found.status,
        project_id=found.project_id,
        user_id=found.user_id,
        host=found.host,
        task_state=found.task_state,
        made_by_us=found.flavor.startswith(names.SHAPE_PREFIX),
        vcpus=found.size.vcpus,
        ram_mib=found.size.ram_mib,
        disk_gib=found.size.disk_gib,
        extra_specs=found.size.extra_specs,
        image=found.image,
        key_name=found.key_name,
        addresses=found.addresses,
    )


def _held(core: broker.Broker, server: adoption.Server) -> list[adoption.Held]:
    """The cards that its allocation names, each with all that hold it.

    :raises Conflict: not all are the broker's, or not the server's alone.
    """
    allocation = core.ledger.allocations(server.id)
    with core.store.read() as tx:
        _check_unleased(tx, server.id)
        classes = {model.resource_class for model in tx.models.all()}
        cards = {p for p, by in allocation.items() if classes & set(by)}
        rows = [row for row in tx.devices.all() if row.provider_id in cards]
        modes = {host.name: host.mode for host in tx.hosts.all()}
    found = [
        adoption.Held(
            row,
            modes[row.host] is hosts.Mode.MANAGE,
            _consumers(core, row.provider_id or "", row.resource_class or ""),
        )
        for row in rows
    ]
    unknown = cards - {row.provider_id for row in rows}
    adoption.check_cards(server, found, unknown)
    return found


def _consumers(
    core: broker.Broker, provider_id: str, resource_class: str
) -> dict[str, int]:
    users = core.ledger.consumers(provider_id)
    return {who: by.get(resource_class, 0) for who, by in users.items()}


def _check_unleased(tx: ports.Transaction, server_id: str) -> None:
    for lease in tx.leases.with_server(server_id):
        raise errors.InUse(
            f"Server {server_id} is of lease {lease.id} already."
        )


# -- what is written ---------------------------------------------------------


def _write(
    core: broker.Broker,
    lease: leases.Lease,
    server: str,
    found: list[adoption.Held],
    actor: events.Actor,
    tx: ports.Transaction,
) -> change.Change:
    """:raises Conflict: somebody was quicker."""
    now = change.Change(core, tx, lease, actor)
    if _stands(tx, lease):
        # Of a first run, the answer to whose commit was lost.
        now.lease = tx.leases.get(lease.id)
        return now
    (node,) = lease.nodes
    _same(tx, found)
    _check_unleased(tx, node.server_id or "")
    now.lease = tx.leases.add(lease, None)
    tx.claims.add(node.id, node.planned)
    for one in found:
        _take(core, tx, one, lease, actor)
    held.close(now, node)
    now.say(
        "lease.adopted",
        f"Adopted: server {server}, which ran already, with {lease.gpus} x "
        f"{' and '.join(lease.models)}.",
        host=node.host,
        server=node.server_id,
        devices=",".join(node.planned),
    )
    now.ring_lease()
    now.ring_hosts()
    return now


def _stands(tx: ports.Transaction, lease: leases.Lease) -> bool:
    return any(one.id == lease.id for one in tx.leases.some([lease.id]))


def _same(tx: ports.Transaction, found: list[adoption.Held]) -> None:
    """Nobody has moved a card since it was looked at, nor will they."""
    before = {one.card.id: one.card for one in found}
    for row in tx.devices.hold(before):
        seen = before[row.id]
        if (row.host, row.provider_id) != (seen.host, seen.provider_id):
            raise errors.ConcurrentUpdate(
                f"The GPU {row.pci_address} of {row.host} was changed "
                "meanwhile."
            )


def _take(
    core: broker.Broker,
    tx: ports.Transaction,
    one: adoption.Held,
    lease: leases.Lease,
    actor: events.Actor,
) -> None:
    """Have the card be the lease's, whatever it was marked with before.

    What somebody else closed in Placement is the operator's to look at from
    now on: the mark of a stranger would outlive the lease's own number.
    """
    card, now = one.card, core.clock.now()
    tx.fences.remove(card.id, Reason.LEASE)
    if device_history.unfence(
        tx, card, Reason.EXTERNAL, actor.user_id, now, actor.request_id
    ):
        fence = fences.Fence(
            device_id=card.id,
            reason=Reason.OPERATOR,
            detail=_CLOSED,
            by=actor.user_id,
        )
        device_history.fence(tx, card, fence, now, actor.request_id)
    device_history.note(
        tx,
        card,
        "device.leased",
        f"Given to lease {lease.id}, with the server that held it.",
        now,
        actor.user_id,
        actor.request_id,
    )
