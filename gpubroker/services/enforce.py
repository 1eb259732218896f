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

"""Bring Placement's ``reserved`` in line with the fences of a host (N 2.3).

Only hosts in mode ``manage`` are written to, and a card that is in use is
never opened.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import Collection

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import mirror
from gpubroker.domain.devices import Device
from gpubroker.domain.fences import OURS
from gpubroker.domain.fences import Reason
from gpubroker.services import broker
from gpubroker.services import device_history
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

#: Seconds after which a card that was closed is looked at once more: a claim
#: that was under way may have come after the first look (N 15.8).
SECOND_LOOK = 5.0

#: Who lifts ``lease``.
BY = "reconcile"


def alarm(core: broker.Broker) -> None:
    """Cards that we hold closed and that Placement would give out."""
    with core.store.read() as tx:
        managed = {
            host.name
            for host in tx.hosts.all()
            if host.mode is hosts.Mode.MANAGE
        }
        closed = [
            row
            for row in tx.devices.all()
            if row.host in managed and row.reserved and OURS & row.reasons
        ]
    classes = {row.resource_class for row in closed} - {None}
    leaking = {
        provider_id
        for name in sorted(filter(None, classes))
        for provider_id in core.ledger.open_cards(name)
    }
    for row in closed:
        if row.provider_id in leaking:
            LOG.warning(
                "%s of %s is fenced, and open in Placement",
                row.pci_address,
                row.host,
            )
            core.meter.leaked()
            _distrust(core, row.id)
            core.bell.host(row.host)


def _distrust(core: broker.Broker, device_id: str) -> None:
    """Have the next pass read the card's provider, whatever is noted, as if
    the write that closed it had got no answer."""

    def work(tx: ports.Transaction) -> None:
        (row,) = tx.devices.hold([device_id])
        seen = row.provider_generation
        if seen is not None and row.closing_generation is None:
            tx.devices.mirror(
                dataclasses.replace(row, closing_generation=seen - 1)
            )

    try:
        core.store.run(work)
    except errors.NotFound:
        LOG.info("Device %s was removed meanwhile", device_id)


class _Outdated(Exception):
    """The card is not as it was when it was decided what to write."""


def fences(core: broker.Broker, name: str) -> float | None:
    """Write what is needed, card by card.

    :returns: seconds after which to look at the host again, or ``None``.
    """
    with core.store.read() as tx:
        host = tx.hosts.get(name)
        rows = tx.devices.of_host(name)
        spent = _spent(tx, rows)
    soon = False
    freed = False
    for row in rows:
        try:
            closed, opened = _card(core, host, row, row.id in spent)
        except (errors.NotFound, _Outdated):
            # Its provider is gone, or somebody else is at work on it; the
            # next pass sees what became of it.
            soon = True
        except (errors.OutsideError, errors.Conflict) as failure:
            LOG.warning(
                "reserved of %s on %s was not written: %s",
                row.pci_address,
                name,
                failure,
            )
            soon = True
        else:
            soon |= closed
            freed |= opened
    if freed:
        core.bell.pool(host.pool)
    return SECOND_LOOK if soon else None


def _spent(tx: ports.Transaction, rows: Collection[Device]) -> set[str]:
    """Devices whose fence ``lease`` has done its duty: the lease is over or
    ending, and Placement shows the card unused."""
    found = set()
    for row in rows:
        held = [f for f in row.fences if f.reason is Reason.LEASE]
        if held and not row.consumers and _over(tx, held[0].lease_id):
            found.add(row.id)
    return found


def _over(tx: ports.Transaction, lease_id: str | None) -> bool:
    if lease_id is None:
        return True
    try:
        lease = tx.leases.get(lease_id)
    except errors.NotFound:
        return True
    return lease.final or lease.state is leases.State.ENDING


def _card(
    core: broker.Broker, host: hosts.Host, row: Device, spent: bool
) -> tuple[bool, bool]:
    """(whether to look again soon, whether it was opened or freed)."""
    write = mirror.wanted(row, spent)
    if host.mode is not hosts.Mode.MANAGE:
        write = None
    soon = False
    if write is not None:
        try:
            soon = _write(core, row, write)
        except errors.InUse:
            return False, False
    if write in (mirror.Write.CLOSE, mirror.Write.SETTLE):
        return True, False
    if spent:
        # After Placement was written, so that no plan counts on a card that
        # is still closed there.
        _lift(core, row)
    return soon, spent or write is mirror.Write.OPEN


def _write(core: broker.Broker, row: Device, write: mirror.Write) -> bool:
    """
    :returns: whether there is something to be written again.
    :raises InUse: it is to be opened, and somebody holds it.
    :raises _Outdated: something else, or nothing, is to be written by now.
    """
    assert row.provider_id and row.resource_class  # noqa: S101 - wanted()
    closes = write is mirror.Write.CLOSE
    sent: list[Device] = []

    def ready(before: ports.Inventories) -> None:
        sent.append(_intend(core, row, write, before))

    after = core.ledger.set_reserved(
        row.provider_id,
        row.resource_class,
        closes,
        ready,
        always=write is mirror.Write.SETTLE,
    )
    if closes and not sent:
        # Somebody was quicker. Who it was the mirror tells, not we.
        raise _Outdated
    return _after(core, sent[-1] if sent else row, after)


def _intend(
    core: broker.Broker,
    row: Device,
    write: mirror.Write,
    before: ports.Inventories,
) -> Device:
    """Last look before a write; the card as it is noted then.

    That we close a card is noted first, with the generation that the write
    is sent for: a number that nobody knows of would later look like somebody
    else's. To open one needs no note: nobody is asked who did that.
    """

    def work(tx: ports.Transaction) -> Device:
        (now,) = tx.devices.hold([row.id])
        if _moved(tx, now, row, write, before.generation):
            raise _Outdated
        if write is mirror.Write.CLOSE:
            newest = max(before.generation, now.closing_generation or 0)
            now = dataclasses.replace(now, closing_generation=newest)
            tx.devices.mirror(now)
            _still_managed(tx, now.host)
        return now

    if write is mirror.Write.OPEN and core.ledger.consumers(
        before.provider_id
    ):
        # Asked after its generation was read: a claim that comes now counts
        # that up, and our write is refused.
        raise errors.InUse(f"{row.pci_address} is in use.")
    return core.store.run(work)


def _still_managed(tx: ports.Transaction, name: str) -> None:
    """:raises _Outdated: it is only observed by now: nobody would open the
    card again."""
    # Who takes it out of manage has looked for closed cards before we hold
    # its mark, or waits for us and finds this one.
    tx.standing.hold()
    if tx.hosts.get(name).mode is not hosts.Mode.MANAGE:
        raise _Outdated


def _moved(
    tx: ports.Transaction,
    now: Device,
    row: Device,
    write: mirror.Write,
    generation: int,
) -> bool:
    return (
        now.provider_id != row.provider_id
        or generation < (now.provider_generation or 0)
        or mirror.wanted(now, now.id in _spent(tx, [now])) is not write
    )


def _after(
    core: broker.Broker, sent: Device, after: ports.Inventories
) -> bool:
    """Note what stands there now, and who came before the write.

    Only while nobody noted anything since ``sent``: they saw what came after
    us, or will.

    :returns: whether the card was fenced or freed meanwhile.
    """
    consumers = tuple(sorted(core.ledger.consumers(after.provider_id)))
    found = after.by_class[sent.resource_class or ""]

    def work(tx: ports.Transaction) -> bool:
        (now,) = tx.devices.hold([sent.id])
        if mirror.noted(now) == mirror.noted(sent):
            now = _shown(now, after, found, consumers)
            tx.devices.mirror(now)
        device_history.note(
            tx,
            now,
            "device.closed" if found.reserved else "device.opened",
            f"reserved in Placement is {found.reserved} now.",
            core.clock.now(),
            provider_id=after.provider_id,
            consumers=list(consumers),
        )
        spent = now.id in _spent(tx, [now])
        return mirror.wanted(now, spent) is not None

    return core.store.run(work)


def _shown(
    now: Device,
    after: ports.Inventories,
    found: ports.Inventory,
    consumers: tuple[str, ...],
) -> Device:
    return dataclasses.replace(
        now,
        provider_generation=after.generation,
        total=found.total,
        reserved=found.reserved,
        closing_generation=mirror.pending(
            now.closing_generation, after.generation
        ),
        consumers=consumers,
    )


def _lift(core: broker.Broker, row: Device) -> None:
    """Only the fence that was looked at: the card may serve another lease
    by now."""
    (held,) = (f for f in row.fences if f.reason is Reason.LEASE)
    now: datetime.datetime = core.clock.now()
    with core.store.write() as tx:
        device_history.unfence(
            tx, row, Reason.LEASE, BY, now, lease_id=held.lease_id
        )
