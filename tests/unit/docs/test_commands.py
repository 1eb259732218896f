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


"""Every command that the documents show is one that there is."""

from __future__ import annotations

import contextlib
import importlib
import io
import pathlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any

import testtools

ROOT = pathlib.Path(__file__).resolve().parents[3]

#: A command as one types it, with the lines that a backslash continues.
_COMMAND = re.compile(r"(?:\$ |``)(openstack gpu (?:[^`\n\\]|\\\n)+)")


def commands() -> Iterator[tuple[str, list[str]]]:
    """(file, words after ``openstack gpu``)."""
    pages = [*(ROOT / "doc/source").rglob("*.rst"), ROOT / "README.rst"]
    for page in sorted([*pages, *ROOT.glob("doc/source/cli/output/*")]):
        for typed in _COMMAND.findall(page.read_text()):
            line = typed.replace("\\\n", " ")
            if "..." not in line:
                name = str(page.relative_to(ROOT))
                yield name, shlex.split(line)[2:]


def classes() -> dict[tuple[str, ...], Any]:
    text = (ROOT / "pyproject.toml").read_text()
    points = tomllib.loads(text)["project"]["entry-points"]
    found = {}
    for name, target in points["openstack.gpubroker.v1"].items():
        module, _, attribute = target.partition(":")
        key = tuple(name.split("_")[1:])
        found[key] = getattr(importlib.import_module(module), attribute)
    return found


class CommandsTest(testtools.TestCase):
    def test_commands_in_the_documents_can_be_typed(self) -> None:
        there = classes()
        wrong = [
            f"{page}: openstack gpu {' '.join(words)}: {why}"
            for page, words in commands()
            if (why := self._parse(there, words))
        ]
        self.assertEqual("", "\n".join(wrong))

    def _parse(
        self, there: dict[tuple[str, ...], Any], words: list[str]
    ) -> str:
        for length in (3, 2):
            kind = there.get(tuple(words[:length]))
            if kind is None or len(words) < length:
                continue
            if len(words) == length:
                return ""  # named, not shown as it is typed
            said = io.StringIO()
            parser = kind(None, None).get_parser("openstack gpu")
            with contextlib.redirect_stderr(said):
                try:
                    parser.parse_args(words[length:])
                except SystemExit:
                    return said.getvalue().splitlines()[-1]
            return ""
        return "no such command"

    def test_there_are_some(self) -> None:
        """A pattern that finds nothing would pass everything."""
        found = {tuple(words[:2]) for _page, words in commands()}
        self.assertGreater(len(found), 15)

    def test_every_command_is_in_the_reference(self) -> None:
        shown = {
            re.sub(r" \*$", "", pattern)
            for page in (ROOT / "doc/source/cli").glob("*.rst")
            for pattern in re.findall(
                r":command: gpu (.+)$", page.read_text(), re.M
            )
        }
        self.assertEqual({words[0] for words in classes()}, shown)
