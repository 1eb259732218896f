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

"""Keep the inventory in line with Nova and Placement, host by host.

Level-triggered: each pass looks at what is, not at what happened; killed at
any line it is simply done again.
"""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Mapping

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.domain import mirror
from gpubroker.services import broker
from gpubroker.services import drain
from gpubroker.services import enforce
from gpubroker.services import mirrored
from gpubroker.services import observe
from gpubroker.services import ports
from gpubroker.services import provider_traits
from gpubroker.services import silence
from gpubroker.services import ticket_provider

LOG = logging.getLogger(__name__)

#: Passes that lose to another writer of the same rows start again.
_TRIES = 5


def reconcile_host(core: broker.Broker, name: str) -> float | None:
    """Note a silent agent, mirror the host, then assert its fences.

    :returns: seconds after which to look again, or ``None`` for the usual.
    :raises NotFound: when there is no such host.
    :raises Unavailable: when Placement does not answer.
    """
    for attempt in range(_TRIES):
        try:
            # First, since it needs nothing but the database.
            silence.note(core, name)
            look(core, name)
            break
        except (errors.ConcurrentUpdate, errors.Duplicate):
            if attempt == _TRIES - 1:
                raise
            core.clock.sleep(0.05 * 2**attempt)
    return enforce.fences(core, name)


def look(core: broker.Broker, name: str) -> None:
    """Mirror the host: write what is new, in one transaction; nothing when
    nothing is.

    :raises ConcurrentUpdate: when somebody else noted what Placement shows,
        or what they are about to write there, after we read it: what we saw
        is of before that, and would make their number look like a stranger's.
        What they had noted before and were writing meanwhile, ``mirror``
        tells from the generations.
    """
    with core.store.read() as tx:
        host = tx.hosts.get(name)
        rows = tx.devices.of_host(name)
        known = provider_traits.known(tx, name)
    seen = observe.host(core.ledger, host, rows, known)
    noted = {row.id: mirror.noted(row) for row in rows}
    pool = core.store.run(lambda tx: _write(core, tx, name, noted, seen))
    if drain.follow(core, name):
        pool = host.pool
    if pool is not None:
        core.bell.pool(pool)
    ticket_provider.keep(core, host, seen)


def _write(
    core: broker.Broker,
    tx: ports.Transaction,
    name: str,
    noted: Mapping[str, tuple[object, ...]],
    seen: mirror.SeenHost,
) -> str | None:
    """The pool, if an order that waits in it may be able to start now."""
    host = tx.hosts.get(name)
    rows = tx.devices.of_host(name)
    _same(name, noted, {row.id: mirror.noted(row) for row in rows})
    found = mirror.merge(
        name,
        rows,
        seen.cards,
        tx.models.all(),
        core.clock.now(),
        lambda: str(uuid.uuid4()),
        observed=host.mode is hosts.Mode.OBSERVE,
    )
    _hold(tx, name, noted, found)
    pool = tx.pools.get(host.pool)
    _host(tx, host, seen)
    mirrored.write(core, tx, pool, rows, found)
    current = tx.devices.of_host(name)
    mirrored.number(tx, host, current, seen)
    provider_traits.write(tx, host, seen, found)
    admitted = mirrored.admit(core, tx, pool, current)
    freed = {row.id for row in rows if row.consumers} & {
        row.id for row in found.mirrored if not row.consumers
    }
    told = (found.added, found.changed, found.released, freed)
    news = any(told) or admitted
    return host.pool if news else None


def _hold(
    tx: ports.Transaction,
    name: str,
    noted: Mapping[str, tuple[object, ...]],
    found: mirror.Mirrored,
) -> None:
    """Look once more at the rows to be written, which nobody can change now.

    Those that stay as they are need no lock: most passes take none.
    """
    ids = {row.id for row in (*found.mirrored, *found.changed)}
    try:
        held = {row.id: mirror.noted(row) for row in tx.devices.hold(ids)}
    except errors.NotFound:
        held = {}
    _same(name, {key: noted[key] for key in ids}, held)


def _same(
    name: str,
    before: Mapping[str, tuple[object, ...]],
    now: Mapping[str, tuple[object, ...]],
) -> None:
    """:raises ConcurrentUpdate: cards came, went or were written to."""
    if now != before:
        raise errors.ConcurrentUpdate(
            f"The cards of host {name} were changed meanwhile."
        )


def _host(
    tx: ports.Transaction, host: hosts.Host, seen: mirror.SeenHost
) -> None:
    after = dataclasses.replace(
        host, provider_id=seen.root_id, capacities=seen.capacities
    )
    before = tuple(sorted(host.capacities, key=lambda c: c.resource_class))
    if after != dataclasses.replace(host, capacities=before):
        tx.hosts.update(after)
