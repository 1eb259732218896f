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

"""Leases in SQL, with their nodes and delegations."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from gpubroker import errors
from gpubroker.db import base
from gpubroker.db import lease_queue
from gpubroker.db import lease_rows
from gpubroker.db import pages
from gpubroker.db import repository
from gpubroker.db import seal
from gpubroker.db import tables
from gpubroker.domain import leases
from gpubroker.services import ports
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page

_ROW = tables.Lease
_NODE = tables.LeaseNode
_DELEGATION = tables.Delegation
_PROJECT = tables.Project

#: Instead of up to 64 KiB of text: "" where there is some.
_WHETHER_USER_DATA = sa.case((_ROW.user_data.is_not(None), ""))


class Leases(lease_queue.Queue):
    """Of user data only ``user_data`` loads the text; all others tell by
    "" that there is some.

    :param secret: what closes and opens user data.
    """

    def __init__(
        self, session: orm.Session, clock: ports.Clock, secret: seal.Seal
    ) -> None:
        super().__init__(session, clock)
        self._seal = secret

    def get(
        self, lease_id: str, project_id: str | None = None
    ) -> leases.Lease:
        statement = _select().where(_ROW.uuid == lease_id)
        if project_id is not None:
            statement = statement.where(_ROW.project_id == project_id)
        rows = self._rows(statement)
        if not rows:
            raise repository.missing("lease", lease_id)
        return self._filled(rows)[0]

    def find(self, name: str, project_id: str) -> list[leases.Lease]:
        """Oldest first."""
        return self._found(_ROW.name == name, _ROW.project_id == project_id)

    def page(self, page: Page) -> Listing[leases.Lease]:
        scope = []
        if "project_id" in page.filters:
            own = pages.equals(_ROW.project_id)
            scope.append(own(page.filters["project_id"]))
        rows, more = pages.fetch(
            self._session,
            _select(),
            lease_rows.PLAN,
            page,
            scope,
        )
        return Listing(self._filled(rows), more)

    def add(
        self, lease: leases.Lease, delegation: leases.Delegation | None
    ) -> leases.Lease:
        now = self._now()
        stored = dataclasses.replace(
            lease,
            generation=1,
            created_at=now,
            updated_at=now,
            user_data=None if lease.user_data is None else "",
        )
        key = self._insert(
            _ROW,
            {
                **lease_rows.values(stored),
                **lease_rows.fixed(stored),
                "user_data": self._closed(lease),
                "pool_id": self._pool_key(lease.pool),
                "generation": 1,
                "created_at": now,
            },
            f"There is a lease {lease.id} already.",
        )
        self._insert_many(
            _NODE,
            [
                {
                    **lease_rows.node_values(node),
                    "uuid": node.id,
                    "lease_id": key,
                    "position": node.index,
                }
                for node in lease.nodes
            ],
        )
        if delegation is not None:
            self._add_delegation(key, delegation)
        return stored

    def _add_delegation(self, key: int, delegation: leases.Delegation) -> None:
        row = {"lease_id": key, **lease_rows.delegation_values(delegation)}
        self._insert_many(_DELEGATION, [row])

    def update(self, lease: leases.Lease) -> leases.Lease:
        """What an order fixed (project, user, flavor, sizes, pool, time)
        stays as it was."""
        stored = dataclasses.replace(
            lease, generation=lease.generation + 1, updated_at=self._now()
        )
        swapped = self._swap(
            _ROW,
            _ROW.uuid == lease.id,
            lease.generation,
            lease_rows.values(stored),
            f"There is a lease {lease.id} already.",
        )
        if swapped is None:
            self._key(lease.id)
            raise repository.moved_on("Lease", lease.id)
        return stored

    def user_data(self, lease_id: str) -> str | None:
        sealed, owner = self._sealed(lease_id)
        return None if sealed is None else self._seal.open(sealed, owner)

    def _closed(self, lease: leases.Lease) -> str | None:
        if lease.user_data is None:
            return None
        owner = seal.owner(lease.id, lease.project_id, lease.user_id)
        return self._seal.close(lease.user_data, owner)

    def _sealed(self, lease_id: str) -> tuple[str | None, str]:
        """The text, and whose it has to be."""
        row = self._first(
            sa.select(_ROW.user_data, _ROW.project_id, _ROW.user_id).where(
                _ROW.uuid == lease_id
            )
        )
        if row is None:
            raise repository.missing("lease", lease_id)
        text, project_id, user_id = row
        return text, seal.owner(lease_id, project_id, user_id)

    def with_user_data(self) -> list[str]:
        rows = self._rows(
            sa.select(_ROW.uuid).where(_ROW.user_data.is_not(None))
        )
        return [row[0] for row in rows]

    def user_data_is_fresh(self, lease_id: str) -> bool:
        sealed, _owner = self._sealed(lease_id)
        return sealed is None or self._seal.fresh(sealed)

    def renew_user_data(self, lease_id: str) -> None:
        sealed, owner = self._sealed(lease_id)
        if sealed is None:
            return
        text = self._seal.open(sealed, owner)
        # Only what was read: a worker may have made it forgotten since.
        self._execute(
            sa.update(_ROW)
            .where(_ROW.uuid == lease_id, _ROW.user_data == sealed)
            .values(user_data=self._seal.close(text, owner))
        )

    def forget_user_data(self, lease_id: str) -> None:
        self._execute(
            sa.update(_ROW).where(_ROW.uuid == lease_id).values(user_data=None)
        )

    def update_node(self, node: leases.Node) -> None:
        changed = self._execute(
            sa.update(_NODE)
            .where(_NODE.uuid == node.id)
            .values(**lease_rows.node_values(node))
        )
        if not changed:
            raise repository.missing("lease node", node.id)

    def in_state(
        self, states: Collection[leases.State], pool: str | None = None
    ) -> list[leases.Lease]:
        """First come first."""
        conditions: list[sa.ColumnElement[bool]] = [_ROW.state.in_(states)]
        if pool is not None:
            conditions.append(_ROW.pool == pool)
        return self._found(*conditions)

    def with_server(self, server_id: str) -> list[leases.Lease]:
        node = sa.select(_NODE.lease_id).where(_NODE.server_id == server_id)
        return self._found(_ROW.id.in_(node), _ROW.state.not_in(leases.FINAL))

    def some(self, ids: Collection[str]) -> list[leases.Lease]:
        return [
            lease
            for batch in repository.batches(ids)
            for lease in self._found(_ROW.uuid.in_(batch))
        ]

    def held_for_rights(self, pool: str) -> list[leases.Lease]:
        return self._found(
            _ROW.pool == pool,
            _ROW.state == leases.State.QUEUED,
            sa.or_(
                _ROW.rights_gone_at.is_not(None),
                _ROW.identity_mode == leases.IdentityMode.CALLER,
            ),
        )

    def expiring(self, now: datetime.datetime) -> list[leases.Lease]:
        return self._found(
            _ROW.state == leases.State.ACTIVE, _ROW.expires_at <= now
        )

    def delegation(self, lease_id: str) -> leases.Delegation | None:
        row = self._first(
            sa.select(_DELEGATION)
            .join(_ROW, _ROW.id == _DELEGATION.lease_id)
            .where(_ROW.uuid == lease_id)
        )
        if row is None:
            return None
        return lease_rows.delegation(row[0], lease_id)

    def trust_ids(self) -> set[str]:
        rows = self._rows(
            sa.select(_DELEGATION.trust_id).where(
                _DELEGATION.trust_id.is_not(None)
            )
        )
        return {row[0] for row in rows}

    def forget_delegation(self, lease_id: str) -> None:
        lease = sa.select(_ROW.id).where(_ROW.uuid == lease_id)
        self._execute(
            sa.delete(_DELEGATION).where(
                _DELEGATION.lease_id == lease.scalar_subquery()
            )
        )

    def wait_turn(self, project_id: str) -> None:
        # An UPDATE that changes something, not SELECT FOR UPDATE: a Galera
        # cluster replicates no locks, it compares what was written.
        key = {"project_id": project_id}
        turn = (
            sa.update(_PROJECT)
            .where(_PROJECT.project_id == project_id)
            .values(orders=_PROJECT.orders + 1)
        )
        if self._execute(turn):
            return
        try:
            self._insert(_PROJECT, {**key, "orders": 1}, "")
        except errors.Duplicate:
            # Another order, the project's first, has just been written.
            self._execute(turn)

    def count_open(self, project_id: str) -> int:
        count = self._first(
            sa.select(sa.func.count())
            .select_from(_ROW)
            .where(
                _ROW.project_id == project_id,
                _ROW.state.not_in(leases.FINAL),
            )
        )
        return int(count[0])

    def _found(
        self, *conditions: sa.ColumnElement[bool]
    ) -> list[leases.Lease]:
        return self._filled(
            self._rows(
                _select()
                .where(*conditions)
                .order_by(_ROW.requested_at, _ROW.uuid)
            )
        )

    def _filled(self, rows: Sequence[Any]) -> list[leases.Lease]:
        nodes = self._grouped(
            sa.select(_NODE.lease_id, _NODE).order_by(
                _NODE.lease_id, _NODE.position
            ),
            _NODE.lease_id,
            [row[0].id for row in rows],
        )
        return [
            lease_rows.lease(
                row[0],
                row.user_data,
                tuple(
                    lease_rows.node(found[1], row[0].uuid)
                    for found in nodes.get(row[0].id, [])
                ),
            )
            for row in rows
        ]

    def _key(self, lease_id: str) -> int:
        row = self._first(sa.select(_ROW.id).where(_ROW.uuid == lease_id))
        if row is None:
            raise repository.missing("lease", lease_id)
        return int(row[0])

    def _pool_key(self, name: str) -> int:
        row = self._first(
            sa.select(tables.Pool.id).where(tables.Pool.name == name)
        )
        if row is None:
            raise errors.Invalid(
                f"pool: there is no pool {name}.", field="pool"
            )
        return int(row[0])


def _select() -> base.Query:
    return sa.select(_ROW, sa.label("user_data", _WHETHER_USER_DATA))
