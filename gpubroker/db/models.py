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

"""Models of GPUs in SQL."""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa

from gpubroker.db import base
from gpubroker.db import pages
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import models
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

_ROW = tables.Model

_PLAN = pages.Plan(
    noun="model",
    key=_ROW.name,
    sorts={
        "name": (_ROW.name,),
        "family": (_ROW.family,),
        "vendor": (_ROW.vendor,),
        "memory_mib": (_ROW.memory_mib,),
        "resource_class": (_ROW.resource_class,),
        "created_at": (_ROW.created_at,),
        "updated_at": (_ROW.updated_at,),
    },
    default="name",
    filters={
        "name": pages.equals(_ROW.name),
        "family": pages.equals(_ROW.family),
        "vendor": pages.equals(_ROW.vendor),
        "resource_class": pages.equals(_ROW.resource_class),
        "builtin": pages.equals(_ROW.builtin),
    },
)


class Models(repository.Repository):
    def get(self, name: str) -> models.Model:
        row = self._first(sa.select(_ROW).where(_ROW.name == name))
        if row is None:
            raise repository.missing("model", name)
        return _model(row[0])

    def all(self) -> list[models.Model]:
        return [_model(r[0]) for r in self._rows(_ordered())]

    def page(self, page: Page) -> Listing[models.Model]:
        rows, more = pages.fetch(self._session, sa.select(_ROW), _PLAN, page)
        return Listing([_model(row[0]) for row in rows], more)

    def add(self, model: models.Model) -> models.Model:
        now = self._now()
        stored = dataclasses.replace(
            model, generation=1, created_at=now, updated_at=now
        )
        self._insert(
            _ROW,
            {
                **_values(stored),
                "name": model.name,
                "generation": 1,
                "created_at": now,
            },
            f"There is a model {model.name} already.",
        )
        return stored

    def update(self, model: models.Model) -> models.Model:
        stored = dataclasses.replace(
            model, generation=model.generation + 1, updated_at=self._now()
        )
        swapped = self._swap(
            _ROW,
            _ROW.name == model.name,
            model.generation,
            _values(stored),
            f"There is a model {model.name} already.",
        )
        if swapped is None:
            self.get(model.name)
            raise repository.moved_on("Model", model.name)
        return stored

    def delete(self, name: str) -> None:
        found = self._remove(
            sa.delete(_ROW).where(_ROW.name == name),
            f"Model {name} is in use by a flavor or a device.",
        )
        if not found:
            raise repository.missing("model", name)


def _ordered() -> base.Query:
    return sa.select(_ROW).order_by(_ROW.name)


def _values(model: models.Model) -> dict[str, Any]:
    return {
        "family": model.family,
        "vendor": model.vendor,
        "vendor_id": model.vendor_id,
        "product_ids": model.product_ids,
        "subsystem_ids": model.subsystem_ids,
        "memory_mib": model.memory_mib,
        "resource_class": model.resource_class,
        "alias": model.alias,
        "device_type": model.device_type,
        "board_slots": model.board_slots,
        "blocks": model.blocks,
        "builtin": model.builtin,
        "extra": model.extra,
        "updated_at": model.updated_at,
    }


def _model(row: tables.Model) -> models.Model:
    return models.Model(
        name=row.name,
        family=row.family,
        vendor=row.vendor,
        vendor_id=row.vendor_id,
        product_ids=tuple(row.product_ids),
        subsystem_ids=tuple(row.subsystem_ids),
        memory_mib=row.memory_mib,
        resource_class=row.resource_class,
        alias=row.alias,
        device_type=row.device_type,
        board_slots=row.board_slots,
        blocks=tuple(tuple(block) for block in row.blocks),
        builtin=row.builtin,
        extra=row.extra,
        generation=row.generation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
