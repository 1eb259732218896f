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


"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Iterator

import testtools

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_LINES = 400
FUNCTION_LINES = 40

#: Every folder with code of ours; see "Size" in HACKING.rst.
TREES = (
    "alembic",
    "api-ref",
    "benchmarks",
    "doc",
    "gpubroker",
    "releasenotes",
    "sandbox",
    "tests",
    "tools",
)

#: A migration is one list of tables and columns, however long it is.
LISTS = ROOT / "alembic" / "versions"

#: What no file may be called: names that say nothing attract everything.
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc"}


def sources(ending: str = "py") -> list[pathlib.Path]:
    return [
        path
        for folder in TREES
        for path in sorted((ROOT / folder).rglob(f"*.{ending}"))
    ]


def limited() -> list[pathlib.Path]:
    """The Python files whose length is counted, and that of functions."""
    return [path for path in sources() if path.parent != LISTS]


def functions(
    text: str,
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end; decorators are not counted."""
    return (function.end_lineno or 0) - function.lineno + 1


class ConventionsTest(testtools.TestCase):
    def assertNothing(self, found: list[str]) -> None:
        self.assertEqual("", "\n".join(found))

    def test_files_are_short(self) -> None:
        found = []
        for path in limited() + sources("c"):
            lines = len(path.read_text().splitlines())
            if lines > FILE_LINES:
                found.append(f"{path.relative_to(ROOT)}: {lines} lines")
        self.assertNothing(found)

    def test_functions_are_short(self) -> None:
        self.assertNothing(
            [
                f"{path.relative_to(ROOT)}:{function.lineno} "
                f"{function.name}: {length(function)} lines"
                for path in limited()
                for function in functions(path.read_text())
                if length(function) > FUNCTION_LINES
            ]
        )

    def test_names_of_files_say_something(self) -> None:
        self.assertNothing(
            [
                str(path.relative_to(ROOT))
                for path in sources()
                if {path.stem, path.parent.name} & VAGUE
            ]
        )

    def test_every_file_has_its_licence(self) -> None:
        self.assertNothing(
            [
                str(path.relative_to(ROOT))
                for path in sources()
                if not path.read_text().startswith(
                    "# Licensed under the Apache License, Version 2.0"
                )
            ]
        )
