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


"""What the dispatcher makes of operations that are not in the real tree."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import microversion_parse
import testtools
import webtest
from oslo_config import cfg
from oslo_policy import policy

from gpubroker.api import call as calls
from gpubroker.api import dispatch
from gpubroker.api import operation as operations
from gpubroker.api import rates
from gpubroker.api import routing
from gpubroker.api.operation import operation
from gpubroker.api.schemas import types
from gpubroker.services import broker

_ANY = types.closed({"a": types.text(5), "b": types.text(5)})


class Forgetful(routing.Node):
    @operation("thing:show", answer=_ANY, row=True)
    def show(self, call: calls.Call) -> dict[str, Any]:
        """Show, without a question to the policy."""
        return {}


class Careful(routing.Node):
    @operation("thing:show", answer=_ANY, row=True)
    def show(self, call: calls.Call) -> dict[str, Any]:
        """Show what may be seen."""
        call.authorize(target={"project_id": "p"})
        return {"a": "x"}


class Grown(routing.Node):
    """A body that changed at 1.2; an operation that came with 1.2."""

    @operation(
        None,
        body=(
            operations.between("1.0", "1.1", types.closed({"a": _ANY})),
            operations.between("1.2", "1.9", types.closed({"b": _ANY})),
        ),
        answer=(operations.between("1.0", "1.9", _ANY),),
        until="1.9",
    )
    def replace(self, call: calls.Call) -> dict[str, Any]:
        """Replace."""
        return {}

    @operation(None, since="1.2", until="1.9")
    def delete(self, call: calls.Call) -> None:
        """Delete."""


class Top(routing.Node):
    children: ClassVar[Mapping[str, routing.Node]] = {
        "forgetful": Forgetful(),
        "careful": Careful(),
        "grown": Grown(),
    }


class Dispatch(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[], default_config_dirs=[])
        enforcer = policy.Enforcer(conf)
        enforcer.register_default(
            policy.RuleDefault(
                "gpubroker:thing:show", "project_id:%(project_id)s"
            )
        )
        nothing: Any = None
        unlimited = rates.Rate(0, time.monotonic)
        site = calls.Site(
            requests=unlimited,
            reports=unlimited,
            ports=broker.Broker(
                store=nothing,
                clock=nothing,
                bell=nothing,
                ledger=nothing,
                compute=nothing,
                identity=nothing,
            ),
            enforcer=enforcer,
            max_limit=1000,
            response_validation="error",
            callers=nothing,
        )
        self.client = webtest.TestApp(dispatch.application(site, Top()))

    def ask(
        self,
        method: str,
        path: str,
        body: str = "",
        version: str = "1.0",
        project: str = "p",
    ) -> int:
        answer = self.client.request(
            path,
            method=method,
            body=body.encode(),
            expect_errors=True,
            environ={
                dispatch.VERSION: microversion_parse.parse_version_string(
                    version
                ),
                "HTTP_X_PROJECT_ID": project,
            },
        )
        status: int = answer.status_int
        return status

    def test_a_handler_that_forgets_its_policy_is_stopped(self) -> None:
        self.assertEqual(500, self.ask("GET", "/forgetful"))

    def test_a_handler_that_asks_is_heard(self) -> None:
        self.assertEqual(200, self.ask("GET", "/careful"))
        self.assertEqual(403, self.ask("GET", "/careful", project="q"))

    def test_a_body_is_that_of_its_version(self) -> None:
        for version, body, status in (
            ("1.0", '{"a": {}}', 200),
            ("1.0", '{"b": {}}', 400),
            ("1.1", '{"a": {}}', 200),
            ("1.2", '{"a": {}}', 400),
            ("1.2", '{"b": {}}', 200),
        ):
            self.assertEqual(
                status, self.ask("PUT", "/grown", body, version), version
            )

    def test_an_operation_that_comes_later_is_not_there_yet(self) -> None:
        self.assertEqual(404, self.ask("DELETE", "/grown", version="1.1"))
        self.assertEqual(204, self.ask("DELETE", "/grown", version="1.2"))
