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
        except errors.NotFound:
            # Its provider is gone; the next pass sees what became of it.
            soon = True
        except (errors.OutsideError, errors.ConcurrentUpdate) as failure:
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
    """(whether it was closed, whether it was opened or freed)."""
    write = mirror.wanted(row, spent)
    if host.mode is not hosts.Mode.MANAGE:
        write = None
    if write is mirror.Write.CLOSE:
        _close(core, row)
        return True, False
    opened = False
    if write is mirror.Write.OPEN:
        opened = _open(core, row)
        if not opened:
            return False, False
    if spent:
        # After Placement was written, so that no plan counts on a card that
        # is still closed there.
        _lift(core, row)
        return False, True
    return False, opened


def _close(core: broker.Broker, row: Device) -> None:
    assert row.provider_id and row.resource_class  # noqa: S101 - wanted()
    # Noted first: a number that is not noted would later look like somebody
    # else's. Without a generation, since it is what we mean to write and not
    # what was seen: should the write be lost, the next pass reads the
    # provider and finds the card open.
    _mirror(
        core,
        dataclasses.replace(row, reserved=row.total, provider_generation=None),
    )
    after = core.ledger.set_reserved(
        row.provider_id, row.resource_class, fenced=True
    )
    _after(core, row, after)


def _open(core: broker.Broker, row: Device) -> bool:
    assert row.provider_id and row.resource_class  # noqa: S101 - wanted()
    if core.ledger.consumers(row.provider_id):
        return False
    after = core.ledger.set_reserved(
        row.provider_id, row.resource_class, fenced=False
    )
    _after(core, row, after)
    return True


def _after(core: broker.Broker, row: Device, after: ports.Inventories) -> None:
    """Note what stands there now, and who came before the write."""
    consumers = tuple(sorted(core.ledger.consumers(after.provider_id)))
    found = after.by_class[row.resource_class or ""]
    now = core.clock.now()
    shown = dataclasses.replace(
        row,
        provider_generation=after.generation,
        total=found.total,
        reserved=found.reserved,
        consumers=consumers,
    )
    with core.store.write() as tx:
        tx.devices.mirror(shown)
        device_history.note(
            tx,
            row,
            "device.closed" if found.reserved else "device.opened",
            f"reserved in Placement is {found.reserved} now.",
            now,
            provider_id=after.provider_id,
            consumers=list(consumers),
        )


def _lift(core: broker.Broker, row: Device) -> None:
    now: datetime.datetime = core.clock.now()
    with core.store.write() as tx:
        device_history.unfence(tx, row, Reason.LEASE, BY, now)


def _mirror(core: broker.Broker, row: Device) -> None:
    with core.store.write() as tx:
        tx.devices.mirror(row)
