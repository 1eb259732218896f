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


"""Failed starts in SQL, by the host where they failed."""

from __future__ import annotations

import datetime
from collections.abc import Collection

import sqlalchemy as sa

from gpubroker.db import marks
from gpubroker.db import repository
from gpubroker.db import tables
from gpubroker.domain import failures

_ROW = tables.StartFailure
_HOST = tables.Host

Found = dict[str, tuple[failures.Failure, ...]]


class Failures(repository.Repository):
    def of_hosts(self, names: Collection[str]) -> Found:
        return self._found(_HOST.name.in_(names)) if names else {}

    def note(
        self, failure: failures.Failure, since: datetime.datetime
    ) -> None:
        host = self._first(
            sa.select(_HOST.id).where(_HOST.name == failure.host)
        )
        if host is None:
            raise repository.missing("host", failure.host)
        of = marks.Of(hosts=(host[0],))
        rows = self._rows(
            sa.select(_ROW.lease_id, _ROW.at).where(_ROW.host_id == host[0])
        )
        gone = [
            row.lease_id
            for row in rows
            if row.at < since or row.lease_id == failure.lease_id
        ]
        if gone:
            self._execute(
                sa.delete(_ROW).where(
                    _ROW.host_id == host[0], _ROW.lease_id.in_(gone)
                ),
                of,
            )
        self._insert_many(
            _ROW,
            [
                {
                    "host_id": host[0],
                    "lease_id": failure.lease_id,
                    "project_id": failure.project_id,
                    "at": failure.at,
                    "until": failure.until,
                    "message": failure.message,
                    "counts": failure.counts,
                }
            ],
            of,
        )

    def excuse(self, names: Collection[str]) -> None:
        rows = self._rows(
            sa.select(_ROW.host_id)
            .distinct()
            .join(_HOST, _HOST.id == _ROW.host_id)
            .where(_HOST.name.in_(names), _ROW.counts.is_(True))
        )
        keys = tuple(row[0] for row in rows)
        if keys:
            self._execute(
                sa.update(_ROW)
                .where(_ROW.host_id.in_(keys), _ROW.counts.is_(True))
                .values(counts=False),
                marks.Of(hosts=keys),
            )

    def _found(self, condition: sa.ColumnElement[bool]) -> Found:
        rows = self._rows(
            sa.select(_ROW, _HOST.name)
            .join(_HOST, _HOST.id == _ROW.host_id)
            .where(condition)
            .order_by(_HOST.name, _ROW.at, _ROW.lease_id)
        )
        found: dict[str, list[failures.Failure]] = {}
        for row, host in rows:
            found.setdefault(host, []).append(_failure(row, host))
        return {host: tuple(some) for host, some in found.items()}


def _failure(row: tables.StartFailure, host: str) -> failures.Failure:
    return failures.Failure(
        host=host,
        lease_id=row.lease_id,
        project_id=row.project_id,
        at=row.at,
        until=row.until,
        message=row.message,
        counts=row.counts,
    )
