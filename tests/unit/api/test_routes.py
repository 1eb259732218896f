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


"""Every route keeps what all routes promise."""

from __future__ import annotations

import re

import openapi_spec_validator
import testtools

from gpubroker import policies
from gpubroker.api import openapi
from gpubroker.api import routing
from gpubroker.api.controllers import root
from gpubroker.api.schemas import types

ROUTES = list(routing.walk(root.TREE))
OPEN = {"/", "/v1", "/v1/openapi.json"}


def _names() -> dict[str, routing.Route]:
    return {f"{route.method} {route.path}": route for route in ROUTES}


class Promises(testtools.TestCase):
    def test_there_are_routes(self) -> None:
        self.assertGreater(len(ROUTES), 40)

    def test_every_route_but_open_ones_has_a_policy(self) -> None:
        known = {rule.name for rule in policies.list_rules()}
        for name, route in _names().items():
            if route.path in OPEN:
                self.assertIsNone(route.operation.rule, name)
            else:
                rule = f"gpubroker:{route.operation.rule}"
                self.assertIn(rule, known, name)

    def test_every_route_has_schemas(self) -> None:
        for name, route in _names().items():
            promise = route.operation
            self.assertTrue(promise.queries, f"{name} has no query schema")
            self.assertEqual(
                promise.status != 204, bool(promise.answers), name
            )
            self.assertEqual(
                route.method in ("POST", "PUT", "PATCH"),
                bool(promise.bodies),
                name,
            )

    def test_every_route_says_what_it_does(self) -> None:
        for name, route in _names().items():
            summary = route.operation.summary
            self.assertRegex(summary, r"^[A-Z].*\.$", name)

    def test_every_policy_names_the_routes_that_ask_it(self) -> None:
        asked: dict[str, set[str]] = {}
        for name, route in _names().items():
            asked.setdefault(f"gpubroker:{route.operation.rule}", set()).add(
                name
            )
        for rule in policies.list_rules():
            if not rule.name.startswith("gpubroker:"):
                continue
            named = {
                f"{found['method']} {found['path']}"
                for found in rule.operations
            }
            if rule.name in asked:
                self.assertEqual(asked[rule.name], named, rule.name)
            else:
                # Asked by a handler for a part of its answer.
                self.assertLessEqual(named, set(_names()), rule.name)


class Bounds(testtools.TestCase):
    """No request may be as big as it likes."""

    def test_every_request_schema_is_closed_and_bounded(self) -> None:
        for name, route in _names().items():
            promise = route.operation
            for versioned in (*promise.bodies, *promise.queries):
                self._check(name, versioned.validator.schema)

    def _check(self, where: str, schema: types.Schema) -> None:
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if "enum" in schema:
            return
        if "string" in kinds:
            self.assertIn("maxLength", schema, where)
        if "integer" in kinds or "number" in kinds:
            self.assertIn("maximum", schema, where)
            self.assertIn("minimum", schema, where)
        if "array" in kinds:
            self.assertIn("maxItems", schema, where)
            self._check(f"{where}[]", schema["items"])
        if "object" in kinds:
            self._check_object(where, schema)
        for part in schema.get("anyOf", []):
            self._check(where, part)
        known = {"string", "integer", "number", "array", "object"}
        known |= {"boolean", "null"}
        self.assertTrue("anyOf" in schema or set(kinds) <= known, where)

    def _check_object(self, where: str, schema: types.Schema) -> None:
        more = schema.get("additionalProperties")
        if more is not False:
            self.assertIn("maxProperties", schema, where)
            self.assertIn("maxLength", schema["propertyNames"], where)
            self._check(f"{where}.*", more)
        for name, part in schema.get("properties", {}).items():
            self._check(f"{where}.{name}", part)


class Description(testtools.TestCase):
    def test_is_openapi_3_1(self) -> None:
        document = openapi.document(root.TREE, "http://gpu.example")
        self.assertEqual("3.1.0", document["openapi"])
        openapi_spec_validator.validate(document)

    def test_has_every_route(self) -> None:
        paths = openapi.document(root.TREE, "")["paths"]
        for name, route in _names().items():
            self.assertIn(route.method.lower(), paths[route.path], name)

    def test_every_reference_leads_somewhere(self) -> None:
        document = openapi.document(root.TREE, "")
        known = {
            f"#/components/schemas/{name}"
            for name in document["components"]["schemas"]
        }
        found = set(re.findall(r"'\$ref': '([^']+)'", str(document)))
        self.assertEqual(set(), found - known)
        self.assertEqual(
            set(),
            known
            - found
            - {
                "#/components/schemas/Workload",
                "#/components/schemas/Links",
            },
        )
