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
from gpubroker.domain import fences
from gpubroker.services import catalogue
from gpubroker.services import enrol
from gpubroker.services import fence
from tests.fixtures import api as api_fixture
from tests.fixtures import brownfield
from tests.fixtures import cloud

DOCUMENT = openapi.document(root.TREE, "")
# Who asks is not what is explored here.
DOCUMENT["security"] = []

#: Examples of each operation and mode; the seed is fixed, so that a run that
#: fails here fails everywhere.
EXAMPLES = 30

#: There, and used by nothing.
SPARE = "spare"
SPARE_MODEL = {
    "name": SPARE,
    "family": SPARE,
    "vendor": SPARE,
    "vendor_id": "0000",
    "product_ids": ["0000"],
    "memory_mib": 1,
}

PAGING = ("limit", "sort_key", "sort_dir")

#: What the persona who may do most may not.
AGENT = {"put_v1_hosts_by_name_report"}

checks.load_all_checks()

# How to make what no pattern describes: a name that Nova takes.
schemathesis.openapi.format(
    "nova-name",
    hypothesis.strategies.from_regex(
        r"[A-Za-z]([A-Za-z0-9 ._-]{0,60}[A-Za-z0-9])?", fullmatch=True
    ),
)

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
        core = self.api.world.core
        enrol.bind_agent(
            core, "gpu-1", api_fixture.AGENT.user_id, lambda seen: None
        )
        catalogue.MODELS.add(core, SPARE_MODEL)
        catalogue.POOLS.add(core, {"name": SPARE})
        enrol.add_host(core, {"name": SPARE})
        with self.api.world.store.read() as tx:
            self.device_id = tx.devices.of_host("gpu-1")[0].id
        fence.fence(core, self.device_id, fences.Reason.OPERATOR, "", "a test")
        self.lease_id = self.api.world.order(duration=3600).id
        self.server_id = brownfield.server(self.api.world, slots=(7,))
        self.seen: set[int] = set()

    def check(self, operation_id: str) -> None:
        schema = schemathesis.openapi.from_dict(DOCUMENT)
        schema.app = self.api.application
        operation = schema.find_operation_by_id(operation_id)
        item = DOCUMENT["paths"][operation.path][operation.method]
        self._explore(operation, operation_id, GenerationMode.POSITIVE)
        # Or all that was explored is how to be refused.
        wanted = {int(found) for found in item["responses"] if found < "400"}
        self.assertNotEqual(set(), wanted & self.seen, self.seen)
        try:
            self._explore(operation, operation_id, GenerationMode.NEGATIVE)
        except hypothesis_errors.Unsatisfiable:
            # Without parameters and body there is nothing to get wrong.
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
            real=hypothesis.strategies.booleans(),
        )
        def ask(case: Any, real: bool) -> None:
            if real and mode is GenerationMode.POSITIVE:
                self._make_real(case)
            case.headers = {**(case.headers or {}), "X-Auth-Token": who.token}
            self.seen.add(case.call_and_validate(checks=CHECKS).status_code)

        try:
            ask()
        except BaseExceptionGroup as group:
            # Not an Exception: it would end the whole run.
            words = "\n".join(str(error) for error in group.exceptions)
            self.fail(f"{mode}: {words}")

    def _make_real(self, case: Any) -> None:
        """Name things that are there, so that the request gets further."""
        spare = case.method == "DELETE"
        known = {
            "models": SPARE if spare else api_fixture.MODEL,
            "pools": SPARE if spare else "default",
            "hosts": SPARE if spare else "gpu-1",
        }
        noun = case.operation.path.split("/")[2:3]
        real = {
            "name": known.get("".join(noun), ""),
            "flavor": "gpu.8" if spare else "gpu.2",
            "device_id": self.device_id,
            "reason": "operator",
            "lease_id": self.lease_id,
        }
        if case.path_parameters:
            case.path_parameters = {n: real[n] for n in case.path_parameters}
        if case.query:
            case.query = {n: v for n, v in case.query.items() if n in PAGING}
        if isinstance(case.body, dict):
            _make_real_body(case.body)
            if "server_id" in case.body:
                case.body["server_id"] = self.server_id
            if case.method == "PATCH":
                case.body.pop("generation", None)
        (case.headers or {}).pop("If-Match", None)


def _make_real_body(body: dict[str, Any]) -> None:
    real = {
        "flavor": "gpu.1",
        "models": [api_fixture.MODEL],
        "pool": "default",
    }
    body.update({n: v for n, v in real.items() if n in body})
    for name in ("nodes", "blocks"):
        body.pop(name, None)
    workload = body.get("workload")
    if isinstance(workload, dict):
        workload["image"] = cloud.IMAGE
        # No host of ours is in a zone that chance has named.
        for name in ("networks", "availability_zone"):
            workload.pop(name, None)


def _add(operation_id: str) -> None:
    def test(self: Fuzz) -> None:
        self.check(operation_id)

    setattr(Fuzz, f"test_{operation_id}", test)


for _id in _operations():
    _add(_id)
