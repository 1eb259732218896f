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


"""The API reference names what the API has, no more and no less."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import testtools
import yaml

from gpubroker import errors
from gpubroker.api import errors as api_errors
from gpubroker.api import routing
from gpubroker.api.controllers import root

SOURCE = pathlib.Path(__file__).resolve().parents[3] / "api-ref" / "source"

_METHOD = re.compile(r"^\.\. rest_method:: (\S+) (\S+)$", re.M)
_ROW = re.compile(r"^   - (\S+): (\S+)$", re.M)

Fields = dict[str, tuple[str, bool]]


@dataclass
class Section:
    """What a page says about one operation."""

    text: str
    request: dict[str, str] = field(default_factory=dict)
    response: dict[str, str] = field(default_factory=dict)


def sections() -> Iterator[tuple[tuple[str, str], Section]]:
    for page in sorted(SOURCE.glob("*.inc")):
        parts = _METHOD.split(page.read_text())
        for method, path, text in zip(
            parts[1::3], parts[2::3], parts[3::3], strict=True
        ):
            asked, _, answered = text.partition("**Response**")
            yield (
                (method, path),
                Section(
                    text,
                    dict(_ROW.findall(asked)),
                    dict(_ROW.findall(answered)),
                ),
            )


def merged(schema: Any) -> tuple[dict[str, Any], set[str]]:
    """Properties of an object, or of what a list or a choice holds."""
    found = dict(schema.get("properties", {}))
    required = set(schema.get("required", ()))
    inner = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if isinstance(schema.get("items"), Mapping):
        inner.append(schema["items"])
    for one in inner:
        more, needed = merged(one)
        found = {**more, **found}
        # "One of these two" requires neither.
        required |= needed if more else set()
    return found, required


def kind(schema: Mapping[str, Any]) -> str:
    said = schema.get("type", "string" if "enum" in schema else None)
    if isinstance(said, list):
        said = next(one for one in said if one != "null")
    if said is not None:
        return str(said)
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    kinds = {kind(one) for one in choices if one.get("type") != "null"}
    return " or ".join(sorted(kinds)) or "object"


def flat(schema: Mapping[str, Any], deep: bool = True, at: str = "") -> Fields:
    """Dotted name -> (type, required)."""
    found: Fields = {}
    properties, required = merged(schema)
    for name, inner in properties.items():
        found[at + name] = (kind(inner), name in required)
        if deep and at + name != "links":
            found.update(flat(inner, deep, f"{at}{name}."))
    return found


class PagesTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.routes = {
            (route.method, route.path): route.operation
            for route in routing.walk(root.TREE)
            if route.path != "/v1/openapi.json"
        }
        self.told = dict(sections())
        self.parameters = yaml.safe_load(
            (SOURCE / "parameters.yaml").read_text()
        )

    def table(self, rows: Mapping[str, str], where: set[str]) -> Fields:
        """What the rows say about the parameters that are there."""
        found = {name: self.parameters[key] for name, key in rows.items()}
        return {
            name: (entry["type"], entry["required"])
            for name, entry in found.items()
            if entry["in"] in where
        }

    def test_every_operation_is_told_once(self) -> None:
        self.assertEqual(set(self.routes), set(self.told))
        self.assertEqual(len(self.routes), len(list(sections())))

    def test_path_and_query(self) -> None:
        for key, promise in self.routes.items():
            wanted: Fields = {
                name: ("string", True)
                for name in re.findall(r"{(\w+)}", key[1])
            }
            for schema in promise.queries:
                wanted.update(flat(schema.validator.schema))
            told = self.table(self.told[key].request, {"path", "query"})
            self.assertEqual(wanted, told, key)

    def test_bodies_of_requests(self) -> None:
        for key, promise in self.routes.items():
            wanted: Fields = {}
            for schema in promise.bodies:
                wanted.update(flat(schema.validator.schema))
            told = self.table(self.told[key].request, {"body"})
            self.assertEqual(wanted, told, key)

    def test_bodies_of_responses(self) -> None:
        """A section may refer to another that has the same schema."""
        tables = []
        for key, promise in self.routes.items():
            section = self.told[key]
            if not promise.answers:
                self.assertIn("There is no body.", section.text, key)
                continue
            schema = promise.answers[-1].validator.schema
            if not section.response:
                self.assertRegex(section.text, r"As in `[^`]+`_\.")
                continue
            told = self.table(section.response, {"body"})
            self.assertIn(told, (flat(schema), flat(schema, deep=False)), key)
            tables.append(schema)
        for key, promise in self.routes.items():
            if promise.answers and not self.told[key].response:
                self.assertIn(
                    promise.answers[-1].validator.schema, tables, key
                )

    def test_rules_and_statuses(self) -> None:
        for key, promise in self.routes.items():
            text = self.told[key].text
            rule = re.search(r"^Policy: ``gpubroker:(\S+)``$", text, re.M)
            self.assertEqual(promise.rule, rule[1] if rule else None, key)
            self.assertIn(f"Normal response codes: {promise.status}\n", text)
            line = re.search(r"^Error response codes: (.+)$", text, re.M)
            assert line is not None, key
            self.assertLessEqual(
                set(promise.statuses), set(map(int, line[1].split(", "))), key
            )

    def test_no_parameter_without_use(self) -> None:
        used = {
            reference
            for section in self.told.values()
            for reference in (
                *section.request.values(),
                *section.response.values(),
            )
        }
        self.assertEqual(set(), set(self.parameters) - used)

    def test_every_error_code(self) -> None:
        told = re.findall(
            r"   \* - (\d+)\n     - ``(\S+)``",
            (SOURCE / "general.inc").read_text(),
        )
        wanted = {
            (str(status), code)
            for status, code in api_errors.HTTP_CODES.items()
        }
        for error in _raised(errors.GpubrokerError):
            status = api_errors.status_of(error(""))
            if status != 500 and error is not errors.OutsideError:
                wanted.add((str(status), error.code))
        self.assertEqual(wanted, set(told))


def _raised(
    kind: type[errors.GpubrokerError],
) -> Iterator[type[errors.GpubrokerError]]:
    """Those of ``errors.py``, which is the whole tree."""
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from _raised(child)
