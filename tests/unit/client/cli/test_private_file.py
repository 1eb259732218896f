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

from __future__ import annotations

import os
import pathlib
import stat

import fixtures
import testtools

from gpubroker.client.cli import private_file


class Writing(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / "agent.conf"

    def mode(self):
        return stat.S_IMODE(self.path.stat().st_mode)

    def test_only_the_owner_can_read_it_whatever_the_umask(self):
        for mask in (0o000, 0o277):
            before = os.umask(mask)
            try:
                private_file.write(self.path, "secret")
            finally:
                os.umask(before)
            self.assertEqual(0o600, self.mode())

    def test_a_former_file_is_replaced_with_its_mode(self):
        self.path.write_text("old")
        self.path.chmod(0o644)
        private_file.write(self.path, "new")
        self.assertEqual("new", self.path.read_text())
        self.assertEqual(0o600, self.mode())

    def test_a_link_is_replaced_and_its_target_left_alone(self):
        target = self.folder / "target"
        target.write_text("untouched")
        self.path.symlink_to(target)
        private_file.write(self.path, "new")
        self.assertEqual("untouched", target.read_text())
        self.assertFalse(self.path.is_symlink())

    def test_a_failure_leaves_the_former_file_and_no_draft(self):
        self.path.write_text("old")
        # A lone surrogate can not be encoded: the write fails half way.
        self.assertRaises(
            UnicodeEncodeError, private_file.write, self.path, "x\ud800"
        )
        self.assertEqual("old", self.path.read_text())
        self.assertEqual([self.path], list(self.folder.iterdir()))

    def test_a_folder_in_its_place_is_an_error(self):
        self.path.mkdir()
        self.assertRaises(OSError, private_file.write, self.path, "x")
        self.assertEqual([self.path], list(self.folder.iterdir()))
