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


"""What the broker finds out about itself from a real Placement."""

from __future__ import annotations

import testtools
from keystoneauth1 import session as ks_session
from keystoneauth1 import token_endpoint

from gpubroker import errors
from gpubroker.clouds import placement as ledger
from gpubroker.clouds import session
from gpubroker.clouds import standing
from gpubroker.services.checks import placement as checks
from gpubroker.services.checks.mistakes import Mistake
from tests.fixtures import nova_tree
from tests.fixtures import placement


class StandingTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.placement = self.useFixture(placement.Placement())

    def standing(self, token: str = "admin") -> standing.Standing:
        """:param token: Placement's test middleware gives the role admin to
        this one and no role to others."""
        auth = token_endpoint.Token(self.placement.endpoint, token)
        return standing.Standing(
            session.Cloud(
                session=ks_session.Session(auth=auth),
                region_name=None,
                interface=("internal", "public"),
            )
        )

    def writes(self) -> tuple[int, int]:
        """What a write of any kind would change."""
        listed = self.placement.api.get("/resource_providers").json()
        providers = listed["resource_providers"]
        return len(providers), sum(p["generation"] for p in providers)

    def test_versions(self) -> None:
        self.assertEqual(("1.0", "1.39"), self.standing().placement_versions())

    def test_a_token_that_may_write(self) -> None:
        nova_tree.NovaTree(self.placement.api, "gpu-1").build()
        before = self.writes()
        self.assertTrue(self.standing().placement_writable())
        self.assertEqual(before, self.writes())

    def test_a_token_that_may_not(self) -> None:
        nobody = self.standing("someone:project")
        self.assertFalse(nobody.placement_writable())
        (found,) = checks.placement(nobody, ledger.MICROVERSION)
        self.assertEqual(Mistake.PLACEMENT_READ_ONLY, found.mistake)

    def test_nobody_carries_a_slot(self) -> None:
        self.assertEqual({}, self.standing().slot_holders())

    def test_slots_of_two_hosts(self) -> None:
        one = nova_tree.NovaTree(
            self.placement.api, "gpu-1", nova_tree.ADDRESSES[:2]
        ).build()
        two = nova_tree.NovaTree(
            self.placement.api, "gpu-2", nova_tree.ADDRESSES[:1]
        ).build()
        first, second = nova_tree.ADDRESSES[:2]
        self.assertEqual(
            {
                "CUSTOM_GPUBROKER_SLOT_0": {
                    one.cards[first],
                    two.cards[first],
                },
                "CUSTOM_GPUBROKER_SLOT_1": {one.cards[second]},
            },
            self.standing().slot_holders(),
        )

    def test_without_keystone_there_are_no_roles(self) -> None:
        self.assertRaises(errors.Unavailable, self.standing().roles)
