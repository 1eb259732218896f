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

"""Write what a look at Placement has found of a host's cards."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from gpubroker.domain import admission
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import mirror
from gpubroker.domain import pools
from gpubroker.domain import slots
from gpubroker.domain.devices import Device
from gpubroker.domain.devices import State
from gpubroker.domain.fences import Reason
from gpubroker.services import broker
from gpubroker.services import device_history
from gpubroker.services import enforce
from gpubroker.services import judging
from gpubroker.services import ports


def write(
    core: broker.Broker,
    tx: ports.Transaction,
    pool: pools.Pool,
    rows: Sequence[Device],
    found: mirror.Mirrored,
) -> None:
    """The rows of cards that were found, changed or mirrored, with their
    fences and history.

    :param rows: those of the host as they stood.
    """
    now = core.clock.now()
    before = {row.id: row for row in rows}
    for row in found.mirrored:
        tx.devices.mirror(row)
    changed = {row.id: tx.devices.update(row) for row in found.changed}
    for row in found.added:
        changed[row.id] = tx.devices.add(row)
    for row in (*found.added, *found.changed, *found.mirrored):
        if admission.waits(pool, before.get(row.id), row):
            device_history.fence(tx, row, admission.fence(row), now)
    for device_id, verdict in found.verdicts.items():
        judging.tell(tx, changed[device_id], before[device_id], verdict, now)
    for happening in found.happenings:
        device_history.note(
            tx,
            changed[happening.device_id],
            happening.kind,
            happening.message,
            now,
        )
    _others(tx, found, now)


def _others(
    tx: ports.Transaction, found: mirror.Mirrored, now: datetime.datetime
) -> None:
    """Note what somebody else did to our cards."""
    for row in found.external:
        detail = f"Somebody else set reserved to {row.reserved} in Placement."
        device_history.fence(
            tx,
            row,
            fences.Fence(
                device_id=row.id,
                reason=Reason.EXTERNAL,
                detail=detail,
                by=enforce.BY,
            ),
            now,
        )
    for row in found.released:
        device_history.unfence(tx, row, Reason.EXTERNAL, enforce.BY, now)
    for row in found.intruded:
        device_history.note(
            tx,
            row,
            "device.used_while_fenced",
            "A server holds the card although it is fenced.",
            now,
            consumers=list(row.consumers),
        )


def number(
    tx: ports.Transaction,
    host: hosts.Host,
    rows: Sequence[Device],
    seen: mirror.SeenHost,
) -> None:
    """Number the cards of known models: any other that an agent reports
    may be no GPU, and a number is never taken back."""
    present = {
        row.pci_address
        for row in rows
        if row.state is State.PRESENT and row.model is not None
    }
    known = tx.hosts.slots(host.name)
    if present <= set(known):
        return
    marked: Mapping[str, int] = {
        card.pci_address: number
        for card in seen.cards
        if (number := slots.mark(card.traits)) is not None
    }
    tx.hosts.give_slots(host.name, slots.number(known, marked, present))


def admit(
    core: broker.Broker,
    tx: ports.Transaction,
    pool: pools.Pool,
    rows: Sequence[Device],
) -> bool:
    """Lift ``unadmitted`` where the pool takes the card by itself."""
    now = core.clock.now()
    done = False
    for row in rows:
        if Reason.UNADMITTED in row.reasons and admission.admits(pool, row):
            done |= device_history.unfence(
                tx, row, Reason.UNADMITTED, admission.BY, now
            )
    return done
