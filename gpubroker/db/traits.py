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

"""Traits of providers in SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from gpubroker.db import base
from gpubroker.db import marks
from gpubroker.db import pages
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import traits
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

_ROW = tables.ProviderTrait
_HOST = tables.Host
_DEVICE = tables.Device


def _marked(marker: Any) -> sa.ColumnElement[bool]:
    """The row of ``ProviderTrait.key``."""
    parts = str(marker).split("/")
    if len(parts) != 4:
        return sa.false()
    host, device, trait, source = parts
    return sa.and_(
        _HOST.name == host,
        _DEVICE.uuid == device if device else _DEVICE.uuid.is_(None),
        _ROW.trait == trait,
        _ROW.source == source,
    )


_PLAN = pages.Plan(
    noun="trait",
    key=_ROW.id,
    sorts={
        "host": (_HOST.name, _ROW.device_id, _ROW.trait),
        "trait": (_ROW.trait, _HOST.name),
    },
    default="host",
    filters={
        "host": pages.equals(_HOST.name),
        "device_id": pages.equals(_DEVICE.uuid),
        "trait": pages.equals(_ROW.trait),
    },
    marker=_marked,
)


class Traits(repository.Repository):
    def page(self, page: Page) -> Listing[traits.ProviderTrait]:
        rows, more = pages.fetch(self._session, _select(), _PLAN, page)
        return Listing([_trait(row) for row in rows], more)

    def of_host(self, host: str) -> list[traits.ProviderTrait]:
        rows = self._rows(
            _select()
            .where(_HOST.name == host)
            .order_by(_ROW.device_id, _ROW.trait, _ROW.source)
        )
        return [_trait(row) for row in rows]

    def of_hosts(self, names: Collection[str]) -> dict[str, frozenset[str]]:
        rows = self._rows(
            sa.select(_HOST.name, _ROW.trait)
            .join(_HOST, _HOST.id == _ROW.host_id)
            .where(_HOST.name.in_(names), _ROW.device_id.is_(None))
        )
        found: dict[str, set[str]] = {}
        for host, trait in rows:
            found.setdefault(host, set()).add(trait)
        return {host: frozenset(names) for host, names in found.items()}

    def replace(
        self,
        host: str,
        source: traits.Source,
        found: Collection[traits.ProviderTrait],
    ) -> None:
        # The lock keeps two reconcilers of one host from adding a trait of
        # the host twice: its device is NULL, and NULLs never clash.
        key = self._first(
            sa.select(_HOST.id).where(_HOST.name == host).with_for_update()
        )
        if key is None:
            raise repository.missing("host", host)
        keys = self._device_keys(found)
        missing = {(_device_key(keys, one), one.trait) for one in found}
        rows = self._rows(
            sa.select(_ROW.id, _ROW.device_id, _ROW.trait).where(
                _ROW.host_id == key[0], _ROW.source == source
            )
        )
        gone = []
        for row in rows:
            pair = (row.device_id, row.trait)
            if pair in missing:
                missing.remove(pair)
            else:
                gone.append(row.id)
        of = marks.Of(hosts=(key[0],))
        if gone:
            self._execute(sa.delete(_ROW).where(_ROW.id.in_(gone)), of)
        # In one order everywhere, so that writers wait instead of clashing.
        new = sorted(missing, key=lambda pair: (pair[0] or 0, pair[1]))
        same = {"host_id": key[0], "source": source}
        self._insert_many(
            _ROW, [{**same, "device_id": d, "trait": t} for d, t in new], of
        )

    def _device_keys(
        self, found: Collection[traits.ProviderTrait]
    ) -> dict[str, int]:
        ids = {one.device_id for one in found if one.device_id}
        if not ids:
            return {}
        rows = self._rows(
            sa.select(_DEVICE.uuid, _DEVICE.id).where(_DEVICE.uuid.in_(ids))
        )
        return {row.uuid: row.id for row in rows}


def _device_key(
    keys: dict[str, int], trait: traits.ProviderTrait
) -> int | None:
    if trait.device_id is None:
        return None
    if trait.device_id not in keys:
        raise repository.missing("device", trait.device_id)
    return keys[trait.device_id]


def _select() -> base.Query:
    return (
        sa.select(
            _ROW.trait,
            _ROW.source,
            _HOST.name.label("host"),
            _DEVICE.uuid.label("device_id"),
        )
        .join(_HOST, _HOST.id == _ROW.host_id)
        .outerjoin(_DEVICE, _DEVICE.id == _ROW.device_id)
    )


def _trait(row: Any) -> traits.ProviderTrait:
    return traits.ProviderTrait(
        trait=row.trait,
        source=row.source,
        host=row.host,
        device_id=row.device_id,
    )
