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

"""A database that fails over to another server.

What the broker sees of it: its connections break, none can be made for a
while, then there is a server that only reads, until it is made the first.
"""

from __future__ import annotations

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.domain import pools
from tests.fixtures import severed
from tests.functional.db import base

USER = "gpubroker_plain"


class Tests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        self.way = self.useFixture(severed.Severed(self.plain()))
        self.url = self.way.url
        self.ours = self.another_store()

    def admin(self, statement: str) -> None:
        with self.store.engine.connect() as connection:
            made = connection.execution_options(isolation_level="AUTOCOMMIT")
            made.exec_driver_sql(statement)

    def add(self, name: str) -> None:
        def work(tx) -> None:
            tx.pools.add(pools.Pool(name=name))

        self.ours.run(work)

    def names(self) -> set[str]:
        with self.ours.read() as tx:
            return {pool.name for pool in tx.pools.all()}

    def test_nothing_but_waiting_comes_of_it(self) -> None:
        self.add("before")
        self.way.down()
        for call in (self.names, self.ours.now, lambda: self.add("down")):
            self.assertRaises(errors.Unavailable, call)
        self.only_reads()
        self.way.up()
        self.assertEqual({"default", "before"}, self.names())
        self.assertRaises(errors.Unavailable, self.add, "standby")
        self.reads_and_writes()
        self.add("after")
        self.assertEqual({"default", "before", "after"}, self.names())


class OnMariaDB(Tests, base.OnMariaDB):
    def plain(self) -> str:
        """A user who may not write where only reading is."""
        url = sa.make_url(self.url)
        self.admin(f"DROP USER IF EXISTS {USER}@'127.0.0.1'")
        self.admin(f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY 'plain'")
        self.admin(f"GRANT ALL ON {url.database}.* TO {USER}@'127.0.0.1'")
        self.addCleanup(self.admin, f"DROP USER {USER}@'127.0.0.1'")
        return url.set(username=USER, password="plain").render_as_string(
            hide_password=False
        )

    def only_reads(self) -> None:
        # Holds back neither an administrator nor the other tests.
        self.admin("SET GLOBAL read_only = 1")
        self.addCleanup(self.reads_and_writes)

    def reads_and_writes(self) -> None:
        self.admin("SET GLOBAL read_only = 0")


class OnPostgreSQL(Tests, base.OnPostgreSQL):
    def plain(self) -> str:
        return self.url

    def only_reads(self) -> None:
        self.set("on")
        self.addCleanup(self.reads_and_writes)

    def reads_and_writes(self) -> None:
        self.set("off")
        # For new connections; a server that is made the first does it to
        # those there are, too.
        self.way.down()
        self.way.up()

    def set(self, word: str) -> None:
        name = sa.make_url(self.url).database
        self.admin(
            f'ALTER DATABASE "{name}" '
            f"SET default_transaction_read_only = {word}"
        )
