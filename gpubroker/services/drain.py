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


"""Drain a host: no card of it is given out again, leases run to their end.

That a host is drained stands in its row; the fences of its cards follow, also
those of cards that are found later.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable

from gpubroker.domain import devices
from gpubroker.domain import events
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain.fences import Reason
from gpubroker.services import broker
from gpubroker.services import device_history
from gpubroker.services import ports

Seen = Callable[[int], None]

#: Who sets and lifts ``drain`` where a card follows its host.
BY = "drain"


def drain(
    core: broker.Broker,
    name: str,
    detail: str,
    actor: events.Actor,
    seen: Seen,
) -> hosts.Host:
    """Drain a host; one that is drained already stays as it is.

    :param detail: why, for the next operator.
    :raises NotFound: when there is no such host.
    """
    with core.store.write() as tx:
        host = tx.hosts.get(name)
        seen(host.generation)
        now = core.clock.now()
        if host.drain is None:
            begun = hosts.Drain(at=now, detail=detail, by=actor.user_id)
            host = tx.hosts.update(dataclasses.replace(host, drain=begun))
        else:
            host = tx.hosts.hold(name)
        _keep(tx, host, tx.devices.of_host(name), now, actor)
    core.bell.host(name)
    return host


def resume(
    core: broker.Broker, name: str, actor: events.Actor, seen: Seen
) -> None:
    """Give the host's cards out again; one that is not drained is fine.

    :raises NotFound: when there is no such host.
    """
    with core.store.write() as tx:
        host = tx.hosts.get(name)
        seen(host.generation)
        if host.drain is not None:
            host = tx.hosts.update(dataclasses.replace(host, drain=None))
        else:
            host = tx.hosts.hold(name)
        rows = tx.devices.of_host(name)
        _keep(tx, host, rows, core.clock.now(), actor)
    core.bell.host(name)


def follow(core: broker.Broker, name: str) -> bool:
    """Let the fences of a host's cards follow it; True when one was lifted.

    :raises NotFound: when there is no such host.
    """
    with core.store.read() as tx:
        if not _behind(tx.hosts.get(name), tx.devices.of_host(name)):
            return False

    def work(tx: ports.Transaction) -> bool:
        # Held, and before the cards: it may be drained or resumed now, and
        # what was read is of before that.
        host = tx.hosts.hold(name)
        rows = tx.devices.of_host(name)
        return _keep(tx, host, rows, core.clock.now())

    return core.store.run(work)


def _behind(host: hosts.Host, rows: Iterable[devices.Device]) -> bool:
    if host.drain is None:
        return any(Reason.DRAIN in row.reasons for row in rows)
    return any(
        _given_out(row) and Reason.DRAIN not in row.reasons for row in rows
    )


def _keep(
    tx: ports.Transaction,
    host: hosts.Host,
    rows: Iterable[devices.Device],
    now: datetime.datetime,
    actor: events.Actor = events.BROKER,
) -> bool:
    """True when a fence was lifted.

    :param host: as it is, written or held by this transaction.
    :param rows: all of the host, as they stand.
    """
    by = actor.user_id or BY
    lifted = False
    for row in rows:
        if host.drain is not None and _given_out(row):
            fence = fences.Fence(
                device_id=row.id,
                reason=Reason.DRAIN,
                detail=host.drain.detail,
                by=by,
            )
            device_history.fence(tx, row, fence, now, actor.request_id)
        elif host.drain is None and Reason.DRAIN in row.reasons:
            lifted |= device_history.unfence(
                tx, row, Reason.DRAIN, by, now, actor.request_id
            )
    return lifted


def _given_out(row: devices.Device) -> bool:
    """What an agent reports and nobody could be given may be no GPU."""
    return row.model is not None or row.provider_id is not None
