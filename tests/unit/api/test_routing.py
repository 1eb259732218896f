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


"""Requests go where the table says and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import testtools

from gpubroker import errors
from gpubroker.api import errors as api_errors
from gpubroker.api import routing
from gpubroker.api.operation import operation


class Parts(routing.Collection):
    key: ClassVar[str] = "part"

    @operation("part:list")
    def list_all(self, call: Any) -> None:
        """List."""


class Things(routing.Collection):
    key: ClassVar[str] = "thing"
    members: ClassVar[Mapping[str, routing.Node]] = {"parts": Parts()}

    @operation("thing:list")
    def list_all(self, call: Any) -> None:
        """List."""

    @operation("thing:show")
    def show(self, call: Any) -> None:
        """Show."""

    @operation("thing:delete")
    def delete(self, call: Any) -> None:
        """Delete."""

    def create(self, call: Any) -> None:
        """Not an operation: nobody marked it."""


class Top(routing.Node):
    children: ClassVar[Mapping[str, routing.Node]] = {"things": Things()}


class Routing(testtools.TestCase):
    def match(self, method: str, path: str) -> routing.Match:
        return routing.match(Top(), method, path.split("/")[1:])

    def test_by_method_and_depth(self) -> None:
        for method, path, name, args in (
            ("GET", "/things", "list_all", {}),
            ("GET", "/things/", "list_all", {}),
            ("HEAD", "/things", "list_all", {}),
            ("GET", "/things/a", "show", {"thing": "a"}),
            ("DELETE", "/things/a-1.b", "delete", {"thing": "a-1.b"}),
            ("GET", "/things/a/parts", "list_all", {"thing": "a"}),
        ):
            found = self.match(method, path)
            self.assertEqual(name, found.handler.__name__)
            self.assertEqual(args, found.args)

    def test_no_such_path(self) -> None:
        for path in (
            "/",
            "/nothing",
            "/things//",
            "/things/__class__",
            "/things/a/b",
            "/things/a/parts/b",
            "/things/a/parts/b/c",
            "/things/ä",
            "/things/" + "a" * 256,
            "/list_all",
        ):
            self.assertRaises(errors.NotFound, self.match, "GET", path)

    def test_no_such_method_says_which_there_are(self) -> None:
        error = self.assertRaises(
            api_errors.MethodNotAllowed, self.match, "PUT", "/things/a"
        )
        self.assertEqual(["DELETE", "GET", "HEAD"], error.fields["allow"])

    def test_what_is_not_marked_is_no_operation(self) -> None:
        error = self.assertRaises(
            api_errors.MethodNotAllowed, self.match, "POST", "/things"
        )
        self.assertEqual(["GET", "HEAD"], error.fields["allow"])

    def test_the_table(self) -> None:
        self.assertEqual(
            [
                "GET /things",
                "GET /things/{thing}",
                "DELETE /things/{thing}",
                "GET /things/{thing}/parts",
            ],
            [f"{r.method} {r.path}" for r in routing.walk(Top())],
        )
