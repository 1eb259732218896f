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

"""Where the migrations are."""

from __future__ import annotations

import pathlib

import alembic
import testtools

from gpubroker.db import migration


class ScriptsTest(testtools.TestCase):
    def test_they_are_ours_and_not_the_librarys(self) -> None:
        folder = migration.scripts()
        self.assertTrue((folder / "env.py").is_file())
        library = pathlib.Path(alembic.__file__).parent
        self.assertNotEqual(library.resolve(), folder.resolve())

    def test_no_package_there_shadows_the_library(self) -> None:
        self.assertFalse((migration.scripts() / "__init__.py").exists())
        self.assertTrue(hasattr(alembic, "op"))

    def test_one_line_of_revisions(self) -> None:
        steps = list(migration.directory().walk_revisions())
        self.assertEqual(migration.head(), steps[0].revision)
        self.assertIsNone(steps[-1].down_revision)
        for step in steps:
            self.assertFalse(step.is_branch_point or step.is_merge_point)
            self.assertTrue(migration.known(step.revision))
        self.assertFalse(migration.known("nonsense"))
