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
"""Which installation this database belongs to."""

from __future__ import annotations

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.db import repository
from gpubroker.db import tables

_ROW = tables.Installation


class Installation(repository.Repository):
    def name(self) -> str:
        row = self._first(sa.select(tables.Installation.name))
        if row is None:
            raise errors.Unavailable(
                "The database does not say which installation it belongs to: "
                "it was not made by gpubroker-manage db upgrade."
            )
        return str(row[0])

    def count(self) -> int:
        return int(self._first(sa.select(_ROW.count))[0])

    def count_on(self, beyond: int = 0) -> int:
        # The UPDATE first: it holds the row until the commit.
        self._execute(
            sa.update(_ROW).values(
                count=sa.case((_ROW.count > beyond, _ROW.count), else_=beyond)
                + 1
            )
        )
        return self.count()

    def become(self, name: str) -> None:
        if self._first(sa.select(tables.Lease.id).limit(1)) is not None:
            raise errors.Conflict(
                f"This database has leases of installation {self.name()}: it "
                "can not become another one."
            )
        self._execute(sa.update(_ROW).values(name=name))
