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

"""What the command ``gpubroker-status`` says, run as an operator runs it."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import fixtures

from gpubroker.services.checks.mistakes import Mistake
from sandbox import cloud as clouds
from sandbox import layout as layouts
from sandbox.config import gpubroker as config
from sandbox.config import settings as s
from tests.cloud import base

Sections = Mapping[str, Mapping[str, s.Value]]
#: By this a mistake is told; other words may follow.
Words = Mapping[Mistake, str]

_NAMED = re.compile(r"^([a-z-]+): ", re.M)


@dataclass(frozen=True)
class Look:
    """:ivar rows: title -> (level, detail)."""

    code: int
    rows: dict[str, tuple[int, str]]
    errors: str

    @property
    def wrong(self) -> dict[str, str]:
        """Title -> detail of the rows that are no success."""
        return {
            title: detail
            for title, (level, detail) in self.rows.items()
            if level
        }

    @property
    def mistakes(self) -> dict[Mistake, str]:
        """Each with the sentence that is told."""
        return {
            Mistake(match[1]): line
            for detail in self.wrong.values()
            for line in detail.splitlines()
            if (match := _NAMED.match(line))
        }

    @property
    def unseen(self) -> set[str]:
        """Titles of what could not be looked at."""
        return {
            title
            for title, detail in self.wrong.items()
            if detail.startswith("Not checked, because ")
        }


def look(
    cloud: clouds.Cloud,
    folder: pathlib.Path,
    *arguments: str,
    sections: Sections | None = None,
) -> Look:
    """
    :param folder: for what is set otherwise than in the sandbox.
    """
    other = folder / "other.conf"
    other.write_text(s.ini(sections or {}))
    done = subprocess.run(
        [
            layouts.broker_program("gpubroker-status"),
            f"--config-file={config.main_file(cloud.settings)}",
            f"--config-file={other}",
            *arguments,
            *("upgrade", "check", "--json"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    if "Traceback" in done.stdout + done.stderr:
        raise AssertionError(done.stdout + done.stderr)
    return Look(
        done.returncode,
        {
            row["check"]: (row["result"], row["details"] or "")
            for row in json.loads(done.stdout)["checks"]
        },
        done.stderr,
    )


class LookCase(base.CloudTest):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def look(self, *arguments: str, sections: Sections | None = None) -> Look:
        return look(self.cloud, self.folder, *arguments, sections=sections)

    def assertTold(self, found: Look, wanted: Words) -> None:
        """These mistakes and no other, each in its words."""
        told = found.mistakes
        self.assertEqual(set(wanted), set(told), found.wrong)
        for mistake, words in wanted.items():
            self.assertIn(words, told[mistake])

    def untilTold(self, wanted: Words, look: Callable[[], Look]) -> Look:
        """Look until these are told and no other: an agent that is late on a
        busy machine is no mistake of the files."""
        found = self.settled(
            look, lambda found: set(wanted) == set(found.mistakes)
        )
        self.assertTold(found, wanted)
        return found

    def assertReady(self, found: Look) -> None:
        self.assertEqual({}, found.wrong, found.errors)
        self.assertEqual(0, found.code)

    def config(self, *parts: str) -> pathlib.Path:
        return self.cloud.layout.config.joinpath(*parts)
