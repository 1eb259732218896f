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

"""A mark for each host, another one after each change of what it can offer.

Who has once worked out what a host can offer knows by its mark whether that
still stands. A mark is drawn by lot, not counted: after the database was
restored, or a host added under a key that was free again, a count could come
back to a number that meant something else.

The marks are written as the last thing of a transaction and in one order, so
that no two transactions wait for each other in a circle on their account, and
each holds them for no longer than its commit takes. Apart from ``host``, whose
rows are locked early and by heartbeats.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import orm

from gpubroker.db import tables

_MARK = tables.HostMark
_DEVICE = tables.Device
_WANTED = "gpubroker_marks"

#: Tables whose rows tell what a host can offer. No repository writes to one
#: without saying of which hosts.
STANDING = frozenset(
    entity.__tablename__
    for entity in (
        tables.Host,
        tables.HostCapacity,
        tables.HostSlot,
        tables.StartFailure,
        tables.Device,
        tables.DeviceConsumer,
        tables.Fence,
        tables.ProviderTrait,
        tables.Claim,
    )
)


@dataclass(frozen=True, slots=True)
class Of:
    """Whose standing a write changes.

    :param hosts: keys.
    :param devices: outward ids; their hosts are looked up at the end, when
        whoever moves one to another host meanwhile waits for the mark.
    """

    hosts: tuple[int, ...] = ()
    devices: tuple[str, ...] = ()


#: For writes to columns that no offer and no plan looks at.
NOBODY = Of()


def check(table: str, of: Of | None) -> None:
    """:raises RuntimeError: when it is not said whose standing changes."""
    if of is None and table in STANDING:
        raise RuntimeError(f"a write to {table} must say of which hosts")


def note(session: orm.Session, of: Of | None) -> None:
    """To be marked when the transaction ends."""
    if of is not None:
        hosts, devices = session.info.setdefault(_WANTED, (set(), set()))
        hosts.update(of.hosts)
        devices.update(of.devices)


def write(session: orm.Session) -> None:
    """The last thing before a commit; only reads may come between."""
    hosts, devices = session.info.pop(_WANTED, (set(), set()))
    if devices:
        rows = session.execute(
            sa.select(_DEVICE.host_id)
            .distinct()
            .where(_DEVICE.uuid.in_(sorted(devices)))
        )
        hosts.update(row[0] for row in rows)
    if hosts:
        _write(session, hosts)


def draw() -> int:
    """Fits a signed BIGINT."""
    return secrets.randbits(63)


def _write(session: orm.Session, hosts: Iterable[int]) -> None:
    table = tables.table(_MARK)
    session.connection().execute(
        sa.update(table)
        .where(table.c.host_id == sa.bindparam("key"))
        .values(mark=draw()),
        [{"key": key} for key in sorted(hosts)],
    )
