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

"""Events in SQL: only ever inserted, until they are purged."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gpubroker.db import pages
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import events
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

_ROW = tables.Event


def _of_device(value: Any) -> sa.ColumnElement[bool]:
    """By id, and by serial: a card keeps its history when it is found again
    as another device."""
    serial = sa.select(tables.Device.serial).where(
        pages.equals(tables.Device.uuid)(value),
        tables.Device.serial.is_not(None),
    )
    return sa.or_(pages.equals(_ROW.device_id)(value), _ROW.serial.in_(serial))


def _marked(marker: Any) -> sa.ColumnElement[bool]:
    text = str(marker)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        return sa.false()
    return _ROW.id == int(text)


_PLAN = pages.Plan(
    noun="event",
    key=_ROW.id,
    sorts={"id": (_ROW.id,), "at": (_ROW.at,)},
    default="id",
    filters={
        "lease_id": pages.equals(_ROW.lease_id),
        "device_id": _of_device,
        "serial": pages.equals(_ROW.serial),
        "host": pages.equals(_ROW.host),
        "kind": pages.equals(_ROW.kind),
    },
    marker=_marked,
)


class Events(repository.Repository):
    def add(self, event: events.Event) -> None:
        self._insert_many(
            _ROW,
            [
                {
                    "at": event.at,
                    "kind": event.kind,
                    "message": event.message,
                    "lease_id": event.lease_id,
                    "device_id": event.device_id,
                    "serial": event.serial,
                    "host": event.host,
                    "request_id": event.request_id,
                    "acted_by": event.by,
                    "by_operator": event.operator,
                    "detail": event.detail,
                }
            ],
        )

    def page(self, page: Page) -> Listing[events.Event]:
        rows, more = pages.fetch(self._session, sa.select(_ROW), _PLAN, page)
        return Listing([_event(row[0]) for row in rows], more)


def _event(row: tables.Event) -> events.Event:
    return events.Event(
        id=row.id,
        at=row.at,
        kind=row.kind,
        message=row.message,
        lease_id=row.lease_id,
        device_id=row.device_id,
        serial=row.serial,
        host=row.host,
        request_id=row.request_id,
        by=row.acted_by,
        operator=row.by_operator,
        detail=row.detail,
    )
