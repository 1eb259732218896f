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


"""The wheel that a clone gives works by itself."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import subprocess
import sys
import zipfile

import fixtures
import testtools

ROOT = pathlib.Path(__file__).resolve().parents[3]


def run(*command: str, **options: object) -> str:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        **options,  # type: ignore[call-overload]
    )
    if done.returncode:
        raise AssertionError(f"{command} ended so:\n{done.stdout[-4000:]}")
    return str(done.stdout)


def panels() -> set[str]:
    """What Horizon reads that is no module, as it is called in the wheel."""
    folder = ROOT / "gpubroker" / "dashboard"
    names = {
        str(path.relative_to(ROOT)).replace(".po", ".mo")
        for part in ("content", "conf", "locale", "static", "templates")
        for path in (folder / part).rglob("*.*")
        if path.suffix in (".html", ".js", ".po", ".scss", ".yaml")
    }
    if not any(name.endswith(".mo") for name in names):
        raise AssertionError("there are no translations")
    return names


class WheelTest(testtools.TestCase):
    """What is committed is built: an untracked file is in no wheel."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def build(self) -> pathlib.Path:
        clone = self.folder / "clone"
        run("git", "clone", "-q", f"file://{ROOT}", str(clone))
        run(
            sys.executable, "-m", "pip", "wheel", "-q", "--no-deps",
            "--no-build-isolation", "--no-index",
            "--disable-pip-version-check", "-w", str(self.folder), str(clone),
        )  # fmt: skip
        (wheel,) = self.folder.glob("gpubroker-*.whl")
        return wheel

    def test_wheel_holds_migrations_and_nothing_foreign(self) -> None:
        names = zipfile.ZipFile(self.build()).namelist()
        versions = sorted(
            path.name for path in (ROOT / "alembic/versions").glob("*.py")
        )
        self.assertIn("gpubroker/db/migrations/env.py", names)
        self.assertIn("gpubroker/db/migrations/script.py.mako", names)
        self.assertIn("gpubroker/py.typed", names)
        self.assertEqual(
            versions,
            sorted(
                name.rpartition("/")[2]
                for name in names
                if name.startswith("gpubroker/db/migrations/versions/")
            ),
        )
        self.assertEqual(set(), panels() - set(names))
        tops = {name.split("/")[0].split("-")[0] for name in names}
        self.assertEqual({"gpubroker"}, tops)

    def test_installed_wheel_makes_a_database(self) -> None:
        target = self.folder / "installed"
        run(
            sys.executable, "-m", "pip", "install", "-q", "--no-deps",
            "--no-index", "--disable-pip-version-check",
            "--target", str(target), str(self.build()),
        )  # fmt: skip
        database = self.folder / "gpubroker.sqlite"
        conf = self.folder / "gpubroker.conf"
        conf.write_text(f"[database]\nconnection = sqlite:///{database}\n")
        alone = {
            "cwd": str(self.folder),
            "env": {**os.environ, "PYTHONPATH": str(target)},
        }
        where = run(
            sys.executable, "-c",
            "import gpubroker; print(gpubroker.__file__)", **alone,
        ).strip()  # fmt: skip
        self.assertEqual(str(target / "gpubroker/__init__.py"), where)
        run(
            sys.executable, str(target / "bin/gpubroker-manage"),
            "--config-file", str(conf), "db", "upgrade", **alone,
        )  # fmt: skip
        with sqlite3.connect(database) as connection:
            rows = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
            tables = {name for (name,) in rows}
        self.assertEqual(set(), {"lease", "device", "model"} - tables)
