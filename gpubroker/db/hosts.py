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

"""Hosts in SQL, with capacities and slot numbers."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.db import base
from gpubroker.db import device_rows
from gpubroker.db import marks
from gpubroker.db import pages
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import hosts
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

_ROW = tables.Host
_POOL = tables.Pool
_CAPACITY = tables.HostCapacity
_SLOT = tables.HostSlot
_MARK = tables.HostMark

_PLAN = pages.Plan(
    noun="host",
    key=_ROW.name,
    sorts={
        "name": (_ROW.name,),
        "hypervisor_hostname": (_ROW.hypervisor_hostname,),
        "pool": (_POOL.name,),
        "mode": (_ROW.mode,),
        "compute_state": (_ROW.compute_state,),
        "heartbeat_at": (_ROW.heartbeat_at,),
        "created_at": (_ROW.created_at,),
        "updated_at": (_ROW.updated_at,),
    },
    default="name",
    filters={
        "name": pages.equals(_ROW.name),
        "pool": pages.equals(_POOL.name),
        "mode": pages.equals(_ROW.mode),
        "compute_state": pages.equals(_ROW.compute_state),
        "hypervisor_hostname": pages.equals(_ROW.hypervisor_hostname),
        "device_availability": device_rows.hosts_with,
    },
)


class Hosts(repository.Repository):
    def get(self, name: str) -> hosts.Host:
        rows = self._rows(_select().where(_ROW.name == name))
        if not rows:
            raise repository.missing("host", name)
        return self._filled(rows)[0]

    def hold(self, name: str) -> hosts.Host:
        self._key(name, lock=True)
        return self.get(name)

    def all(self, pool: str | None = None) -> list[hosts.Host]:
        statement = _select().order_by(_ROW.name)
        if pool is not None:
            statement = statement.where(_POOL.name == pool)
        return self._filled(self._rows(statement))

    def some(self, names: Collection[str]) -> list[hosts.Host]:
        return [
            host
            for batch in repository.batches(names)
            for host in self._filled(
                self._rows(_select().where(_ROW.name.in_(batch)))
            )
        ]

    def page(self, page: Page) -> Listing[hosts.Host]:
        rows, more = pages.fetch(self._session, _select(), _PLAN, page)
        return Listing(self._filled(rows), more)

    def add(self, host: hosts.Host) -> hosts.Host:
        now = self._now()
        stored = dataclasses.replace(
            host, generation=1, created_at=now, updated_at=now
        )
        key = self._insert(
            _ROW,
            {
                **_values(stored),
                "pool_id": self._pool_key(host.pool),
                "name": host.name,
                "heartbeat_at": host.heartbeat_at,
                "generation": 1,
                "created_at": now,
            },
            f"There is a host {host.name} already, or one with the "
            f"hypervisor {host.hypervisor_hostname}.",
            # Its first mark comes with it.
            marks.NOBODY,
        )
        self._insert_many(_MARK, [{"host_id": key, "mark": marks.draw()}])
        self._add_capacities(key, host)
        return stored

    def update(self, host: hosts.Host) -> hosts.Host:
        stored = dataclasses.replace(
            host, generation=host.generation + 1, updated_at=self._now()
        )
        key = self._key(host.name)
        swapped = self._swap(
            _ROW,
            _ROW.name == host.name,
            host.generation,
            {
                **_values(stored),
                "pool_id": self._pool_key(host.pool),
                "heartbeat_at": _later(host.heartbeat_at),
            },
            f"There is a host with the hypervisor "
            f"{host.hypervisor_hostname} already, or one that the same user "
            "reports for.",
            marks.Of(hosts=(key,)),
        )
        if swapped is None:
            raise repository.moved_on("Host", host.name)
        self._replace_capacities(key, host)
        return stored

    def rename(self, host: hosts.Host, name: str) -> hosts.Host:
        stored = dataclasses.replace(
            host,
            name=name,
            generation=host.generation + 1,
            updated_at=self._now(),
        )
        swapped = self._swap(
            _ROW,
            _ROW.name == host.name,
            host.generation,
            {"name": name, "updated_at": stored.updated_at},
            f"There is a host {name} already.",
            # Known by another name it is another host to who remembers it.
            marks.NOBODY,
        )
        if swapped is None:
            raise repository.moved_on("Host", host.name)
        return stored

    def delete(self, name: str, gone: bool = False) -> None:
        """Devices that vanished go with it; their events stay.

        :param gone: whether those that are noted as present go as well.
        :raises InUse: while a device is claimed, or is present and not gone.
        """
        key = self._key(name, lock=True)
        device = tables.Device
        here = device.host_id == key
        present = self._first(
            sa.select(device.id)
            .where(here, device.present.is_not(None))
            .limit(1)
        )
        if present and not gone:
            raise errors.InUse(f"Host {name} has devices that are present.")
        self._remove(
            sa.delete(device).where(here),
            f"Host {name} has devices that are claimed.",
            marks.NOBODY,
        )
        self._remove(
            sa.delete(_ROW).where(_ROW.id == key),
            f"Host {name} is in use.",
            marks.NOBODY,
        )

    def heartbeat(
        self, name: str, digest: str, user_id: str, now: datetime.datetime
    ) -> bool:
        noted = self._execute(
            sa.update(_ROW)
            .where(
                _ROW.name == name,
                _ROW.report_digest == digest,
                _ROW.agent_user_id == user_id,
            )
            .values(heartbeat_at=now),
            marks.NOBODY,
        )
        return noted == 1

    def silence(self, name: str, heard_at: datetime.datetime) -> bool:
        noted = self._execute(
            sa.update(_ROW)
            .where(
                _ROW.name == name,
                _ROW.heartbeat_at == heard_at,
                _ROW.report_digest.is_not(None),
            )
            .values(
                report_digest=None,
                # Who has read the host with its digest must not write it.
                generation=_ROW.generation + 1,
                updated_at=self._now(),
            ),
            marks.NOBODY,
        )
        return noted == 1

    def slots(self, name: str) -> dict[str, int]:
        rows = self._rows(
            sa.select(_SLOT.pci_address, _SLOT.slot)
            .join(_ROW, _ROW.id == _SLOT.host_id)
            .where(_ROW.name == name)
            .order_by(_SLOT.slot)
        )
        return {row.pci_address: row.slot for row in rows}

    def give_slots(self, name: str, slots: Mapping[str, int]) -> None:
        """:raises Conflict: when a number belongs to another address."""
        key = self._key(name, lock=True)
        known = self.slots(name)
        new = {a: n for a, n in slots.items() if a not in known}
        numbers = [*known.values(), *new.values()]
        if len(set(numbers)) != len(numbers):
            raise errors.Conflict(
                f"A slot number of host {name} is given already."
            )
        self._insert_many(
            _SLOT,
            [
                {"host_id": key, "pci_address": address, "slot": number}
                for address, number in new.items()
            ],
            marks.Of(hosts=(key,)),
        )

    def _key(self, name: str, lock: bool = False) -> int:
        statement = sa.select(_ROW.id).where(_ROW.name == name)
        if lock:
            statement = statement.with_for_update()
        row = self._first(statement)
        if row is None:
            raise repository.missing("host", name)
        return int(row[0])

    def _pool_key(self, name: str) -> int:
        row = self._first(sa.select(_POOL.id).where(_POOL.name == name))
        if row is None:
            raise errors.Invalid(
                f"pool: there is no pool {name}.", field="pool"
            )
        return int(row[0])

    def _add_capacities(self, key: int, host: hosts.Host) -> None:
        self._insert_many(
            _CAPACITY,
            [
                {"host_id": key, **dataclasses.asdict(capacity)}
                for capacity in host.capacities
            ],
            marks.Of(hosts=(key,)),
        )

    def _replace_capacities(self, key: int, host: hosts.Host) -> None:
        # A report changes the host and leaves them; so most often there is
        # nothing to write.
        stand = self._capacities([key]).get(key, ())
        if sorted(stand, key=_by_class) != sorted(
            host.capacities, key=_by_class
        ):
            self._execute(
                sa.delete(_CAPACITY).where(_CAPACITY.host_id == key),
                marks.Of(hosts=(key,)),
            )
            self._add_capacities(key, host)

    def _capacities(
        self, keys: Sequence[int]
    ) -> dict[int, tuple[hosts.Capacity, ...]]:
        found = self._grouped(
            sa.select(_CAPACITY.host_id, _CAPACITY).order_by(
                _CAPACITY.resource_class
            ),
            _CAPACITY.host_id,
            keys,
        )
        return {
            key: tuple(_capacity(row[1]) for row in rows)
            for key, rows in found.items()
        }

    def _filled(self, rows: Sequence[Any]) -> list[hosts.Host]:
        capacities = self._capacities([row[0].id for row in rows])
        return [
            _host(row[0], row[1], capacities.get(row[0].id, ()))
            for row in rows
        ]


def _select() -> base.Query:
    return sa.select(_ROW, _POOL.name).join(_POOL, _POOL.id == _ROW.pool_id)


def _by_class(capacity: hosts.Capacity) -> str:
    return capacity.resource_class


def _later(moment: datetime.datetime | None) -> Any:
    """A heartbeat is noted without a new generation, so that what the writer
    read may be older than what stands there."""
    if moment is None:
        return None
    return sa.case(
        (_ROW.heartbeat_at > moment, _ROW.heartbeat_at), else_=moment
    )


def _values(host: hosts.Host) -> dict[str, Any]:
    return {
        "hypervisor_hostname": host.hypervisor_hostname,
        "mode": host.mode,
        "provider_id": host.provider_id,
        "ticket_provider_id": host.ticket_provider_id,
        "compute_state": host.compute_state,
        "compute_reason": host.compute_reason,
        "zone": host.zone,
        "agent_user_id": host.agent_user_id,
        "agent_version": host.agent_version,
        "boot_id": host.boot_id,
        "report_digest": host.report_digest,
        "drained_at": host.drain.at if host.drain else None,
        "drained_by": host.drain.by if host.drain else "",
        "drain_detail": host.drain.detail if host.drain else "",
        "conditions": [dataclasses.asdict(c) for c in host.conditions],
        "updated_at": host.updated_at,
    }


def _capacity(row: tables.HostCapacity) -> hosts.Capacity:
    return hosts.Capacity(
        resource_class=row.resource_class,
        total=row.total,
        reserved=row.reserved,
        allocation_ratio=row.allocation_ratio,
        used=row.used,
    )


def _host(
    row: tables.Host, pool: str, capacities: tuple[hosts.Capacity, ...]
) -> hosts.Host:
    return hosts.Host(
        name=row.name,
        hypervisor_hostname=row.hypervisor_hostname,
        pool=pool,
        mode=row.mode,
        provider_id=row.provider_id,
        ticket_provider_id=row.ticket_provider_id,
        compute_state=row.compute_state,
        compute_reason=row.compute_reason,
        zone=row.zone,
        agent_user_id=row.agent_user_id,
        agent_version=row.agent_version,
        boot_id=row.boot_id,
        report_digest=row.report_digest,
        heartbeat_at=row.heartbeat_at,
        drain=_drain(row),
        conditions=tuple(hosts.Condition(**c) for c in row.conditions),
        capacities=capacities,
        generation=row.generation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _drain(row: tables.Host) -> hosts.Drain | None:
    if row.drained_at is None:
        return None
    return hosts.Drain(
        at=row.drained_at, detail=row.drain_detail, by=row.drained_by
    )
