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
"""Trusts that no lease has, in SQL."""

from __future__ import annotations

import datetime

import sqlalchemy as sa

from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import trusts

_ROW = tables.Trust


class Trusts(repository.Repository):
    def all(self) -> list[trusts.Trust]:
        """Oldest first."""
        rows = self._rows(sa.select(_ROW).order_by(_ROW.id))
        return [_trust(row[0]) for row in rows]

    def add(self, trust: trusts.Trust) -> None:
        self._insert(
            _ROW,
            {
                "user_id": trust.user_id,
                "project_id": trust.project_id,
                "expires_at": trust.expires_at,
                "begun_at": trust.begun_at,
                "tries": trust.tries,
                "tried_at": trust.tried_at,
            },
            "There is such a trust already.",
        )

    def tried(self, trust: trusts.Trust, now: datetime.datetime) -> bool:
        changed = self._execute(
            sa.update(_ROW)
            .where(*_is(trust))
            .values(tries=trust.tries + 1, tried_at=now)
        )
        return changed == 1

    def remove(self, trust: trusts.Trust) -> bool:
        return self._execute(sa.delete(_ROW).where(*_is(trust))) == 1


def _is(trust: trusts.Trust) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _ROW.user_id == trust.user_id,
        _ROW.project_id == trust.project_id,
        _ROW.expires_at == trust.expires_at,
        _ROW.tries == trust.tries,
    )


def _trust(row: tables.Trust) -> trusts.Trust:
    return trusts.Trust(
        user_id=row.user_id,
        project_id=row.project_id,
        expires_at=row.expires_at,
        begun_at=row.begun_at,
        tries=row.tries,
        tried_at=row.tried_at,
    )
