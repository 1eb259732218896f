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

"""An auditor that shared code with the broker would share its faults."""

from __future__ import annotations

import ast
import pathlib
import sys

import testtools

import gpubroker.audit

ROOT = pathlib.Path(gpubroker.audit.__file__).parent
ALLOWED = {*sys.stdlib_module_names, "openstack", "keystoneauth1"}


def imported(path: pathlib.Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level
            found.add(node.module)
    return found


class AloneTest(testtools.TestCase):
    def test_it_imports_nothing_but_libraries_and_itself(self):
        wrong = {
            (str(path.relative_to(ROOT)), name)
            for path in ROOT.rglob("*.py")
            for name in imported(path)
            if name.partition(".")[0] not in ALLOWED
            and not f"{name}.".startswith("gpubroker.audit.")
        }
        self.assertEqual(set(), wrong)

    def test_it_has_no_word_for_writing(self):
        """All goes through one module, which knows GET alone."""
        talking = {
            path.relative_to(ROOT).as_posix()
            for path in ROOT.rglob("*.py")
            if {"keystoneauth1.adapter", "keystoneauth1"} & imported(path)
        }
        self.assertEqual(
            {"main.py", "reading/cloud.py", "reading/service.py"}, talking
        )
        calls = {
            node.attr
            for node in ast.walk(
                ast.parse((ROOT / "reading/service.py").read_text())
            )
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "_http"
        }
        self.assertEqual({"get"}, calls)
