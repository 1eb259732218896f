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


"""What pyproject.toml says is what is there."""

from __future__ import annotations

import configparser
import importlib
import pathlib
import tomllib
from typing import Any

import setuptools
import testtools

ROOT = pathlib.Path(__file__).resolve().parents[3]

#: The folder alembic/ at the root, under the name it has once installed.
MIGRATIONS = {"gpubroker.db.migrations", "gpubroker.db.migrations.versions"}


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


class PackagesTest(testtools.TestCase):
    def test_list_is_complete(self) -> None:
        listed = pyproject()["tool"]["setuptools"]["packages"]
        found = setuptools.find_packages(
            str(ROOT), include=["gpubroker", "gpubroker.*"]
        )
        self.assertEqual(sorted({*found, *MIGRATIONS}), listed)

    def test_every_folder_with_code_is_a_package(self) -> None:
        """A folder without ``__init__.py`` would stay out of the wheel."""
        for path in (ROOT / "gpubroker").rglob("*.py"):
            self.assertTrue(
                (path.parent / "__init__.py").is_file(),
                f"{path.parent} has no __init__.py",
            )

    def test_alembic_folder_does_not_shadow_the_library(self) -> None:
        """As a package it would hide the library from every import made in
        the root of a checkout."""
        self.assertEqual([], list((ROOT / "alembic").rglob("__init__.py")))
        library = importlib.import_module("alembic")
        self.assertNotIn(str(ROOT / "alembic"), str(library.__file__))

    def test_environment_script_stands_where_it_is_mapped_from(self) -> None:
        folders = pyproject()["tool"]["setuptools"]["package-dir"]
        folder = ROOT / folders["gpubroker.db.migrations"]
        self.assertTrue((folder / "env.py").is_file())
        self.assertTrue((folder / "script.py.mako").is_file())
        self.assertTrue(list((folder / "versions").glob("*.py")))


class EntryPointsTest(testtools.TestCase):
    def test_every_entry_point_leads_somewhere(self) -> None:
        project = pyproject()["project"]
        groups = {"scripts": project["scripts"], **project["entry-points"]}
        for group, points in groups.items():
            for name, target in points.items():
                with self.subTest(group=group, name=name):
                    module, _, attribute = target.partition(":")
                    found = importlib.import_module(module)
                    if attribute:
                        self.assertTrue(callable(getattr(found, attribute)))

    def test_command_names_follow_their_classes_home(self) -> None:
        """``gpu_lease_list`` is in ``cli/lease.py`` or, where that would be
        too long, ``gpu_lease_create`` in ``cli/lease_create.py``."""
        points = pyproject()["project"]["entry-points"]
        for name, target in points["openstack.gpubroker.v1"].items():
            _gpu, noun, verb = name.split("_", 2)
            self.assertIn(
                target.partition(":")[0],
                [
                    f"gpubroker.client.cli.{noun}",
                    f"gpubroker.client.cli.{noun}_{verb}",
                ],
            )


class ToxTest(testtools.TestCase):
    def test_environments_that_the_documents_name_exist(self) -> None:
        tox = configparser.ConfigParser(interpolation=None)
        tox.read(ROOT / "tox.ini")
        for name in (
            "functional", "cloud", "cover", "pep8", "docs", "api-ref",
            "releasenotes", "genconfig", "genpolicy",
        ):  # fmt: skip
            self.assertTrue(tox.has_section(f"testenv:{name}"), name)
