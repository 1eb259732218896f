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

"""Flavors in SQL, with their models in order of preference."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.db import pages
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import flavors
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

_ROW = tables.Flavor
_MODEL = tables.FlavorModel
_TRAIT = tables.FlavorTrait


def _with_model(value: Any) -> sa.ColumnElement[bool]:
    return _ROW.id.in_(
        sa.select(_MODEL.flavor_id)
        .join(tables.Model, tables.Model.id == _MODEL.model_id)
        .where(pages.equals(tables.Model.name)(value))
    )


_PLAN = pages.Plan(
    noun="flavor",
    key=_ROW.uuid,
    sorts={
        "id": (_ROW.uuid,),
        "name": (_ROW.name,),
        "gpus": (_ROW.gpus,),
        "vcpus": (_ROW.vcpus,),
        "ram_mib": (_ROW.ram_mib,),
        "disk_gib": (_ROW.disk_gib,),
        "created_at": (_ROW.created_at,),
        "updated_at": (_ROW.updated_at,),
    },
    default="name",
    filters={
        "id": pages.equals(_ROW.uuid),
        "name": pages.equals(_ROW.name),
        "kind": pages.equals(_ROW.kind),
        "model": _with_model,
    },
    marker=lambda ref: sa.or_(_ROW.uuid == ref, _ROW.name == ref),
)


class Flavors(repository.Repository):
    def get(self, ref: str) -> flavors.Flavor:
        rows = self._rows(
            sa.select(_ROW).where(sa.or_(_ROW.uuid == ref, _ROW.name == ref))
        )
        if not rows:
            raise repository.missing("flavor", ref)
        # One flavor may bear another's id as its name: the id wins.
        rows = sorted(rows, key=lambda row: row[0].uuid != ref)
        return self._filled(rows[:1])[0]

    def all(self) -> list[flavors.Flavor]:
        return self._filled(self._rows(sa.select(_ROW).order_by(_ROW.name)))

    def page(self, page: Page) -> Listing[flavors.Flavor]:
        rows, more = pages.fetch(self._session, sa.select(_ROW), _PLAN, page)
        return Listing(self._filled(rows), more)

    def add(self, flavor: flavors.Flavor) -> flavors.Flavor:
        now = self._now()
        stored = dataclasses.replace(
            flavor, generation=1, created_at=now, updated_at=now
        )
        key = self._insert(
            _ROW,
            {
                **_values(stored),
                "uuid": flavor.id,
                "generation": 1,
                "created_at": now,
            },
            f"There is a flavor {flavor.name} already.",
        )
        self._add_parts(key, flavor)
        return stored

    def update(self, flavor: flavors.Flavor) -> flavors.Flavor:
        stored = dataclasses.replace(
            flavor, generation=flavor.generation + 1, updated_at=self._now()
        )
        swapped = self._swap(
            _ROW,
            _ROW.uuid == flavor.id,
            flavor.generation,
            _values(stored),
            f"There is a flavor {flavor.name} already.",
        )
        key = self._first(sa.select(_ROW.id).where(_ROW.uuid == flavor.id))
        if key is None:
            raise repository.missing("flavor", flavor.id)
        if swapped is None:
            raise repository.moved_on("Flavor", flavor.name)
        self._execute(sa.delete(_MODEL).where(_MODEL.flavor_id == key[0]))
        self._execute(sa.delete(_TRAIT).where(_TRAIT.flavor_id == key[0]))
        self._add_parts(key[0], flavor)
        return stored

    def delete(self, ref: str) -> None:
        found = self.get(ref)
        self._remove(
            sa.delete(_ROW).where(_ROW.uuid == found.id),
            f"Flavor {ref} is in use.",
        )

    def _add_parts(self, key: int, flavor: flavors.Flavor) -> None:
        known = {
            row.name: row.id
            for row in self._rows(
                sa.select(tables.Model.name, tables.Model.id).where(
                    tables.Model.name.in_(flavor.models)
                )
            )
        }
        unknown = [name for name in flavor.models if name not in known]
        if unknown:
            raise errors.Invalid(
                f"models: there is no model {unknown[0]}.", field="models"
            )
        self._insert_many(
            _MODEL,
            [
                {"flavor_id": key, "position": n, "model_id": known[name]}
                for n, name in enumerate(flavor.models)
            ],
        )
        self._insert_many(
            _TRAIT,
            [
                {"flavor_id": key, "trait": trait}
                for trait in dict.fromkeys(flavor.traits)
            ],
        )

    def _filled(self, rows: Sequence[Any]) -> list[flavors.Flavor]:
        keys = [row[0].id for row in rows]
        models = self._grouped(
            sa.select(_MODEL.flavor_id, tables.Model.name)
            .join(tables.Model, tables.Model.id == _MODEL.model_id)
            .order_by(_MODEL.flavor_id, _MODEL.position),
            _MODEL.flavor_id,
            keys,
        )
        traits = self._grouped(
            sa.select(_TRAIT.flavor_id, _TRAIT.trait).order_by(_TRAIT.trait),
            _TRAIT.flavor_id,
            keys,
        )
        return [
            _flavor(
                row[0],
                tuple(r[1] for r in models.get(row[0].id, [])),
                tuple(r[1] for r in traits.get(row[0].id, [])),
            )
            for row in rows
        ]


def _values(flavor: flavors.Flavor) -> dict[str, Any]:
    return {
        "name": flavor.name,
        "description": flavor.description,
        "kind": flavor.kind,
        "gpus": flavor.gpus,
        "vcpus": flavor.vcpus,
        "ram_mib": flavor.ram_mib,
        "disk_gib": flavor.disk_gib,
        "topology": flavor.topology,
        "extra_specs": flavor.extra_specs,
        "updated_at": flavor.updated_at,
    }


def _flavor(
    row: tables.Flavor, models: tuple[str, ...], traits: tuple[str, ...]
) -> flavors.Flavor:
    return flavors.Flavor(
        id=row.uuid,
        name=row.name,
        description=row.description,
        kind=row.kind,
        models=models,
        gpus=row.gpus,
        vcpus=row.vcpus,
        ram_mib=row.ram_mib,
        disk_gib=row.disk_gib,
        topology=row.topology,
        extra_specs=row.extra_specs,
        traits=traits,
        generation=row.generation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
