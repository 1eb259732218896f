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

"""Cards that were closed in Placement since the backup was made.

Who closed them had a reason that is lost with the rest. Looked for before
anything is mirrored: that notes what stands in Placement today, and takes a
number of which the row knows nothing for a stranger's. What is found is
written in one transaction, so that whoever is killed before or after it finds
the same when it is done again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain.fences import Reason
from gpubroker.domain.hosts import Mode
from gpubroker.services import broker
from gpubroker.services import device_history
from gpubroker.services import ports

BY = "recover"

WHY = (
    "Closed in Placement, and it is not known any more why: look at the card "
    "before it is given out."
)


def find(core: broker.Broker) -> list[devices.Device]:
    """Those cards, with what Placement shows as ``reserved``.

    :raises Unavailable: when Placement does not answer.
    """
    with core.store.read() as tx:
        managed = {h.name for h in tx.hosts.all() if h.mode is Mode.MANAGE}
        rows = tx.devices.all()
    found = []
    for row in rows:
        reserved = _closed(core, row, row.host in managed)
        if reserved:
            found.append(dataclasses.replace(row, reserved=reserved))
    return found


def _closed(core: broker.Broker, row: devices.Device, managed: bool) -> int:
    """What is reserved, where who did it is lost; else 0."""
    if not row.provider_id or not row.resource_class:
        return 0
    if row.reserved and not managed:
        return 0
    try:
        there = core.ledger.inventories(row.provider_id)
    except errors.NotFound:
        return 0
    shown = there.by_class.get(row.resource_class)
    if shown is None or not _lost(row, there.generation):
        return 0
    return shown.reserved


def _lost(row: devices.Device, generation: int) -> bool:
    """Whether who closed the card is lost, if it is closed now."""
    if row.reserved:
        # Written to since: opened, perhaps, and closed again.
        return generation > (row.provider_generation or 0)
    if row.closing_generation is not None:
        # Of our write the next generation is; what is later is of others.
        return generation > row.closing_generation + 1
    if Reason.EXTERNAL in row.reasons:
        return False
    # It was we who closed it, for what is known and who knows what else. Any
    # other card the mirror takes for closed by somebody else.
    return bool(fences.OURS & row.reasons or row.claimed_by)


def write(core: broker.Broker, found: Sequence[devices.Device]) -> None:
    """Keep them closed until an operator has looked at them; found written =
    done."""
    with core.store.write() as tx:
        reserved = {row.id: row.reserved for row in found}
        for row in tx.devices.hold(reserved):
            doubt(core, tx, row)
            if not row.reserved:
                # Not its generation: the mirror has to read the card anew.
                tx.devices.mirror(
                    dataclasses.replace(row, reserved=reserved[row.id])
                )


def explain(
    core: broker.Broker, tx: ports.Transaction, row: devices.Device
) -> None:
    """It was we who closed it, although the mirror knew of nothing."""
    now = core.clock.now()
    device_history.unfence(tx, row, Reason.EXTERNAL, BY, now)
    doubt(core, tx, row)


def doubt(
    core: broker.Broker, tx: ports.Transaction, row: devices.Device
) -> None:
    fence = fences.Fence(
        device_id=row.id, reason=Reason.OPERATOR, detail=WHY, by=BY
    )
    device_history.fence(tx, row, fence, core.clock.now())
