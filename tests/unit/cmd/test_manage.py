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

"""gpubroker-manage from its arguments to its exit status."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import io
import pathlib

import fixtures
import sqlalchemy as sa
import testtools

from gpubroker.cmd import manage
from gpubroker.domain import catalogue
from gpubroker.domain import leases
from tests.fixtures import database
from tests.functional.db import base
from tests.functional.db import samples


def _left_behind() -> leases.Lease:
    """Over, and its flavor may still be there."""
    made = samples.lease(state=leases.State.ENDED, ended_at=base.START)
    old = base.START - datetime.timedelta(days=9999)
    node = dataclasses.replace(made.nodes[0], shape_id="shape-x")
    return dataclasses.replace(made, ended_at=old, nodes=(node,))


class ManageTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def manage(self, url: str, *args: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        conf = self.folder / "gpubroker.conf"
        conf.write_text(f"[database]\nconnection = {url}\n")
        return self.run_command("--config-file", str(conf), *args)

    def run_command(self, *args: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = manage.main(args)
            except SystemExit as left:
                code = int(left.code or 0)
        return code, out.getvalue(), err.getvalue()

    def empty(self) -> str:
        return f"sqlite:///{self.folder}/new.sqlite"

    def test_upgrade_makes_everything_and_can_be_repeated(self) -> None:
        url = self.empty()
        count = len(catalogue.MODELS)
        code, out, _ = self.manage(url, "db", "upgrade")
        self.assertEqual(0, code)
        self.assertIn("from nothing to", out)
        self.assertIn(f"{count} added", out)
        code, out, _ = self.manage(url, "db", "upgrade")
        self.assertEqual(0, code)
        self.assertIn("the newest", out)
        self.assertIn("0 added", out)

    def test_version_and_check(self) -> None:
        url = self.empty()
        self.assertEqual((0, "none\n"), self.manage(url, "db", "version")[:2])
        code, _, err = self.manage(url, "db", "check")
        self.assertEqual(1, code)
        self.assertIn("gpubroker-manage db upgrade", err)
        self.manage(url, "db", "upgrade")
        self.assertEqual(0, self.manage(url, "db", "check")[0])
        self.assertNotEqual("none\n", self.manage(url, "db", "version")[1])

    def test_a_schema_of_a_newer_release_is_left_alone(self) -> None:
        made = self.useFixture(database.Database())
        with made.store.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE alembic_version SET version_num = '9999'")
            )
        for verb in ("upgrade", "check"):
            code, out, err = self.manage(made.url, "db", verb)
            self.assertEqual((1, ""), (code, out))
            self.assertIn("newer", err)

    def test_a_database_that_can_not_be_reached(self) -> None:
        for url in (
            "mysql+pymysql://u:S3cret@127.0.0.1:1/x",
            "postgresql+psycopg2://u:S3cret@127.0.0.1:1/x",
            "sqlite:////nonexistent/x.sqlite",
            "nonsense://",
            "nonsense",
        ):
            for verb in ("upgrade", "version", "check"):
                code, out, err = self.manage(url, "db", verb)
                self.assertEqual((3, ""), (code, out), url)
                self.assertIn("[database] connection", err)
                self.assertNotIn("Traceback", err)
                self.assertNotIn("S3cret", err)

    def test_purge_says_what_it_deletes(self) -> None:
        url = self.empty()
        self.manage(url, "db", "upgrade")
        for args in ((), ("--dry-run",), ("--batch", "1")):
            code, out, _ = self.manage(
                url, "purge", "--older-than", "90d", *args
            )
            self.assertEqual(0, code)
            says = "Would delete" if args == ("--dry-run",) else "Deleted"
            self.assertIn(f"{says} what is from before ", out)
            self.assertIn("0 leases with 0 nodes", out)

    def test_purge_tells_which_leases_stay_and_why(self) -> None:
        made = self.useFixture(database.Database())
        over = [_left_behind() for _lease in range(22)]
        with made.store.write() as tx:
            for lease in over:
                tx.leases.add(lease, None)
        code, out, _ = self.manage(made.url, "purge", "--older-than", "1d")
        self.assertEqual(0, code)
        self.assertIn(f"Lease {over[0].id} stays: a flavor or a ticket", out)
        self.assertIn("So do 2 more", out)

    def test_purge_wants_to_know_how_old(self) -> None:
        for args in (
            (),
            ("--older-than", "nonsense"),
            ("--older-than", "1h"),
            ("--older-than", "90d", "--batch", "0"),
            ("--older-than", "90d", "--batch", "many"),
        ):
            code, _, err = self.run_command("purge", *args)
            self.assertEqual(2, code, args)
            self.assertNotIn("Traceback", err)

    def test_purge_without_tables(self) -> None:
        code, _, err = self.manage(
            self.empty(), "purge", "--older-than", "90d"
        )
        self.assertEqual(1, code)
        self.assertIn("gpubroker-manage db upgrade", err)

    def test_wrong_command_lines(self) -> None:
        for args in ((), ("db",), ("db", "nonsense"), ("nonsense",)):
            self.assertEqual(2, self.run_command(*args)[0])
        code, _, err = self.run_command(
            "--config-file", "/nonexistent", "db", "check"
        )
        self.assertEqual(1, code)
        self.assertIn("/nonexistent", err)

    def test_help_teaches(self) -> None:
        code, out, _ = self.run_command("--help")
        self.assertEqual(0, code)
        for word in ("db upgrade", "purge", "--config-file", "Exit status"):
            self.assertIn(word, out)
        code, out, _ = self.run_command("db", "--help")
        self.assertEqual(0, code)
        for verb in ("upgrade", "version", "check"):
            self.assertIn(verb, out)
