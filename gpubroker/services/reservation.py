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

"""What holds a host's place for one server: its ticket and its shape.

The ticket is a resource class of the node's own on the host's one permanent
child provider; the shape is a private flavor that asks for it. Together they
pin the host and make a second server impossible (A 4).
"""

from __future__ import annotations

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import leases
from gpubroker.services import names
from gpubroker.services import ports
from gpubroker.services import saga
from gpubroker.services import ticket_provider


def put_ticket(run: saga.Run, node: leases.Node) -> bool:
    """Found done = done.

    :returns: whether it is new, so that nobody can hold it.
    :raises CloudFailure: the host has left Placement.
    """
    placed = saga.placed(node)
    with run.core.store.read() as tx:
        provider = tx.hosts.get(placed.host).ticket_provider_id
    if provider is not None:
        try:
            return run.core.ledger.put_ticket(provider, placed.ticket)
        except errors.NotFound:
            # Nova made the host's providers anew; ours went with the root.
            provider = None
    try:
        provider = ticket_provider.ensure(run.core, placed.host)
        return run.core.ledger.put_ticket(provider, placed.ticket)
    except errors.NotFound as error:
        raise saga.CloudFailure(
            "The planned host is gone from Placement.", node
        ) from error


def drop_ticket(run: saga.Run, node: leases.Node) -> None:
    """Gone = done.

    :raises InUse: while a consumer holds it.
    """
    placed = saga.placed(node)
    with run.core.store.read() as tx:
        provider = tx.hosts.get(placed.host).ticket_provider_id
    # Stored before the first ticket of the host was ever put.
    if provider is not None:
        run.core.ledger.drop_ticket(provider, placed.ticket)


def shape(run: saga.Run, node: leases.Node) -> ports.ShapeSpec:
    """The exact slots by alias, and the ticket."""
    placed, lease = saga.placed(node), run.lease
    with run.core.store.read() as tx:
        alias = {model.name: model.alias for model in tx.models.all()}
    return ports.ShapeSpec(
        id=placed.shape,
        name=placed.shape,
        vcpus=lease.vcpus,
        ram_mib=lease.ram_mib,
        disk_gib=lease.local_disk_gib,
        extra_specs={
            **lease.extra_specs,
            "pci_passthrough:alias": ",".join(
                f"{_alias(alias, card, node)}-s{card.slot}:1"
                for card in run.cards(node)
            ),
            f"resources:{placed.ticket}": "1",
            **names.specs(lease, node),
        },
        project_id=lease.project_id,
    )


def _alias(
    alias: dict[str, str], card: devices.Device, node: leases.Node
) -> str:
    found = alias.get(card.model or "")
    if found is None or card.slot is None:
        raise saga.CloudFailure(
            "A planned card is not known well enough to ask for it.", node
        )
    return found


def drop_key(run: saga.Run, node: leases.Node) -> None:
    """The copy of the user's public key, which Nova has put into the server
    by now, bears the name of the shape."""
    if run.lease.identity_mode is leases.IdentityMode.SERVICE:
        run.core.compute.drop_key(saga.placed(node).shape)
