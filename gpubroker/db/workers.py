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
"""Who works, in SQL."""

from __future__ import annotations

import datetime

import sqlalchemy as sa

from gpubroker.db import repository
from gpubroker.db import tables

_ROW = tables.Worker


class Workers(repository.Repository):
    def announce(
        self,
        name: str,
        now: datetime.datetime,
        expires_at: datetime.datetime,
    ) -> int:
        known = self._execute(
            sa.update(_ROW)
            .where(_ROW.name == name)
            .values(expires_at=expires_at)
        )
        if not known:
            self._insert(
                _ROW,
                {"name": name, "expires_at": expires_at},
                f"There is a worker {name} already.",
            )
        rows = self._rows(sa.select(_ROW.name, _ROW.expires_at))
        # By name: a DELETE that has to look at every row would wait for
        # those that others are renewing, and they for this one's.
        for gone in sorted(r.name for r in rows if r.expires_at <= now):
            if gone != name:
                self._execute(
                    sa.delete(_ROW).where(
                        _ROW.name == gone, _ROW.expires_at <= now
                    )
                )
        return sum(r.name == name or r.expires_at > now for r in rows)

    def running(self, now: datetime.datetime) -> int:
        rows = self._rows(sa.select(_ROW.name).where(_ROW.expires_at > now))
        return len(list(rows))

    def leave(self, name: str) -> None:
        self._execute(sa.delete(_ROW).where(_ROW.name == name))
