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


"""The one permanent child provider of a host, which holds its tickets."""

from __future__ import annotations

import dataclasses
import logging

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.domain import mirror
from gpubroker.services import broker
from gpubroker.services import names

LOG = logging.getLogger(__name__)


def ensure(core: broker.Broker, name: str) -> str:
    """Make it, or bring it under the host's root and its name; its id.

    :raises NotFound: the host has no provider in Placement.
    """
    with core.store.read() as tx:
        host = tx.hosts.get(name)
        wanted = names.provider(tx.installation.name(), name)
    if host.provider_id is None:
        raise errors.NotFound(f"Host {name} has no provider.")
    provider = core.ledger.ensure_ticket_provider(
        wanted, host.provider_id, host.ticket_provider_id
    )
    if provider != host.ticket_provider_id:
        with core.store.write() as tx:
            host = tx.hosts.get(name)
            tx.hosts.update(
                dataclasses.replace(host, ticket_provider_id=provider)
            )
    return provider


def keep(core: broker.Broker, host: hosts.Host, seen: mirror.SeenHost) -> None:
    """Have it follow a host that got another root or another name.

    Below another root its tickets would pin servers to nowhere. By its old
    name a host that gets that name next would take it for its own.
    """
    stored = host.ticket_provider_id
    if host.mode is not hosts.Mode.MANAGE or stored is None:
        return
    with core.store.read() as tx:
        wanted = names.provider(tx.installation.name(), host.name)
    if seen.root_id is None or seen.tree.get(stored) == wanted:
        return
    try:
        ensure(core, host.name)
    except errors.GpubrokerError as error:
        # The fences of the host do not wait for it.
        LOG.warning(
            "Provider %s could not be put in its place: %s",
            wanted,
            error.message,
        )
    else:
        LOG.info("Provider %s was put in its place", wanted)
