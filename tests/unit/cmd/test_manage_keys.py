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
"""``gpubroker-manage keys`` from its arguments to its exit status."""

from __future__ import annotations

import contextlib
import io
import pathlib

import fixtures
import testtools

from gpubroker.cmd import manage
from tests.fixtures import database
from tests.functional.db import samples


class ManageKeysTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.folder = root / "keys"
        self.conf = root / "gpubroker.conf"
        found = self.useFixture(database.Database(folder=str(self.folder)))
        self.store = found.store
        self.conf.write_text(
            f"[database]\nconnection = {found.url}\n"
            f"[encryption]\nkey_repository = {self.folder}\n"
        )

    def keys(self, verb: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = manage.main(["--config-file", str(self.conf), "keys", verb])
        return code, out.getvalue(), err.getvalue()

    def order(self) -> str:
        with self.store.write() as tx:
            return tx.leases.add(samples.lease(), None).id

    def text(self, lease_id: str) -> str | None:
        with self.store.read() as tx:
            return tx.leases.user_data(lease_id)

    def test_create_and_check(self) -> None:
        code, _out, err = self.keys("check")
        self.assertEqual(1, code)
        self.assertIn("gpubroker-manage keys create", err)
        code, out, _err = self.keys("create")
        self.assertEqual(0, code)
        self.assertIn("Copy the folder", out)
        self.assertIn("already", self.keys("create")[1])
        code, out, _err = self.keys("check")
        self.assertEqual(
            (0, f"2 keys in {self.folder} can be read.\n"), (code, out)
        )

    def test_no_rotation_takes_a_key_that_is_needed(self) -> None:
        self.keys("create")
        lease = self.order()
        self.assertEqual(0, self.keys("rotate")[0])
        code, _out, err = self.keys("rotate")
        self.assertEqual(1, code)
        self.assertIn("of 1 leases", err)
        self.assertIn("keys migrate first", err)
        self.assertIn("of 1 leases is not", self.keys("check")[1])
        code, out, _err = self.keys("migrate")
        self.assertEqual(0, code)
        self.assertIn("of 1 leases", out)
        self.assertIn("of 0 leases", self.keys("migrate")[1])
        for _ in range(3):
            self.assertEqual(0, self.keys("rotate")[0])
            self.assertEqual(0, self.keys("migrate")[0])
        self.assertEqual("I2Nsb3Vk", self.text(lease))

    def test_what_no_key_fits_is_named_and_the_rest_is_done(self) -> None:
        self.keys("create")
        lost = self.order()
        for name in ("0", "1"):
            (self.folder / name).unlink()
        self.keys("create")
        kept = self.order()
        code, out, err = self.keys("migrate")
        self.assertEqual(1, code)
        self.assertIn("of 0 leases", out)
        self.assertIn(lost, err)
        self.assertNotIn(kept, err)
        self.assertEqual(1, self.keys("check")[0])
        self.assertEqual("I2Nsb3Vk", self.text(kept))

    def test_what_was_forgotten_meanwhile_stays_so(self) -> None:
        self.keys("create")
        lease = self.order()
        self.keys("rotate")
        with self.store.write() as tx:
            tx.leases.forget_user_data(lease)
            tx.leases.renew_user_data(lease)
            self.assertIsNone(tx.leases.user_data(lease))
        self.assertEqual(0, self.keys("rotate")[0])
