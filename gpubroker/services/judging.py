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

"""Write a merged report: rows, verdicts on them, fences and history."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable

from gpubroker.domain import admission
from gpubroker.domain import health
from gpubroker.domain import hosts
from gpubroker.domain import inventory
from gpubroker.domain import sightings
from gpubroker.domain.devices import Device
from gpubroker.domain.devices import State
from gpubroker.domain.fences import Fence
from gpubroker.domain.fences import Reason
from gpubroker.domain.reports import Report
from gpubroker.services import device_history
from gpubroker.services import ports
from gpubroker.services import silence
from gpubroker.services.paging import Page

#: In place of a digest: the next report is merged, whatever it says. Which of
#: two cards has a name by right shows only when one of them goes, of which
#: the host of the other sees nothing.
AGAIN = ""

#: Who sets and lifts ``health``.
BY = f"health policy {health.POLICY}"


def write(
    tx: ports.Transaction,
    host: hosts.Host,
    known: inventory.Known,
    merged: inventory.Merged,
    report: Report,
    now: datetime.datetime,
) -> None:
    """All of one report, in the caller's transaction."""
    before = {row.id: row for row in (*known.here, *known.elsewhere)}
    verdicts = _judge(tx, merged, before, report, now)
    _store(tx, merged, before, verdicts)
    pool = tx.pools.get(host.pool)
    for row in merged.rows.values():
        judged = _judged(row, verdicts)
        if admission.waits(pool, before.get(row.id), judged):
            device_history.fence(tx, judged, admission.fence(judged), now)
    rows = {row.id: row for row in _final(merged, before)}
    for happening in merged.happenings:
        device_history.note(
            tx,
            rows[happening.device_id],
            happening.kind,
            happening.message,
            now,
        )
    for device_id, verdict in verdicts.items():
        tell(tx, rows[device_id], before.get(device_id), verdict, now)
    silence.over(tx, host, now)
    tx.hosts.update(
        dataclasses.replace(
            host,
            agent_version=report.agent_version,
            boot_id=report.boot_id,
            report_digest=AGAIN if merged.duplicates else report.digest,
            heartbeat_at=now,
            conditions=report.conditions,
        )
    )


def _final(
    merged: inventory.Merged, before: dict[str, Device]
) -> Iterable[Device]:
    yield from before.values()
    yield from merged.rows.values()
    yield from merged.changed


def _judge(
    tx: ports.Transaction,
    merged: inventory.Merged,
    before: dict[str, Device],
    report: Report,
    now: datetime.datetime,
) -> dict[str, health.Verdict]:
    """A verdict on each card that was seen, and on each that vanished."""
    seen = {sighting.pci_address: sighting for sighting in report.sightings}
    for address, row in merged.rows.items():
        # What the kernel's log says of it counts all the same.
        seen.setdefault(address, sightings.unreadable(row))
    verdicts = {}
    gone = [row for row in merged.changed if row.state is State.VANISHED]
    for row in gone:
        verdicts[row.id] = health.judge(row, None, _news(tx, row, report, now))
    for address, row in merged.rows.items():
        verdicts[row.id] = health.judge(
            row,
            seen[address],
            _news(tx, row, report, now),
            row.id in merged.duplicates,
        )
    return verdicts


def _news(
    tx: ports.Transaction,
    row: Device,
    report: Report,
    now: datetime.datetime,
) -> list[health.Observation]:
    """Observations of a card that were not judged before.

    The history remembers which were: after an operator lifted a fence, the
    line that led to it still stands in the kernel's log and in each report.
    """
    found = [
        seen
        for seen in report.observations
        if seen.pci_address == row.pci_address and health.rule_of(seen)
    ]
    if not found:
        return []
    judged = _judged_before(tx, row)
    news = [seen for seen in found if seen.id not in judged]
    by_rule: dict[str, list[health.Observation]] = {}
    for seen in news:
        for reason in health.rule_of(seen):
            by_rule.setdefault(reason.rule, []).append(seen)
    for rule, seen_of_rule in by_rule.items():
        device_history.note(
            tx,
            row,
            device_history.FAULT,
            health.rule_of(seen_of_rule[0])[0].detail,
            now,
            rule=rule,
            observations=[seen.id for seen in seen_of_rule],
        )
    return news


def _judged_before(tx: ports.Transaction, row: Device) -> set[str]:
    page = Page(
        filters={"device_id": row.id, "kind": device_history.FAULT},
        sort_dir="desc",
        limit=1000,
    )
    return {
        name
        for event in tx.events.page(page).items
        for name in event.detail.get("observations", ())
    }


def _store(
    tx: ports.Transaction,
    merged: inventory.Merged,
    before: dict[str, Device],
    verdicts: dict[str, health.Verdict],
) -> None:
    """In the order that ``Merged`` asks for."""
    current = dict(before)
    for device_id in merged.drop:
        tx.devices.delete(device_id)
    for device_id in sorted(merged.vacate):
        current[device_id] = tx.devices.update(
            dataclasses.replace(
                current[device_id],
                state=State.VANISHED,
                serial=None,
                uuid=None,
            )
        )
    new = {row.id for row in merged.added}
    wanted = {
        row.id: _judged(row, verdicts)
        for row in (*merged.rows.values(), *merged.changed)
        if row.id not in new
    }
    for device_id, row in wanted.items():
        stands = current[device_id]
        if device_id in merged.vacate or row != stands:
            tx.devices.update(
                dataclasses.replace(
                    row,
                    generation=stands.generation,
                    updated_at=stands.updated_at,
                )
            )
    for row in merged.added:
        tx.devices.add(_judged(row, verdicts))


def _judged(row: Device, verdicts: dict[str, health.Verdict]) -> Device:
    verdict = verdicts[row.id]
    return dataclasses.replace(
        row, health=verdict.health, health_reasons=verdict.reasons
    )


def tell(
    tx: ports.Transaction,
    row: Device,
    before: Device | None,
    verdict: health.Verdict,
    now: datetime.datetime,
) -> None:
    """Fence what is at fault, and note that the health changed."""
    if verdict.fault:
        device_history.fence(
            tx,
            row,
            Fence(
                device_id=row.id,
                reason=Reason.HEALTH,
                detail=verdict.fault,
                by=BY,
            ),
            now,
        )
    if before is not None:
        told = dataclasses.replace(row, health=before.health)
        device_history.health(tx, told, verdict, now)
