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
"""User data: encrypted while it waits, shown to nobody, gone afterwards."""

from __future__ import annotations

import base64
import pathlib
import shutil
from typing import Any

import fixtures
import sqlalchemy as sa
import testtools

from gpubroker import errors
from gpubroker.api import routing
from gpubroker.api.controllers import root
from gpubroker.db import key_files
from gpubroker.db import tables
from gpubroker.domain import leases
from gpubroker.services import end
from tests.fixtures import api as api_fixture
from tests.fixtures import clock as test_clock
from tests.fixtures import cloud
from tests.fixtures import database
from tests.fixtures import world

SECRET = "#cloud-config password: Tr0ub4dor-and-3"
TEXT = base64.b64encode(SECRET.encode()).decode()


class Waiting(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keys = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path, "keys"
        )
        key_files.KeyFiles(str(self.keys)).create()
        clock = test_clock.Clock()
        self.database = self.useFixture(
            database.Database(clock=clock, folder=str(self.keys))
        )
        self.world = self.useFixture(
            world.World(
                ("gpu-1",),
                cards=2,
                clock=clock,
                store=self.database.store,
                start_timeout=90.0,
            )
        )

    def order(self, **more: Any) -> leases.Lease:
        more.setdefault("user_data", TEXT)
        return self.world.order(workload=more)

    def dump(self) -> str:
        """Every value of every table, and the file with all it forgot."""
        with self.world.store.engine.connect() as connection:
            rows = [
                str(row)
                for table in tables.Lease.metadata.sorted_tables
                for row in connection.execute(sa.select(table))
            ]
        path = pathlib.Path(self.database.url.removeprefix("sqlite:///"))
        files = [
            file.read_bytes().decode("latin-1")
            for file in path.parent.glob(f"{path.name}*")
        ]
        return "\n".join(rows + files)

    def nowhere(self) -> bool:
        found = self.dump()
        for text in (TEXT, SECRET, "Tr0ub4dor"):
            # Not assertNotIn, which would print all that was found.
            self.assertEqual(-1, found.find(text), text)
        return True

    def kept(self, lease: leases.Lease) -> bool:
        """Whether there is some, in whatever form."""
        with self.world.store.engine.connect() as connection:
            found = connection.execute(
                sa.select(tables.Lease.user_data).where(
                    tables.Lease.uuid == lease.id
                )
            ).scalar_one()
        return found is not None

    def until(self, lease: leases.Lease, state: str) -> leases.Lease:
        """Go on, and look at all of the database before each turn."""
        self.world.run(
            lambda: self.nowhere() and self.world.get(lease.id).state == state
        )
        return self.world.get(lease.id)

    def test_no_table_holds_it_on_the_whole_way(self) -> None:
        lease = self.order()
        self.assertEqual("", self.world.get(lease.id).user_data)
        self.assertNotIn("user_data", lease.workload)
        self.assertTrue(self.kept(lease))
        self.until(lease, "active")
        self.assertEqual(TEXT, self.world.cloud.last_user_data)
        self.assertFalse(self.kept(lease))
        end.end(self.world.core, lease.id)
        self.until(lease, "ended")

    def test_a_failed_start_that_comes_again_still_has_it(self) -> None:
        self.world.cloud.fates = ["error"]
        lease = self.order()
        self.world.run(lambda: self.world.get(lease.id).attempts == 1)
        self.assertTrue(self.kept(lease))
        self.world.cloud.last_user_data = None
        self.until(lease, "active")
        self.assertEqual(TEXT, self.world.cloud.last_user_data)

    def test_it_is_gone_when_the_lease_failed(self) -> None:
        lease = self.order(image="broken")
        self.until(lease, "failed")
        self.assertFalse(self.kept(lease))

    def test_it_is_gone_when_the_order_was_cancelled(self) -> None:
        lease = self.order()
        end.end(self.world.core, lease.id)
        self.until(lease, "ended")
        self.assertFalse(self.kept(lease))
        self.assertIsNone(self.world.cloud.last_user_data)

    def test_a_copied_row_starts_nobody_elses_server(self) -> None:
        """Somebody who writes to the database wants to read with a server
        of their own what another user ordered."""
        theirs = self.order()
        ours = self.order(user_data=base64.b64encode(b"x").decode())
        end.end(self.world.core, theirs.id)
        with self.world.store.engine.begin() as connection:
            row = sa.select(tables.Lease.user_data).where(
                tables.Lease.uuid == theirs.id
            )
            connection.execute(
                sa.update(tables.Lease)
                .where(tables.Lease.uuid == ours.id)
                .values(user_data=connection.execute(row).scalar_one())
            )
        self.world.settle(ours.id, "failed")
        self.assertIsNone(self.world.cloud.last_user_data)

    def moved(self, **fields: str) -> leases.Lease:
        """Alice's lease, into whose rows somebody wrote the trust of bob's,
        and what else is said."""
        theirs = self.order()
        bobs = self.world.order("bobs", user="bob", project="vision")
        row, trust = tables.Lease, tables.Delegation
        with self.world.store.read() as tx:
            found = tx.leases.delegation(bobs.id)
        end.end(self.world.core, bobs.id)
        self.assertIsNotNone(found)
        key = sa.select(row.id).where(row.uuid == theirs.id).scalar_subquery()
        with self.world.store.engine.begin() as connection:
            connection.execute(sa.delete(trust).where(trust.lease_id != key))
            connection.execute(
                sa.update(trust).values(trust_id=found and found.trust_id)
            )
            if fields:
                connection.execute(
                    sa.update(row)
                    .where(row.uuid == theirs.id)
                    .values(**fields)
                )
        return theirs

    def test_a_lease_that_is_made_ones_own_starts_no_server(self) -> None:
        lease = self.moved(project_id="vision", user_id="bob")
        self.world.settle(lease.id, "failed", told=["trust-left"])
        self.assertEqual(0, self.world.cloud.posts)

    def test_nor_does_one_that_got_anothers_trust(self) -> None:
        lease = self.moved()
        log = self.useFixture(fixtures.FakeLogger())
        self.world.settle(lease.id, "failed", told=["trust-left"])
        self.assertEqual(0, self.world.cloud.posts)
        self.assertIn("not theirs", self.world.get(lease.id).reason)
        self.assertIn("by user bob in project vision", log.output)

    # -- keys that are missing ------------------------------------------------

    def test_an_order_without_keys_leaves_nothing(self) -> None:
        shutil.rmtree(self.keys)
        error = self.assertRaises(errors.Misconfigured, self.order)
        self.assertIn("can not be kept safe", error.message)
        self.assertEqual([], self.world.open())
        self.assertEqual({}, self.world.leftovers())
        # Who has no user data needs no key.
        self.world.settle(self.order(user_data=None).id, "active")

    def test_a_start_waits_for_keys_and_says_so(self) -> None:
        lease = self.order()
        away = self.keys.rename(self.keys.with_name("away"))
        self.world.run(lambda: bool(self.world.get(lease.id).reason))
        found = self.world.get(lease.id)
        self.assertIn("user data of this lease can not be", found.reason)
        self.assertNotIn(str(self.keys), found.reason)
        # No POST was begun whose answer could be missing.
        self.assertEqual(0, self.world.cloud.posts)
        away.rename(self.keys)
        self.until(lease, "active")
        self.assertEqual(TEXT, self.world.cloud.last_user_data)

    def test_a_start_whose_key_is_lost_fails_in_the_end(self) -> None:
        lease = self.order()
        shutil.rmtree(self.keys)
        key_files.KeyFiles(str(self.keys)).create()
        found = self.world.settle(lease.id, "failed")
        self.assertIn("Start 3 of 3 failed", found.reason)
        self.assertIn("user data of this lease can not be", found.reason)
        self.assertFalse(self.kept(lease))
        self.assertEqual(0, self.world.cloud.posts)
        self.assertEqual({}, self.world.leftovers())

    def test_it_can_be_seen_and_ended_without_keys(self) -> None:
        lease = self.order()
        shutil.rmtree(self.keys)
        self.assertEqual("", self.world.get(lease.id).user_data)
        end.end(self.world.core, lease.id)
        self.until(lease, "ended")


