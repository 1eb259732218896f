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

"""Take the report of a host's agent.

A report that is the same as the last one is a heartbeat and nothing else.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import health
from gpubroker.domain import hosts
from gpubroker.domain import inventory
from gpubroker.domain.fences import Reason
from gpubroker.domain.reports import Report
from gpubroker.domain.sightings import Sighting
from gpubroker.services import broker
from gpubroker.services import judging
from gpubroker.services import ports
from gpubroker.services.paging import Page

#: A report that loses to another writer of the same rows is merged again.
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """:param interval: seconds until the next report is due.
    :param claimed: addresses of cards that the agent must leave alone.
    """

    changed: bool
    interval: int
    claimed: tuple[str, ...]


def take_report(
    core: broker.Broker,
    host: str,
    user_id: str | None,
    body: Mapping[str, Any],
    now: datetime.datetime,
) -> Answer:
    """Note what an agent sees; two SQL statements when that is no news.

    :param user_id: who reports; only the user bound to the host may.
    :raises Forbidden: when another user, or none, is bound to the host, or
        there is none of that name: an agent learns nothing of other hosts.
    :raises Invalid: for an address that is none, or is there twice.
    """
    digest = digest_of(body)
    beat = core.store.run(
        lambda tx: _heartbeat(core, tx, host, digest, user_id, now)
    )
    if beat is not None:
        return beat
    report = parse(body, digest)
    for attempt in range(_TRIES):
        try:
            return _merge(core, host, report, now)
        except (errors.ConcurrentUpdate, errors.Duplicate):
            # The reconcile loop, or the agent of another host, was quicker.
            if attempt == _TRIES - 1:
                raise
            core.clock.sleep(0.05 * 2**attempt)
    raise AssertionError("unreachable")


def _heartbeat(
    core: broker.Broker,
    tx: ports.Transaction,
    host: str,
    digest: str,
    user_id: str | None,
    now: datetime.datetime,
) -> Answer | None:
    """The answer to a report that is no news."""
    if user_id and tx.hosts.heartbeat(host, digest, user_id, now):
        return _answer(core, tx, host, changed=False)
    try:
        bound = tx.hosts.get(host).agent_user_id
    except errors.NotFound:
        bound = None
    if not bound or bound != user_id:
        raise errors.Forbidden(f"You are not the agent of host {host}.")
    return None


def digest_of(body: Mapping[str, Any]) -> str:
    """The same for the same content, whatever the order of the keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parse(body: Mapping[str, Any], digest: str = "") -> Report:
    """:raises Invalid: naming the address that is malformed or doubled."""
    sightings = []
    first: dict[str, int] = {}
    for index, record in enumerate(body["devices"]):
        field = f"devices[{index}].pci_address"
        address = _address(record["pci_address"], field)
        if address in first:
            raise errors.Invalid(
                f"{field}: {address} is that of devices[{first[address]}], "
                "too.",
                field=field,
            )
        first[address] = index
        sightings.append(_sighting(address, record))
    return Report(
        digest=digest,
        agent_version=body["agent"]["version"],
        boot_id=body["agent"]["boot_id"],
        sightings=tuple(sightings),
        observations=tuple(
            health.Observation(
                id=record["id"],
                kind=record["kind"],
                pci_address=_address(
                    record["pci_address"], f"observations[{index}].pci_address"
                ),
                code=record.get("code"),
                text=record.get("text") or "",
            )
            for index, record in enumerate(body["observations"])
        ),
        conditions=tuple(
            hosts.Condition(
                kind=record["kind"], detail=record.get("detail") or ""
            )
            for record in body["conditions"]
        ),
    )


def _sighting(address: str, record: Mapping[str, Any]) -> Sighting:
    nvml = record.get("nvml") or {}
    subsystem = record.get("subsystem_id")
    return Sighting(
        pci_address=address,
        vendor_id=record["vendor_id"].lower(),
        product_id=record["product_id"].lower(),
        subsystem_id=subsystem.lower() if subsystem else None,
        serial=record.get("serial") or None,
        uuid=record.get("uuid") or None,
        numa_node=record.get("numa_node"),
        driver=record.get("driver"),
        on_bus=record.get("on_bus"),
        nvml_errors=tuple(
            sorted({error["code"] for error in nvml.get("errors", ())})
        ),
    )


def _address(text: str, field: str) -> str:
    try:
        return devices.address(text)
    except ValueError as error:
        raise errors.Invalid(f"{field}: {error}.", field=field) from None


def _merge(
    core: broker.Broker, name: str, report: Report, now: datetime.datetime
) -> Answer:
    others: set[str] = set()

    def work(tx: ports.Transaction) -> Answer:
        host = tx.hosts.get(name)
        known = _known(tx, host, report, _heard_since(core, now))
        merged = inventory.merge(
            name,
            known,
            report.sightings,
            tx.models.all(),
            now,
            lambda: str(uuid.uuid4()),
            report.unreadable,
        )
        judging.write(tx, host, known, merged, report, now)
        others.update(row.host for row in known.elsewhere)
        return _answer(core, tx, name, changed=True)

    answer = core.store.run(work)
    for host in (name, *sorted(others)):
        core.bell.host(host)
    return answer


def _known(
    tx: ports.Transaction,
    host: hosts.Host,
    report: Report,
    heard_since: datetime.datetime,
) -> inventory.Known:
    found: dict[str, devices.Device] = {}
    for field in ("serial", "uuid"):
        names = {getattr(seen, field) for seen in report.sightings} - {None}
        if names:
            page = Page(filters={field: tuple(sorted(names))}, limit=1000)
            found.update((row.id, row) for row in tx.devices.page(page).items)
    elsewhere = [row for row in found.values() if row.host != host.name]
    return inventory.Known(
        here=tx.devices.of_host(host.name),
        elsewhere=elsewhere,
        staying={row.id for row in elsewhere if _stays(tx, row, heard_since)},
        last_heard=host.heartbeat_at,
    )


def _stays(
    tx: ports.Transaction, row: devices.Device, heard_since: datetime.datetime
) -> bool:
    """Whether the card can not have come to another host, whatever the agent
    there says: it may lie, or a serial number be there twice."""
    if row.claimed_by or Reason.LEASE in row.reasons:
        # A lease has it where it is.
        return True
    if row.state is not devices.State.PRESENT:
        return False
    heard = tx.hosts.get(row.host).heartbeat_at
    fresh = heard is not None and heard >= heard_since
    return row.provider_id is not None or (row.reported and fresh)


def _heard_since(
    core: broker.Broker, now: datetime.datetime
) -> datetime.datetime:
    silence = datetime.timedelta(seconds=core.settings.heartbeat_timeout)
    return now - silence


def _answer(
    core: broker.Broker, tx: ports.Transaction, host: str, changed: bool
) -> Answer:
    return Answer(
        changed=changed,
        interval=core.settings.report_interval,
        claimed=tuple(tx.devices.busy(host)),
    )
