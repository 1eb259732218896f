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


"""The command from its arguments to its exit status."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
from typing import Any

import fixtures
import sqlalchemy as sa
import testtools

from gpubroker.cmd import status
from gpubroker.db import key_files
from gpubroker.services.checks.mistakes import Mistake
from tests.fixtures import database
from tests.functional.db import samples

NOT_CHECKED = (
    "Not checked, because Keystone does not answer; see the row that says why."
)


class StatusTest(testtools.TestCase):
    """Where nothing answers: 127.0.0.1:1 is no Keystone."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.err = io.StringIO()
        self.url = self.useFixture(database.Database()).url

    def run_check(self, text: str) -> tuple[int, dict[str, tuple[int, str]]]:
        """The exit status, and title -> (level, detail)."""
        conf = self.folder / "gpubroker.conf"
        conf.write_text(text)
        out = io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(self.err),
        ):
            code = status.main(
                ["--config-file", str(conf), "upgrade", "check", "--json"]
            )
        report: dict[str, Any] = json.loads(out.getvalue())
        return code, {
            one["check"]: (one["result"], one["details"] or "")
            for one in report["checks"]
        }

    def config(self, **more: str) -> str:
        sections = {
            "DEFAULT": "transport_url = rabbit://u:S3cret@127.0.0.1:1/",
            "database": f"connection = {self.url}",
            "encryption": f"key_repository = {database.keys()}",
            "service_user": (
                "auth_type = password\nauth_url = http://127.0.0.1:1/v3\n"
                "username = gpubroker\npassword = S3cret\n"
                "project_name = service\nuser_domain_id = default\n"
                "project_domain_id = default"
            ),
            **more,
        }
        return "\n".join(f"[{name}]\n{s}" for name, s in sections.items())

    def test_a_dead_keystone_fails_and_spares_the_other_checks(self) -> None:
        code, found = self.run_check(self.config())
        self.assertEqual(2, code)
        level, detail = found["Database"]
        self.assertEqual(1, level)
        self.assertIn(f"{Mistake.DATABASE_SQLITE}: ", detail)
        self.assertEqual((0, "2 keys."), found["Keys for user data"])
        level, detail = found["Roles of the broker's user"]
        self.assertEqual(2, level)
        self.assertIn(f"{Mistake.IDENTITY_REFUSED}: ", detail)
        self.assertIn("127.0.0.1:1", detail)
        for title in ("Placement", "Nova", "Slots", "Trusts"):
            self.assertEqual((1, NOT_CHECKED), found[title], title)

    def test_a_database_that_does_not_answer(self) -> None:
        _code, found = self.run_check(
            self.config(
                database="connection = mysql+pymysql://u:S3cret@127.0.0.1:1/g"
            )
        )
        level, detail = found["Database"]
        self.assertEqual(2, level)
        self.assertIn(f"{Mistake.DATABASE_AWAY}: ", detail)
        self.assertIn("[database] connection", detail)

    def test_keys_that_are_not_there_or_open_to_everybody(self) -> None:
        folder = self.folder / "keys"
        config = self.config(encryption=f"key_repository = {folder}")
        level, detail = self.run_check(config)[1]["Keys for user data"]
        self.assertEqual(2, level)
        self.assertIn("gpubroker-manage keys create", detail)
        key_files.KeyFiles(str(folder)).create()
        (folder / "0").chmod(0o644)
        level, detail = self.run_check(config)[1]["Keys for user data"]
        self.assertEqual(2, level)
        self.assertIn(f"chmod o-rwx {folder}/0", detail)

    def test_keys_that_do_not_fit(self) -> None:
        found = self.useFixture(database.Database())
        with found.store.write() as tx:
            tx.leases.add(samples.lease(), None)
        folder = self.folder / "others"
        key_files.KeyFiles(str(folder)).create()
        for keys, wanted in ((database.keys(), ""), (folder, "keys-other")):
            _level, detail = self.run_check(
                self.config(
                    database=f"connection = {found.url}",
                    encryption=f"key_repository = {keys}",
                )
            )[1]["Keys for user data"]
            self.assertEqual(
                wanted == Mistake.KEYS_OTHER, "[encryption]" in detail
            )

    def test_an_empty_database(self) -> None:
        path = self.folder / "empty.sqlite"
        _code, found = self.run_check(
            self.config(database=f"connection = sqlite:///{path}")
        )
        level, detail = found["Database"]
        self.assertEqual(2, level)
        self.assertIn(f"{Mistake.DATABASE_EMPTY}: ", detail)
        self.assertIn("gpubroker-manage db upgrade", detail)

    def test_a_database_of_another_release(self) -> None:
        found = self.useFixture(database.Database())
        with found.store.engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE alembic_version SET version_num = '9999'")
            )
        _code, rows = self.run_check(
            self.config(database=f"connection = {found.url}")
        )
        level, detail = rows["Database"]
        self.assertEqual(2, level)
        self.assertIn(f"{Mistake.DATABASE_BEHIND}: ", detail)
        for title in ("Agents", "Models", "Keys for user data"):
            level, detail = rows[title]
            self.assertEqual(1, level)
            self.assertIn("has not the tables of this release", detail)

    def test_an_empty_configuration_tells_what_to_set(self) -> None:
        code, found = self.run_check(f"[database]\nconnection = {self.url}")
        self.assertEqual(2, code)
        self.assertIn("transport_url", found["Message bus"][1])
        self.assertIn("[service_user]", found["Roles of the broker's user"][1])

    def test_no_password_in_any_answer(self) -> None:
        for text in (
            self.config(DEFAULT="transport_url = u:S3cret@127.0.0.1:1/"),
            self.config(DEFAULT="transport_url = hare://u:S3cret@h:1/"),
            self.config(),
            self.config(
                database="connection = mysql+pymysql://u:S3cret@127.0.0.1:1/g"
            ),
        ):
            _code, found = self.run_check(text)
            self.assertNotIn("S3cret", str(found))

    def test_a_bus_that_is_none(self) -> None:
        for url, mistake, wanted in (
            ("hare://u:p@127.0.0.1:1/", Mistake.BUS_UNSET, 2),
            ("rabbit://", Mistake.BUS_UNSET, 2),
            ("fake:/", Mistake.BUS_INSIDE, 1),
        ):
            _code, found = self.run_check(
                self.config(DEFAULT=f"transport_url = {url}")
            )
            level, detail = found["Message bus"]
            self.assertEqual(wanted, level)
            self.assertIn(f"{mistake}: ", detail)

    def test_what_can_not_even_begin_says_so_without_a_traceback(
        self,
    ) -> None:
        with contextlib.redirect_stderr(self.err):
            code = status.main(
                ["--config-file", "/nowhere/g.conf", "upgrade", "check"]
            )
        self.assertEqual(255, code)
        self.assertIn("/nowhere/g.conf", self.err.getvalue())
        self.assertNotIn("Traceback", self.err.getvalue())

    def test_the_help_teaches(self) -> None:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertRaises(SystemExit, status.main, ["--help"])
        for words in ("before each upgrade", "--read-only", "Exit status"):
            self.assertIn(words, out.getvalue())

    def test_the_table_has_a_line_for_each_finding(self) -> None:
        conf = self.folder / "gpubroker.conf"
        conf.write_text(self.config())
        out = io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(self.err),
        ):
            status.main(["--config-file", str(conf), "upgrade", "check"])
        lines = [line.strip("| ") for line in out.getvalue().splitlines()]
        self.assertTrue(
            any(line.startswith("Not checked, because") for line in lines)
            or any("Details: Not checked, because" in line for line in lines)
        )
        self.assertTrue(all(len(line) < 80 for line in lines))
        self.assertIn("--nova-conf", self.err.getvalue())

    def test_policy_file(self) -> None:
        policy = self.folder / "policy.yaml"
        policy.write_text('"gpubroker:lease:creat": "role:member"\n')
        _code, found = self.run_check(
            self.config(oslo_policy=f"policy_file = {policy}")
        )
        level, detail = found["Policy rules"]
        self.assertEqual(1, level)
        self.assertIn("gpubroker:lease:creat,", detail)

    def test_policy_file_in_json(self) -> None:
        policy = self.folder / "policy.json"
        policy.write_text('{"gpubroker:lease:create": "role:member"}\n')
        _code, found = self.run_check(
            self.config(oslo_policy=f"policy_file = {policy}")
        )
        self.assertEqual(0, found["Policy rules"][0])
        self.assertEqual(2, found["Format of the policy file"][0])

    def test_policy_file_that_is_no_yaml(self) -> None:
        policy = self.folder / "policy.yaml"
        policy.write_text('"a: [')
        _code, found = self.run_check(
            self.config(oslo_policy=f"policy_file = {policy}")
        )
        level, detail = found["Policy rules"]
        self.assertEqual(2, level)
        self.assertIn(f"{Mistake.POLICY_UNREADABLE}: ", detail)
