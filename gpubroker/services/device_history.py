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

"""What the broker writes into the history of a card, and into the log."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from gpubroker.domain import events
from gpubroker.domain import fences
from gpubroker.domain.devices import Device
from gpubroker.domain.health import Verdict
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

#: Kind of the events that remember which observations were judged.
FAULT = "device.fault"


def note(
    tx: ports.Transaction,
    device: Device,
    kind: str,
    message: str,
    now: datetime.datetime,
    by: str = "",
    request_id: str = "",
    **detail: Any,
) -> None:
    """One line, under the card's id and, where known, its serial.

    :param by: a user id or a part of the broker.
    """
    tx.events.add(
        events.Event(
            at=now,
            kind=kind,
            message=message,
            device_id=device.id,
            serial=device.serial,
            host=device.host,
            request_id=request_id,
            by=by,
            detail={"pci_address": device.pci_address, **detail},
        )
    )
    LOG.info(
        "%s of %s (device %s): %s: %s",
        device.pci_address,
        device.host,
        device.id,
        kind,
        message,
    )


def words(detail: str) -> str:
    """The end of a sentence, with what a person says to it.

    >>> words("")
    '.'
    >>> words("fan replaced")
    ': fan replaced'
    """
    return f": {detail}" if detail else "."


def health(
    tx: ports.Transaction,
    device: Device,
    verdict: Verdict,
    now: datetime.datetime,
) -> None:
    """Say that the health changed, if it did.

    :param device: as it was before the verdict.
    """
    if device.health is not verdict.health:
        note(
            tx,
            device,
            "device.health",
            f"Health went from {device.health} to {verdict.health}.",
            now,
            health=verdict.health.value,
            reasons=[reason.rule for reason in verdict.reasons],
        )


def fence(
    tx: ports.Transaction,
    device: Device,
    fence: fences.Fence,
    now: datetime.datetime,
    request_id: str = "",
) -> bool:
    """Set a fence and say so; False when the card had this reason."""
    if not tx.fences.add(fence):
        return False
    note(
        tx,
        device,
        "device.fenced",
        f"Fenced ({fence.reason}){words(fence.detail)}",
        now,
        fence.by,
        request_id,
        reason=fence.reason.value,
    )
    return True


def reword(
    tx: ports.Transaction,
    device: Device,
    fence: fences.Fence,
    now: datetime.datetime,
    request_id: str = "",
) -> None:
    """Give a fence that is set another detail and say so; the same detail
    is no news."""
    details = [
        stands.detail
        for stands in tx.fences.of(device.id)
        if stands.reason is fence.reason
    ]
    if fence.detail in details or not tx.fences.reword(fence):
        return
    note(
        tx,
        device,
        "device.fence_reworded",
        f"The fence {fence.reason} says now: {fence.detail}",
        now,
        fence.by,
        request_id,
        reason=fence.reason.value,
        before=details,
    )


def unfence(
    tx: ports.Transaction,
    device: Device,
    reason: fences.Reason,
    by: str,
    now: datetime.datetime,
    request_id: str = "",
    lease_id: str | None = None,
    detail: str = "",
) -> bool:
    """Lift a fence and say so; False when the card had not this reason.

    :param lease_id: only one that was set for this lease.
    :param detail: why, in words.
    """
    if not tx.fences.remove(device.id, reason, lease_id):
        return False
    note(
        tx,
        device,
        "device.unfenced",
        f"The fence {reason} was lifted{words(detail)}",
        now,
        by,
        request_id,
        reason=reason.value,
    )
    return True
