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

"""Pools in SQL, and who plans them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.db import pages
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

_ROW = tables.Pool
_OWNER = tables.PoolOwner
_PROJECT = tables.PoolProject


def _for_project(value: Any) -> sa.ColumnElement[bool]:
    """Pools where one of these projects may order."""
    named = sa.select(_PROJECT.pool_id)
    return sa.or_(
        _ROW.id.not_in(named),
        _ROW.id.in_(named.where(pages.equals(_PROJECT.project_id)(value))),
    )


_PLAN = pages.Plan(
    noun="pool",
    key=_ROW.name,
    sorts={
        "name": (_ROW.name,),
        "created_at": (_ROW.created_at,),
        "updated_at": (_ROW.updated_at,),
    },
    default="name",
    filters={
        "name": pages.equals(_ROW.name),
        "admission": pages.equals(_ROW.admission),
        "project_id": _for_project,
    },
)


class Pools(repository.Repository):
    def get(self, name: str) -> pools.Pool:
        rows = self._rows(sa.select(_ROW).where(_ROW.name == name))
        if not rows:
            raise repository.missing("pool", name)
        return self._filled(rows)[0]

    def all(self) -> list[pools.Pool]:
        return self._filled(self._rows(sa.select(_ROW).order_by(_ROW.name)))

    def page(self, page: Page) -> Listing[pools.Pool]:
        scope = []
        if "project_id" in page.filters:
            scope.append(_for_project(page.filters["project_id"]))
        rows, more = pages.fetch(
            self._session, sa.select(_ROW), _PLAN, page, scope
        )
        return Listing(self._filled(rows), more)

    def add(self, pool: pools.Pool) -> pools.Pool:
        now = self._now()
        stored = dataclasses.replace(
            pool, generation=1, created_at=now, updated_at=now
        )
        key = self._insert(
            _ROW,
            {
                **_values(stored),
                "name": pool.name,
                "generation": 1,
                "created_at": now,
            },
            f"There is a pool {pool.name} already.",
        )
        self._insert_many(_OWNER, [{"pool_id": key, "epoch": 0, "plans": 0}])
        self._add_projects(key, pool)
        return stored

    def update(self, pool: pools.Pool) -> pools.Pool:
        stored = dataclasses.replace(
            pool, generation=pool.generation + 1, updated_at=self._now()
        )
        swapped = self._swap(
            _ROW,
            _ROW.name == pool.name,
            pool.generation,
            _values(stored),
            f"There is a pool {pool.name} already.",
        )
        key = self._key(pool.name)
        if swapped is None:
            raise repository.moved_on("Pool", pool.name)
        self._execute(sa.delete(_PROJECT).where(_PROJECT.pool_id == key))
        self._add_projects(key, pool)
        return stored

    def delete(self, name: str) -> None:
        # The lock makes an order that is being written wait, so that it can
        # not slip in between the question and the DELETE.
        key = self._key(name, lock=True)
        waiting = self._first(
            sa.select(tables.Lease.id)
            .where(
                tables.Lease.pool == name,
                tables.Lease.state.not_in(leases.FINAL),
            )
            .limit(1)
        )
        if waiting:
            raise errors.InUse(f"Pool {name} has leases that have not ended.")
        self._remove(
            sa.delete(_ROW).where(_ROW.id == key),
            f"Pool {name} has hosts; move them to another pool first.",
        )

    def own(
        self,
        name: str,
        owner: str,
        now: datetime.datetime,
        expires_at: datetime.datetime,
    ) -> pools.Ownership | None:
        key = self._key(name)
        mine = sa.update(_OWNER).where(_OWNER.pool_id == key)
        stayed = self._execute(
            mine.where(_OWNER.owner == owner, _OWNER.expires_at > now).values(
                expires_at=expires_at
            )
        )
        if not stayed:
            free = sa.or_(
                _OWNER.owner.is_(None),
                _OWNER.expires_at.is_(None),
                _OWNER.expires_at <= now,
            )
            taken = self._execute(
                mine.where(free).values(
                    owner=owner,
                    epoch=_OWNER.epoch + 1,
                    expires_at=expires_at,
                )
            )
            if not taken:
                return None
        row = self._first(sa.select(_OWNER.epoch).where(_OWNER.pool_id == key))
        return pools.Ownership(
            pool=name, owner=owner, epoch=row[0], expires_at=expires_at
        )

    def owners(self, now: datetime.datetime) -> dict[str, str | None]:
        rows = self._rows(
            sa.select(_ROW.name, _OWNER.owner, _OWNER.expires_at)
            .join(_OWNER, _OWNER.pool_id == _ROW.id)
            .order_by(_ROW.name)
        )
        return {
            row.name: row.owner
            if row.expires_at is not None and row.expires_at > now
            else None
            for row in rows
        }

    def renew(
        self,
        owner: str,
        names: Collection[str],
        now: datetime.datetime,
        expires_at: datetime.datetime,
    ) -> int:
        if not names:
            return 0
        return self._execute(
            sa.update(_OWNER)
            .where(
                _OWNER.pool_id.in_(_named(names)),
                _OWNER.owner == owner,
                _OWNER.expires_at > now,
            )
            .values(expires_at=expires_at)
        )

    def disown(self, owner: str, names: Collection[str] | None = None) -> None:
        # The epoch stays: it grows when the next one takes the pool.
        statement = sa.update(_OWNER).where(_OWNER.owner == owner)
        if names is not None:
            statement = statement.where(_OWNER.pool_id.in_(_named(names)))
        self._execute(statement.values(owner=None, expires_at=None))

    def still_owned(self, ownership: pools.Ownership) -> bool:
        # An UPDATE that changes something, not SELECT FOR UPDATE: a Galera
        # cluster replicates no locks, it compares what was written.
        key = sa.select(_ROW.id).where(_ROW.name == ownership.pool)
        noted = self._execute(
            sa.update(_OWNER)
            .where(
                _OWNER.pool_id == key.scalar_subquery(),
                _OWNER.owner == ownership.owner,
                _OWNER.epoch == ownership.epoch,
            )
            .values(plans=_OWNER.plans + 1)
        )
        return noted == 1

    def _key(self, name: str, lock: bool = False) -> int:
        statement = sa.select(_ROW.id).where(_ROW.name == name)
        if lock:
            statement = statement.with_for_update()
        row = self._first(statement)
        if row is None:
            raise repository.missing("pool", name)
        return int(row[0])

    def _add_projects(self, key: int, pool: pools.Pool) -> None:
        self._insert_many(
            _PROJECT,
            [
                {"pool_id": key, "project_id": project}
                for project in dict.fromkeys(pool.projects)
            ],
        )

    def _filled(self, rows: Sequence[Any]) -> list[pools.Pool]:
        projects = self._grouped(
            sa.select(_PROJECT.pool_id, _PROJECT.project_id).order_by(
                _PROJECT.project_id
            ),
            _PROJECT.pool_id,
            [row[0].id for row in rows],
        )
        return [
            _pool(row[0], tuple(r[1] for r in projects.get(row[0].id, [])))
            for row in rows
        ]


def _named(names: Collection[str]) -> sa.ScalarSelect[int]:
    return sa.select(_ROW.id).where(_ROW.name.in_(names)).scalar_subquery()


def _values(pool: pools.Pool) -> dict[str, Any]:
    return {
        "description": pool.description,
        "admission": pool.admission,
        "updated_at": pool.updated_at,
    }


def _pool(row: tables.Pool, projects: tuple[str, ...]) -> pools.Pool:
    return pools.Pool(
        name=row.name,
        description=row.description,
        admission=row.admission,
        projects=projects,
        generation=row.generation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
