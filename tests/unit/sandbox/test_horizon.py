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

"""What the sandbox does for Horizon, in folders of the test's own."""

from __future__ import annotations

import gettext
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any, cast

import fixtures
import testtools

from sandbox import horizon
from sandbox import layout as layouts
from sandbox import ports
from sandbox import processes
from sandbox.config import settings as s

_TEXT = """\
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"
msgid "Instances"
msgstr "{}"
"""


class Runner:
    """Runs what makes translations, and notes everything.

    :ivar did: (what, the program's name).
    """

    def __init__(self) -> None:
        self.did: list[tuple[str, str]] = []

    def run(self, program: processes.Program) -> None:
        self.did.append(("run", program.name))
        if program.name == "horizon-messages":
            subprocess.run(program.command, check=True)

    def start(self, program: processes.Program) -> None:
        self.did.append(("start", program.name))

    def stop(self, names: Iterable[str]) -> None:
        self.did += [("stop", name) for name in names]

    def wait(self, name: str, ready: Callable[[], Any]) -> None:
        self.did.append(("wait", name))


class Base(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.root, self.environment = folder / "root", folder / "environment"
        for name, path in (
            ("ROOT", self.root),
            ("HORIZON_ENVIRONMENT", self.environment),
        ):
            self.useFixture(
                fixtures.MonkeyPatch(f"sandbox.layout.{name}", path)
            )
        python = self.environment / "bin" / "python"
        self.write(python, f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o700)
        self.write(self.environment / "sandbox-digest", "1")
        self.panels = self.root / "gpubroker" / "dashboard"
        self.write(self.panels / "locale/es/LC_MESSAGES/django.po", _TEXT)
        self.settings = s.Settings(
            layouts.Layout.at(folder / "state"),
            ports.Ports.block(20000),
            {},
            extras=frozenset({"horizon"}),
        )
        self.runner = Runner()

    def write(self, path: pathlib.Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def told(self) -> processes.Processes:
        """The runner, as the sandbox knows it."""
        return cast(processes.Processes, self.runner)

    def translation(self, language: str, text: str) -> pathlib.Path:
        """Adds one to Horizon; where what is made of it lies."""
        packages = self.environment / "lib" / "python3.11" / "site-packages"
        path = packages / f"horizon/locale/{language}/LC_MESSAGES/django.po"
        self.write(path, _TEXT.format(text))
        return path.with_suffix(".mo")


class MessagesTest(Base):
    def test_its_translations_are_made_for_the_languages_of_the_panels(
        self,
    ) -> None:
        spanish = self.translation("es", "Instancias")
        german = self.translation("de", "Instanzen")
        horizon.compile_messages(self.told)
        with spanish.open("rb") as file:
            found = gettext.GNUTranslations(file)
        self.assertEqual("Instancias", found.gettext("Instances"))
        self.assertFalse(german.exists())
        self.assertEqual(
            {"django.po", "django.mo"},
            {path.name for path in spanish.parent.iterdir()},
        )

    def test_they_are_made_once(self) -> None:
        self.translation("es", "Instancias")
        for _time in range(2):
            horizon.compile_messages(self.told)
        self.assertEqual([("run", "horizon-messages")], self.runner.did)

    def test_they_are_made_where_everything_else_is_there(self) -> None:
        horizon.prepare(self.settings, self.told)
        self.runner.did.clear()
        self.translation("es", "Instancias")
        horizon.prepare(self.settings, self.told)
        self.assertEqual([("run", "horizon-messages")], self.runner.did)


class RenewTest(Base):
    def setUp(self) -> None:
        super().setUp()
        self.code = self.panels / "api.py"
        self.write(self.code, "one = 1\n")
        horizon.prepare(self.settings, self.told)
        horizon.remember_code(self.settings)
        self.runner.did.clear()

    def test_it_runs_on_while_nothing_changes(self) -> None:
        self.assertFalse(horizon.renew(self.settings, self.told))
        self.assertEqual([], self.runner.did)

    def test_it_starts_again_with_what_has_changed(self) -> None:
        for path in (
            self.code,
            self.panels / "content" / "new.py",
            self.panels / "templates" / "list.html",
            self.panels / "locale" / "es" / "LC_MESSAGES" / "django.mo",
            self.root / "gpubroker" / "client" / "sdk.py",
        ):
            self.write(path, "two\n")
            self.assertTrue(horizon.renew(self.settings, self.told), path)
            self.assertEqual(
                [("stop", "horizon"), ("start", "horizon")],
                [
                    one
                    for one in self.runner.did
                    if one[0] in ("stop", "start")
                ],
            )
            self.assertEqual(("wait", "horizon"), self.runner.did[-1])
            self.runner.did.clear()
            self.assertFalse(horizon.renew(self.settings, self.told), path)

    def test_what_browsers_load_is_made_before_it_is_stopped(self) -> None:
        self.write(self.panels / "static" / "gpu.scss", "a {}\n")
        self.write(self.code, "two\n")
        horizon.renew(self.settings, self.told)
        self.assertEqual(
            [
                ("run", "horizon-collectstatic"),
                ("run", "horizon-compress"),
                ("stop", "horizon"),
                ("start", "horizon"),
                ("wait", "horizon"),
            ],
            self.runner.did,
        )

    def test_where_there_is_none_none_is_started(self) -> None:
        settings = s.Settings(
            self.settings.layout, self.settings.ports, self.settings.passwords
        )
        self.write(self.code, "two\n")
        self.assertFalse(horizon.renew(settings, self.told))
        self.assertEqual([], self.runner.did)
