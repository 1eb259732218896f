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
"""The folder of keys, whatever is wrong with it."""

from __future__ import annotations

import os
import pathlib

import fixtures
import testtools

from gpubroker import errors
from gpubroker.db import key_files


class KeyFilesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.folder = root / "etc" / "keys"
        self.files = key_files.KeyFiles(str(self.folder))

    def names(self) -> list[str]:
        return sorted(os.listdir(self.folder))

    def refused(self) -> str:
        """What the operator is told; users learn no path."""
        error = self.assertRaises(errors.Misconfigured, self.files.read)
        self.assertNotIn(str(self.folder), error.message)
        return str(error.fields["detail"])

    def test_made_once_for_the_owner_and_the_group_alone(self) -> None:
        self.assertTrue(self.files.create())
        self.assertEqual(["0", "1"], self.names())
        self.assertEqual(0o700, self.folder.stat().st_mode & 0o777)
        for name in self.names():
            mode = (self.folder / name).stat().st_mode
            self.assertEqual(0o640, mode & 0o777)
        before = self.files.read()
        self.assertFalse(self.files.create())
        self.assertEqual(before, self.files.read())

    def test_a_rotation_makes_the_staged_key_the_primary_one(self) -> None:
        self.files.create()
        first, staged = self.files.read()
        self.assertEqual(2, self.files.rotate())
        primary, before, new = self.files.read()
        self.assertEqual((staged, first), (primary, before))
        self.assertNotIn(new, (staged, first))

    def test_three_are_kept(self) -> None:
        self.files.create()
        for _ in range(4):
            self.files.rotate()
        self.assertEqual(["0", "4", "5"], self.names())

    def test_a_killed_rotation_is_finished_by_the_next_one(self) -> None:
        self.files.create()
        (self.folder / "0").rename(self.folder / "2")
        (self.folder / ".0.new").write_text("half a k")
        self.assertEqual(2, len(self.files.read()))
        self.assertEqual(2, self.files.rotate())
        self.assertEqual(["0", "1", "2"], self.names())
        self.assertEqual(3, len(self.files.read()))

    def test_no_folder_and_no_key(self) -> None:
        for _ in range(2):
            self.assertIn("keys create", self.refused())
            self.folder.mkdir(parents=True, exist_ok=True)

    def test_a_key_that_everybody_may_read(self) -> None:
        self.files.create()
        (self.folder / "1").chmod(0o604)
        self.assertIn(f"chmod o-rwx {self.folder}/1", self.refused())

    def test_a_folder_that_everybody_may_write(self) -> None:
        self.files.create()
        self.folder.chmod(0o702)
        self.assertIn(f"chmod o-w {self.folder}", self.refused())

    def test_a_key_that_can_not_be_read(self) -> None:
        self.files.create()
        # What root can not read either.
        (self.folder / "1").unlink()
        (self.folder / "1").mkdir(mode=0o700)
        said = self.refused()
        self.assertIn(f"{self.folder}/1: Is a directory", said)
        self.assertIn("has to be able to read", said)

    def test_a_key_that_was_cut_off(self) -> None:
        self.files.create()
        (self.folder / "1").write_bytes(b"half")
        self.assertIn(f"{self.folder}/1 is no Fernet key", self.refused())
