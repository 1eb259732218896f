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

"""Fences that an operator sets and lifts by hand.

Here only rows are written; the reconcile loop of the host, which is woken,
brings Placement's ``reserved`` in line with them.
"""

from __future__ import annotations

import dataclasses
import datetime

from gpubroker import errors
from gpubroker.domain import fences
from gpubroker.domain import health
from gpubroker.domain.devices import Device
from gpubroker.domain.devices import Health
from gpubroker.domain.fences import Reason
from gpubroker.services import broker
from gpubroker.services import device_history
from gpubroker.services import ports


def fence(
    core: broker.Broker,
    device_id: str,
    reason: Reason,
    detail: str,
    by: str,
    request_id: str = "",
) -> Device:
    """Fence a card; one that has this fence gets the new detail.

    :raises Invalid: for any reason but ``operator``: the others are the
        broker's own findings.
    :raises NotFound: when there is no such device.
    """
    if reason is not Reason.OPERATOR:
        raise errors.Invalid(
            f"A fence {reason} is not set by hand; set operator.",
            field="reason",
        )
    now = core.clock.now()
    with core.store.write() as tx:
        device = tx.devices.get(device_id)
        wanted = fences.Fence(
            device_id=device_id, reason=reason, detail=detail, by=by
        )
        if not device_history.fence(tx, device, wanted, now, request_id):
            device_history.reword(tx, device, wanted, now, request_id)
        device = tx.devices.get(device_id)
    core.bell.host(device.host)
    return device


def unfence(
    core: broker.Broker,
    device_id: str,
    reason: Reason,
    by: str,
    request_id: str = "",
    detail: str = "",
) -> Device:
    """Lift a fence. The card is given out again once no reason is left and
    Placement shows it unused.

    Lifting ``health`` records the operator's judgement: the faults found so
    far no longer count, and the health is UNKNOWN until the next report. It
    also clears what made a card SUSPECT, for which there is no fence.

    :param detail: why, in words; they stay in the history.
    :raises Invalid: for a reason that goes away by itself.
    :raises NotFound: when there is no such device, or it has no such fence.
    """
    _liftable(reason)
    now = core.clock.now()
    with core.store.write() as tx:
        device = tx.devices.get(device_id)
        done = device_history.unfence(
            tx, device, reason, by, now, request_id, detail=detail
        )
        if reason is Reason.HEALTH and health.faulty(device.health_reasons):
            _forgive(tx, device, by, now, request_id, detail)
            done = True
        if not done:
            raise errors.NotFound(f"The device has no fence {reason}.")
        device = tx.devices.get(device_id)
    core.bell.host(device.host)
    return device


def _liftable(reason: Reason) -> None:
    """:raises Invalid: nobody lifts it by hand."""
    if reason is Reason.DRAIN:
        raise errors.Invalid(
            "A fence drain is lifted by resuming the host.", field="reason"
        )
    if reason not in fences.BY_OPERATOR:
        raise errors.Invalid(
            f"A fence {reason} is not lifted by hand.", field="reason"
        )


def _forgive(
    tx: ports.Transaction,
    device: Device,
    by: str,
    now: datetime.datetime,
    request_id: str,
    detail: str,
) -> None:
    device = tx.devices.get(device.id)
    tx.devices.update(
        dataclasses.replace(
            device,
            health=Health.UNKNOWN,
            health_reasons=health.lifted(by),
        )
    )
    device_history.note(
        tx,
        device,
        "device.health",
        "An operator judged the card fit for use"
        f"{device_history.words(detail)}",
        now,
        by,
        request_id,
        health=Health.UNKNOWN.value,
        before=[reason.rule for reason in device.health_reasons],
    )
