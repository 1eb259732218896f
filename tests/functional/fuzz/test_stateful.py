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
"""schemathesis follows the links of the description: what was made is shown,
changed, extended, ended and asked for again, in any order.

Of every step: no 5xx, no status and no content that the description does not
name, and what was deleted is gone.
"""

from __future__ import annotations

from typing import Any

import hypothesis
import schemathesis
import testtools
from hypothesis import HealthCheck
from hypothesis import Phase
from hypothesis import stateful
from schemathesis import checks

from tests.fixtures import api as api_fixture
from tests.fixtures import effort
from tests.functional.fuzz import test_openapi

#: Ways through one API, each with one of its own: what can be done next
#: depends on all that was done there before. And the steps of each.
WAYS, STEPS = (20, 400) if effort.LONG else (6, 60)

CHECKS = [
    *test_openapi.CHECKS,
    checks.CHECKS.get_one("use_after_free"),
]

#: What is made in each run anew: the rest is explored one by one elsewhere.
_NOUNS = ("leases", "flavors", "models", "pools", "hosts")


class Stateful(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.seen: set[tuple[str, int]] = set()

    def test_any_way_through_the_links(self) -> None:
        for seed in range(effort.SEED, effort.SEED + WAYS):
            self.api = self.useFixture(api_fixture.Api())
            self.go(seed)
        self.enough()

    def go(self, seed: int) -> None:
        # mypy can not know what schemathesis makes of a document.
        schema: Any = schemathesis.openapi.from_dict(test_openapi.DOCUMENT)
        schema = schema.include(path_regex=rf"^/v1/({'|'.join(_NOUNS)})")
        schema.app = self.api.application
        test = self

        class Machine(schema.as_state_machine()):  # type: ignore[misc]
            def before_call(self, case: Any) -> None:
                test.make_real(case)

            def validate_response(
                self, response: Any, case: Any, **more: Any
            ) -> None:
                case.validate_response(response, checks=CHECKS)
                operation = f"{case.method} {case.operation.path}"
                test.seen.add((operation, response.status_code))

        stateful.run_state_machine_as_test(
            hypothesis.seed(seed)(Machine),
            settings=hypothesis.settings(
                max_examples=1,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.explicit, Phase.generate],
            ),
        )

    def make_real(self, case: Any) -> None:
        """Order what can be had, as somebody who may."""
        who = api_fixture.ADMIN
        case.headers = {**(case.headers or {}), "X-Auth-Token": who.token}
        case.headers.pop("If-Match", None)
        # What is wrong on purpose has to stay so.
        if not isinstance(case.body, dict) or _is_wrong(case):
            return
        test_openapi._make_real_body(case.body)
        if case.method == "PATCH":
            case.body.pop("generation", None)

    def enough(self) -> None:
        """Or all that was explored is how to be refused."""
        done = {operation for operation, status in self.seen if status < 400}
        # Each way is through some of the operations, by chance.
        for noun in _NOUNS if effort.LONG else ("leases",):
            self.assertIn(f"POST /v1/{noun}", done)
        further = {name for name in done if "{" in name}
        self.assertGreater(len(further), 5, self.seen)


def _is_wrong(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_negative
