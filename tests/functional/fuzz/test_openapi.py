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


"""schemathesis asks what the description allows, and what it does not.

Of every operation: no 5xx, no status and no content that the description
does not name, answers as described. One world for all examples of one
operation: what one leaves behind, the next one meets.
"""

from __future__ import annotations

import datetime
from typing import Any

import hypothesis
import schemathesis
import testtools
from hypothesis import HealthCheck
from hypothesis import Phase
from hypothesis import errors as hypothesis_errors
from schemathesis import GenerationMode
from schemathesis import checks

from gpubroker.api import openapi
from gpubroker.api.controllers import root
from gpubroker.services import enrol
from tests.fixtures import api as api_fixture

DOCUMENT = openapi.document(root.TREE, "")
# Who asks is not what is explored here.
DOCUMENT["security"] = []

#: Examples of each operation and mode; the seed is fixed, so that a run that
#: fails here fails everywhere.
EXAMPLES = 30

#: What the persona who may do most may not.
AGENT = {"put_v1_hosts_by_name_report"}

checks.load_all_checks()

CHECKS = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "allow_header_conformance",
    )
]


def _operations() -> list[str]:
    return [
        item["operationId"]
        for path in DOCUMENT["paths"].values()
        for method, item in path.items()
        if method != "parameters"
    ]


class Fuzz(testtools.TestCase):
    """One test an operation, added below."""

    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())
        enrol.bind_agent(
            self.api.world.core,
            "gpu-1",
            api_fixture.AGENT.user_id,
            lambda seen: None,
        )
        self.known = self._things()

    def _things(self) -> dict[str, str]:
        """Things that are there, so that not every answer is 404."""
        with self.api.world.store.read() as tx:
            device = tx.devices.of_host("gpu-1")[0].id
        return {
            "name": "",
            "flavor": "gpu.2",
            "device_id": device,
            "reason": "operator",
            "lease_id": self.api.world.order().id,
        }

    def _path(self, path: str, drawn: dict[str, Any]) -> dict[str, Any]:
        names = {
            "models": api_fixture.MODEL,
            "pools": "default",
            "hosts": "gpu-1",
        }
        known = dict(self.known, name=names.get(path.split("/")[2], ""))
        return {name: known[name] for name in drawn}

    def check(self, operation_id: str) -> None:
        schema = schemathesis.openapi.from_dict(DOCUMENT)
        schema.app = self.api.application
        operation = schema.find_operation_by_id(operation_id)
        self._explore(operation, operation_id, GenerationMode.POSITIVE)
        try:
            self._explore(operation, operation_id, GenerationMode.NEGATIVE)
        except hypothesis_errors.Unsatisfiable:
            # Without parameters and body there is nothing to get wrong.
            item = DOCUMENT["paths"][operation.path][operation.method]
            self.assertNotIn("requestBody", item)
            self.assertEqual([], item.get("parameters", []))

    def _explore(
        self, operation: Any, operation_id: str, mode: GenerationMode
    ) -> None:
        who = api_fixture.ADMIN
        if operation_id in AGENT:
            who = api_fixture.AGENT

        @hypothesis.seed(2026)
        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=datetime.timedelta(seconds=30),
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=[Phase.explicit, Phase.generate],
        )
        @hypothesis.given(
            case=operation.as_strategy(generation_mode=mode),
            existing=hypothesis.strategies.booleans(),
        )
        def ask(case: Any, existing: bool) -> None:
            if (
                existing
                and case.path_parameters
                and mode is GenerationMode.POSITIVE
            ):
                case.path_parameters = self._path(
                    operation.path, case.path_parameters
                )
            case.headers = {**(case.headers or {}), "X-Auth-Token": who.token}
            case.call_and_validate(checks=CHECKS)

        try:
            ask()
        except BaseExceptionGroup as group:
            # Not an Exception: it would end the whole run.
            words = "\n".join(str(error) for error in group.exceptions)
            self.fail(f"{mode}: {words}")


def _add(operation_id: str) -> None:
    def test(self: Fuzz) -> None:
        self.check(operation_id)

    setattr(Fuzz, f"test_{operation_id}", test)


for _id in _operations():
    _add(_id)