class Answers(testtools.TestCase):
    """No answer of any route has it, in no state, for nobody."""

    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())

    def ask(
        self, method: str, path: str, body: Any = None, **more: Any
    ) -> Any:
        answer = self.api.call(method, path, body, **more)
        said = f"{answer.text}{answer.headers}"
        for text in (TEXT, SECRET):
            self.assertNotIn(text, said, f"{method} {path}")
        return answer

    def ask_all(self, lease_id: str) -> None:
        known = {"lease_id": lease_id, "name": "gpu-1"}
        for route in routing.walk(root.TREE):
            if route.method != "GET":
                continue
            path = route.path.format_map({**_ANY, **known})
            for who in (api_fixture.MEMBER, api_fixture.ADMIN):
                self.ask("GET", path, who=who)

    def test_in_every_state(self) -> None:
        body = {
            "name": "train",
            "flavor": "gpu.1",
            "duration": 3600,
            "workload": {
                "type": "server",
                "image": cloud.IMAGE,
                "user_data": TEXT,
            },
        }
        lease_id = self.ask("POST", "/v1/leases", body).json["id"]
        path = f"/v1/leases/{lease_id}"
        for bad in ({"flavor": "none"}, {"nodes": 10**6}, {"no": TEXT[:9]}):
            refused = self.ask("POST", "/v1/leases", {**body, **bad})
            self.assertEqual(400, refused.status_int)
        self.ask_all(lease_id)
        self.ask("PATCH", path, {"name": "other"})
        self.api.world.settle(lease_id, "active")
        self.ask_all(lease_id)
        self.ask("POST", f"{path}/extensions", {"by": 60})
        self.ask("DELETE", path)
        self.api.world.settle(lease_id, "ended")
        self.ask_all(lease_id)
        # Not the name of a field that could be asked for, either.
        for query in ("sort_key=user_data", "user_data=x"):
            answer = self.ask("GET", f"/v1/leases?{query}")
            self.assertEqual(400, answer.status_int)


#: Path parameters that lead to nothing.
_ANY = {
    "flavor": "gpu.1",
    "device_id": "none",
    "reason": "operator",
}
