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
"""What is sealed opens with the right keys for the right owner only."""

from __future__ import annotations

import pathlib

import fixtures
import testtools

from gpubroker import errors
from gpubroker.db import key_files
from gpubroker.db import seal


class SealTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.files = key_files.KeyFiles(str(self.folder))
        self.files.create()
        self.seal = seal.Seal(str(self.folder))

    def refused(self, sealed: str, owner: str = "a") -> str:
        error = self.assertRaises(
            errors.Undecipherable, self.seal.open, sealed, owner
        )
        return str(error.fields["detail"])

    def test_it_opens_to_what_was_closed(self) -> None:
        for text in ("", "line\nline", "ä" * 100_000):
            sealed = self.seal.close(text, "a")
            self.assertEqual(text, self.seal.open(sealed, "a"))
            if text:
                self.assertNotIn(text, sealed)

    def test_nobody_elses_opens(self) -> None:
        """A row was copied to another lease by somebody in the database."""
        self.assertIn(
            "encrypted for a",
            self.refused(self.seal.close("secret", "a"), "b"),
        )

    def test_it_is_of_lease_project_and_user(self) -> None:
        ids = ("lease-1", "project-1", "user-1")
        sealed = self.seal.close("secret", seal.owner(*ids))
        self.assertEqual("secret", self.seal.open(sealed, seal.owner(*ids)))
        for place in range(3):
            others = [*ids]
            others[place] = "other"
            self.refused(sealed, seal.owner(*others))

    def test_neither_what_was_changed_nor_what_was_never_sealed(self) -> None:
        sealed = self.seal.close("secret", "a")
        changed = ("A" if sealed[40] != "A" else "B").join(
            (sealed[:40], sealed[41:])
        )
        for text in (changed, sealed[:-4], "", "I2Nsb3Vk"):
            self.assertIn("No key", self.refused(text))

    def test_an_older_key_opens_until_it_is_gone(self) -> None:
        sealed = self.seal.close("secret", "a")
        self.assertTrue(self.seal.fresh(sealed))
        self.files.rotate()
        self.assertFalse(self.seal.fresh(sealed))
        self.assertEqual("secret", self.seal.open(sealed, "a"))
        self.files.rotate()
        self.assertIn("No key", self.refused(sealed))

    def test_a_machine_that_only_has_the_staged_key_can_read(self) -> None:
        """Of two machines, one has rotated: the other one, which got the
        folder before, reads what the new primary key encrypts."""
        other = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name in ("0", "1"):
            (other / name).write_bytes((self.folder / name).read_bytes())
            (other / name).chmod(0o600)
        self.files.rotate()
        sealed = self.seal.close("secret", "a")
        self.assertEqual("secret", seal.Seal(str(other)).open(sealed, "a"))

    def test_without_keys_it_says_what_the_operator_has_to_do(self) -> None:
        sealed = self.seal.close("secret", "a")
        for name in ("0", "1"):
            (self.folder / name).unlink()
        self.assertIn("keys create", self.refused(sealed))
        logged = self.useFixture(fixtures.FakeLogger())
        self.assertRaises(errors.Misconfigured, self.seal.close, "secret", "a")
        self.assertIn("keys create", logged.output)
