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


class Installation(repository.Repository):
    def name(self) -> str:
        row = self._first(sa.select(tables.Installation.name))
        if row is None:
            raise errors.Unavailable(
                "The database does not say which installation it belongs to: "
                "it was not made by gpubroker-manage db upgrade."
            )
        return str(row[0])
