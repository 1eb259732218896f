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

from __future__ import annotations

from gpubroker.audit import snapshot
from tests.unit.audit import base
from tests.unit.audit import builders


class Fences(base.AuditTest):
    def fence(self, device, reason, **more):
        self.small.change(
            "devices", device, fences=(snapshot.Fence(reason=reason, **more),)
        )

    def test_a_fenced_card_that_is_open(self):
        self.fence("g1-4", "operator", created_at=builders.LONG_AGO)
        self.finds("fence-open", builders.address(4), "operator")

    def test_a_new_fence_is_given_time(self):
        self.fence("g1-4", "operator", created_at=builders.ago(5))
        self.finds_nothing(grace=60)

    def test_a_leased_card_that_is_open(self):
        self.small.change("cards", "g1-0", reserved=0)
        self.finds("fence-open", builders.address(0), "(lease)")

    def test_a_card_of_an_observed_host_stays_open(self):
        self.fence("g2-1", "unadmitted")
        self.finds_nothing()

    def test_a_closed_card_without_a_fence(self):
        self.small.change("cards", "g1-4", reserved=1)
        self.finds("fence-unknown", builders.address(4), "1 of 1")

    def test_a_closed_card_of_an_observed_host(self):
        self.small.change("cards", "g2-1", reserved=1)
        self.finds("fence-unknown", builders.address(1))

    def test_a_closed_card_without_a_fence_that_is_in_use(self):
        self.small.change("cards", "g1-3", reserved=1)
        self.finds("fence-waits", builders.address(3), severity=base.NOTE)

    def test_a_card_that_somebody_else_closed(self):
        self.small.change("cards", "g1-4", reserved=1)
        self.fence("g1-4", "external")
        self.finds("fence-external", builders.address(4), severity=base.NOTE)

    def test_a_card_that_somebody_else_opened_again(self):
        self.fence("g1-4", "external")
        self.finds("fence-outlived", builders.address(4))

    def test_a_lease_fence_of_no_lease(self):
        self.small.change("cards", "g1-4", reserved=1)
        self.fence("g1-4", "lease", lease_id="gone")
        self.finds("fence-lease-left", builders.address(4), "lease gone")

    def test_a_lease_fence_of_no_lease_on_a_card_in_use(self):
        self.small.change("cards", "g1-3", reserved=1)
        self.fence("g1-3", "lease", lease_id="gone")
        self.finds("fence-waits", builders.address(3), severity=base.NOTE)

    def test_a_lease_fence_of_a_lease_that_is_over(self):
        self.small.change("cards", "g1-4", reserved=1)
        self.fence("g1-4", "lease", lease_id="old")
        found = self.finds("fence-lease-left", "old")
        self.assertEqual(builders.LONG_AGO, found.since)

    def test_a_lease_fence_of_a_lease_with_other_cards(self):
        self.small.change("cards", "g1-4", reserved=1)
        self.fence("g1-4", "lease", lease_id="run")
        self.finds("fence-lease-left", "run")

    def test_a_running_lease_without_the_fence(self):
        self.small.change("devices", "g1-0", fences=())
        self.small.change("cards", "g1-0", reserved=0)
        self.finds("fence-lease-missing", builders.address(0), "lease-run")

    def test_one_whose_server_is_unshelved_has_none_for_a_while(self):
        self.small.change("devices", "g1-0", fences=())
        self.small.change("cards", "g1-0", reserved=0)
        self.small.change("servers", "run", status="SHELVED_OFFLOADED")
        self.assertNotIn("fence-lease-missing", self.codes())

    def test_a_lease_that_ends_keeps_the_fence(self):
        self.small.change(
            "leases",
            "run",
            state="ending",
            target="ended",
            updated_at=builders.ago(9),
        )
        self.finds_nothing()
