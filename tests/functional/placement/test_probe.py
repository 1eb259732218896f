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

"""The race for one thing, in a real Placement: what it tells, and that
nothing of it stays."""

from __future__ import annotations

from typing import Any

import testtools
from keystoneauth1 import adapter
from keystoneauth1 import session as ks_session
from keystoneauth1 import token_endpoint

from gpubroker.clouds import compute
from gpubroker.clouds import placement as ledger
from gpubroker.clouds import probe
from gpubroker.clouds import session
from tests.fixtures import nova_tree
from tests.fixtures import placement


class RaceTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.placement = self.useFixture(placement.Placement())
        nova_tree.NovaTree(self.placement.api, "gpu-1").build()

    def probe(self) -> probe.Probe:
        """Its Nova is not asked here."""
        api = adapter.Adapter(
            session=ks_session.Session(
                auth=token_endpoint.Token(self.placement.endpoint, "admin")
            ),
            service_type="placement",
            default_microversion=ledger.MICROVERSION,
        )
        service = session.Service("Placement", api)
        nova = compute.Nova(service, compute.Microversion(service))
        return probe.Probe(nova, service, "abcd")

    def everything(self) -> dict[str, Any]:
        return {
            path: self.placement.api.get(path).json()
            for path in ("/resource_providers", "/resource_classes")
        }

    def test_one_wins_and_nothing_stays(self) -> None:
        before = self.everything()
        for _ in range(2):
            self.assertEqual(1, self.probe().race(5).winners)
        self.assertEqual(before, self.everything())

    def test_what_a_killed_race_left_is_no_obstacle_and_goes(self) -> None:
        before = self.everything()
        with self.probe()._thing("CUSTOM_GPUBROKERPROBE_ABCD") as provider:
            answer = self.probe()._claim(
                "7a3c1c2e-6f0d-4a56-9a1f-000000000001",
                provider,
                "CUSTOM_GPUBROKERPROBE_ABCD",
            )
            self.assertTrue(answer.found, answer)
            self.assertNotEqual(before, self.everything())
            self.assertEqual(1, self.probe().race(5).winners)
            self.assertEqual(before, self.everything())
