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


"""Hosts come, change and go, and agents are bound to them."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.domain import pools
from gpubroker.domain.devices import Device
from gpubroker.domain.devices import State
from gpubroker.domain.fences import Reason
from gpubroker.services import broker
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

Seen = Callable[[int], None]


def add_host(core: broker.Broker, body: Mapping[str, Any]) -> hosts.Host:
    """A new host is only observed until someone says otherwise.

    :raises Duplicate: when the host or its hypervisor is known already;
        Invalid: for a pool that does not exist.
    """
    host = hosts.Host(
        name=body["name"],
        hypervisor_hostname=body.get("hypervisor_hostname", body["name"]),
        pool=body.get("pool", pools.DEFAULT),
        mode=hosts.Mode(body.get("mode", hosts.Mode.OBSERVE)),
    )
    with core.store.write() as tx:
        _check_pool(tx, host.pool)
        added = tx.hosts.add(host)
    LOG.info("Host %s: added to pool %s, %s", host.name, host.pool, host.mode)
    _ring(core, added)
    return added


def change_host(
    core: broker.Broker, name: str, changes: Mapping[str, Any], seen: Seen
) -> hosts.Host:
    """Another pool, or another mode.

    :raises InUse: while a lease holds a card of the host: its end has to
        write to the host's providers, and its plan was its pool's. Out of
        ``manage`` also while the broker keeps a card closed in Placement:
        nobody would open it any more.
    """
    with core.store.write() as tx:
        host = tx.hosts.get(name)
        seen(host.generation)
        changed = dataclasses.replace(
            host,
            pool=changes.get("pool", host.pool),
            mode=hosts.Mode(changes.get("mode", host.mode)),
        )
        _check_pool(tx, changed.pool)
        stored = tx.hosts.update(changed) if changed != host else host
        # Who plans or closes a card now waits for us, and sees the change; or
        # we have waited, and see what became of the card.
        tx.standing.hold()
        if _leaves(host, changed):
            _check_unclaimed(tx, host)
        if _unmanaged(host, changed):
            _check_open(tx, host)
    LOG.info("Host %s: pool %s, %s", name, stored.pool, stored.mode)
    _ring(core, stored)
    return stored


def remove_host(core: broker.Broker, name: str, seen: Seen) -> None:
    """:raises InUse: while a lease holds a card of it, Placement shows one,
    or its agent, which is not silent, reports one: it would be back with
    the next pass.
    """
    timeout = datetime.timedelta(seconds=core.settings.heartbeat_timeout)
    heard_since = core.clock.now() - timeout
    with core.store.write() as tx:
        host = tx.hosts.get(name)
        seen(host.generation)
        _check_unclaimed(tx, host)
        _check_gone(host, tx.devices.of_host(name), heard_since)
        tx.hosts.delete(name, gone=True)
    LOG.info("Host %s: removed", name)


def bind_agent(
    core: broker.Broker, name: str, user_id: str, seen: Seen
) -> hosts.Host:
    """From now on this Keystone user, and no other, reports for the host.

    :raises Duplicate: when the user reports for another host: one stolen
        credential must not speak for two.
    """
    with core.store.write() as tx:
        for other in tx.hosts.all():
            if other.agent_user_id == user_id and other.name != name:
                raise errors.Duplicate(
                    f"User {user_id} reports for host {other.name}.",
                    field="user_id",
                )
        return _bind(tx, name, user_id, seen)


def unbind_agent(core: broker.Broker, name: str, seen: Seen) -> None:
    """Nobody reports for the host any more; unbound already is fine."""
    with core.store.write() as tx:
        _bind(tx, name, None, seen)


def _bind(
    tx: ports.Transaction, name: str, user_id: str | None, seen: Seen
) -> hosts.Host:
    host = tx.hosts.get(name)
    seen(host.generation)
    if host.agent_user_id == user_id:
        return host
    LOG.info("Host %s: user %s reports for it", name, user_id)
    return tx.hosts.update(dataclasses.replace(host, agent_user_id=user_id))


def _check_pool(tx: ports.Transaction, name: str) -> None:
    try:
        tx.pools.get(name)
    except errors.NotFound:
        raise errors.Invalid(
            f"There is no pool {name}.", field="pool"
        ) from None


def _leaves(host: hosts.Host, changed: hosts.Host) -> bool:
    return host.pool != changed.pool or _unmanaged(host, changed)


def _unmanaged(host: hosts.Host, changed: hosts.Host) -> bool:
    return (
        host.mode is hosts.Mode.MANAGE and changed.mode is hosts.Mode.OBSERVE
    )


def _check_unclaimed(tx: ports.Transaction, host: hosts.Host) -> None:
    held = [d for d in tx.devices.of_host(host.name) if d.claimed_by]
    if held:
        raise errors.InUse(
            f"Leases hold {len(held)} cards of host {host.name}; wait for "
            "their end, or end them."
        )


def _check_gone(
    host: hosts.Host,
    rows: Collection[Device],
    heard_since: datetime.datetime,
) -> None:
    if any(row.provider_id for row in rows):
        raise errors.InUse(
            f"Placement shows cards of host {host.name}; delete its compute "
            "service in Nova first."
        )
    heard = host.heartbeat_at is not None and host.heartbeat_at >= heard_since
    if heard and any(row.state is State.PRESENT for row in rows):
        raise errors.InUse(
            f"The agent of host {host.name} reports cards that are present; "
            "stop it first."
        )


def _check_open(tx: ports.Transaction, host: hosts.Host) -> None:
    closed = [
        f"{row.pci_address} ({', '.join(sorted(row.reasons)) or 'opening'})"
        for row in tx.devices.of_host(host.name)
        if (row.reserved or row.closing_generation is not None)
        and Reason.EXTERNAL not in row.reasons
    ]
    if closed:
        raise errors.InUse(
            f"The broker keeps cards of host {host.name} closed in "
            f"Placement: {'; '.join(closed)}. Lift their fences and wait "
            "until they are open."
        )


def _ring(core: broker.Broker, host: hosts.Host) -> None:
    core.bell.host(host.name)
    core.bell.pool(host.pool)
