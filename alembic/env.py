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

"""How alembic meets the database; the connection is handed in.

``gpubroker.db.migration`` calls this; running the alembic command by hand is
for writing a new revision only.
"""

from __future__ import annotations

from alembic import context

from gpubroker.db import tables


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=tables.METADATA,
        # SQLite can not ALTER a constraint: alembic copies the table then.
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
