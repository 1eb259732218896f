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
"""No version that a known advisory names: neither pinned, nor installed,
nor the oldest that the requirements let in.

As far as ``tests/advisories.txt`` knows them; nothing is looked up.
"""

from __future__ import annotations

import pathlib
import tomllib
from collections.abc import Iterator
from importlib import metadata

import testtools
from packaging import requirements
from packaging import specifiers
from packaging import utils
from packaging import version

ROOT = pathlib.Path(__file__).resolve().parents[3]


def lines(name: str) -> Iterator[str]:
    for line in (ROOT / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


def advisories() -> Iterator[tuple[str, specifiers.SpecifierSet, str]]:
    for line in lines("tests/advisories.txt"):
        name, affected, source = line.split(maxsplit=2)
        known = utils.canonicalize_name(name)
        yield known, specifiers.SpecifierSet(affected), source


def oldest() -> dict[str, version.Version]:
    """Of each requirement of ours, the first that it lets in."""
    text = (ROOT / "pyproject.toml").read_text()
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    wanted = [
        *lines("requirements.txt"),
        *(one for some in extras.values() for one in some),
    ]
    found = {}
    for one in map(requirements.Requirement, wanted):
        (floor,) = (s for s in one.specifier if s.operator == ">=")
        first = version.Version(floor.version)
        found[utils.canonicalize_name(one.name)] = first
    return found


def pinned() -> dict[str, version.Version]:
    found = {}
    for name in ("sandbox/constraints.txt", "tests/constraints.txt"):
        for line in lines(name):
            package, _, number = line.partition("==")
            known = utils.canonicalize_name(package)
            found[known] = version.Version(number)
    return found


class AdvisoriesTest(testtools.TestCase):
    def check(self, found: dict[str, version.Version], what: str) -> None:
        wrong = [
            f"{name} {found[name]} ({what}): {source}"
            for name, affected, source in advisories()
            if name in found and found[name] in affected
        ]
        self.assertEqual([], wrong)

    def test_the_oldest_that_the_requirements_let_in(self) -> None:
        self.check(oldest(), "the oldest let in")

    def test_what_is_pinned(self) -> None:
        self.check(pinned(), "pinned")

    def test_what_is_installed(self) -> None:
        self.check(
            {
                utils.canonicalize_name(one.metadata["Name"]): (
                    version.Version(one.version)
                )
                for one in metadata.distributions()
            },
            "installed",
        )

    def test_every_line_is_about_something_that_we_need(self) -> None:
        named = {name for name, _affected, _source in advisories()}
        self.assertEqual(set(), named - set(oldest()))
