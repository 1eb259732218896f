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
"""How often pages ask the service which versions it has."""

from __future__ import annotations

import time
from typing import Any

import fixtures

from tests.fixtures import api as test_api
from tests.functional.dashboard import base

INDEX = "/project/gpu_leases/"
DOCUMENTS = ("/", "/v1/")


class VersionsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.seen: list[tuple[str, str | None]] = []
        self.inner = self.api.application
        self.api.application = self.see
        self.keep(1e9)

    def keep(self, seconds: float) -> None:
        self.useFixture(
            fixtures.MonkeyPatch("gpubroker.dashboard.api.KEPT", seconds)
        )

    def see(self, environ: dict[str, Any], *args: Any) -> Any:
        token = environ.get("HTTP_X_AUTH_TOKEN")
        self.seen.append((environ["PATH_INFO"], token))
        return self.inner(environ, *args)

    def look(self, who: test_api.Persona) -> list[tuple[str, str | None]]:
        self.seen.clear()
        self.assertEqual(200, self.sign_in(who).get(INDEX).status_code)
        return list(self.seen)

    def test_they_are_asked_for_once_and_not_for_anybody(self) -> None:
        first = self.look(test_api.MEMBER)
        asked = [(path, token) for path, token in first if path in DOCUMENTS]
        self.assertEqual([(path, None) for path in DOCUMENTS], asked)
        for who in (test_api.MEMBER, test_api.OTHER_MEMBER):
            self.assertEqual([("/v1/leases", who.token)], self.look(who))

    def test_what_is_kept_of_them_has_nothing_of_who_was_first(self) -> None:
        from gpubroker.dashboard import api

        self.look(test_api.MEMBER)
        kept = api.documents(0)
        self.assertEqual({base.BROKER, f"{base.BROKER}/v1/"}, set(kept))
        for one in kept.values():
            self.assertEqual({"_url", "_data"}, set(vars(one)))
            self.assertNotIn(test_api.MEMBER.token, str(vars(one)))

    def test_they_are_asked_for_anew_after_some_minutes(self) -> None:
        self.look(test_api.MEMBER)
        self.keep(time.monotonic() / 1.5)
        paths = [path for path, _token in self.look(test_api.MEMBER)]
        self.assertEqual([*DOCUMENTS, "/v1/leases"], paths)
        self.assertEqual(1, len(self.look(test_api.MEMBER)))
