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


"""How the API shows a host where starts failed lately, and to whom."""

from __future__ import annotations

import datetime

import testtools

from gpubroker.domain import failures
from tests.fixtures import api as api_fixture

LEASES = (
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
)
READERS = {
    api_fixture.PROJECT: api_fixture.READER,
    api_fixture.OTHER: api_fixture.OTHER_READER,
}


class Suspect(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())
        self.now = self.api.world.clock.now()
        self.until = self.now + datetime.timedelta(seconds=60)

    def failed(self, *projects: str) -> None:
        """One lease of each failed on the host."""
        with self.api.world.store.write() as tx:
            for lease_id, project in zip(LEASES, projects, strict=True):
                tx.failures.note(
                    failures.Failure(
                        host="gpu-1",
                        lease_id=lease_id,
                        project_id=project,
                        at=self.now,
                        until=self.until,
                        message="boom",
                    ),
                    self.now,
                )

    def host(self, path: str = "/v1/hosts/gpu-1") -> tuple[str, str]:
        answer = self.api.call("GET", path, who=api_fixture.ADMIN)
        body = answer.json
        host = body["hosts"][0] if "hosts" in body else body
        return host["suspect_until"], host["suspect_reason"]

    def blocked(self, project: str) -> list[dict[str, object]]:
        answer = self.api.call(
            "GET", "/v1/offers?flavor=gpu.8", who=READERS[project]
        )
        (offer,) = answer.json["offers"]
        found: list[dict[str, object]] = offer["blocked"]
        return found

    def test_to_everybody(self) -> None:
        self.failed(api_fixture.PROJECT, api_fixture.OTHER)
        until = self.until.isoformat(timespec="seconds")
        for path in ("/v1/hosts", "/v1/hosts/gpu-1"):
            self.assertEqual(
                (until.replace("+00:00", "Z"), "boom"), self.host(path)
            )
        detail = "8 cards are on hosts where starts failed lately"
        for project in READERS:
            self.assertEqual(
                [{"reason": "suspect", "gpus": 8, "detail": detail}],
                self.blocked(project),
            )
        self.api.world.clock.advance(61)
        self.assertEqual((None, ""), self.host())
        self.assertEqual([], self.blocked(api_fixture.PROJECT))

    def test_to_one_project(self) -> None:
        self.failed(api_fixture.PROJECT, api_fixture.PROJECT)
        self.assertEqual((None, ""), self.host())
        self.assertEqual(1, len(self.blocked(api_fixture.PROJECT)))
        self.assertEqual([], self.blocked(api_fixture.OTHER))
