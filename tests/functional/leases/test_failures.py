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

"""What becomes of a start when something outside goes wrong."""

from __future__ import annotations

import testtools

from gpubroker.domain import leases
from gpubroker.services import end
from tests.fixtures import world


class FailureCase(testtools.TestCase):
    suspect_seconds = 5
    hosts = ("gpu-1",)

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(
            world.World(
                self.hosts, cards=2, suspect_seconds=self.suspect_seconds
            )
        )
        self.cloud = self.world.cloud

    def ends_with_nothing_left(self, lease):
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())


class TheUsersError(FailureCase):
    def failed(self, lease):
        lease = self.world.settle(lease.id, "failed")
        self.assertEqual({}, self.world.leftovers())
        self.assertEqual(leases.EndCause.START_FAILED, lease.end_cause)
        self.assertEqual(0, lease.attempts)
        return lease.reason

    def test_a_bad_image_fails_with_novas_words(self):
        lease = self.world.order(workload={"image": "broken"})
        self.assertEqual("Can not find requested image", self.failed(lease))

    def test_a_missing_key_pair_fails_at_once(self):
        lease = self.world.order(workload={"key_name": "nope"})
        begun = self.world.clock.monotonic()
        self.assertEqual("Invalid key_name provided.", self.failed(lease))
        # An answered POST leaves no doubt to wait for.
        self.assertLess(self.world.clock.monotonic() - begun, 60)

    def test_the_quota_in_nova_fails_with_novas_words(self):
        self.cloud.quota = 0
        reason = self.failed(self.world.order())
        self.assertIn("Quota exceeded", reason)

    def test_of_two_nodes_none_is_left_when_one_is_refused(self):
        self.cloud.quota = 1
        lease = self.world.order(nodes=2, flavor="gpu.1")
        self.failed(lease)
        self.assertEqual(2, self.cloud.posts)


class TheUsersWish(FailureCase):
    """Who deletes a server of a lease that still starts wants no lease."""

    hosts = ("gpu-1", "gpu-2")

    def test_one_of_two_is_deleted_while_the_other_is_built(self):
        self.cloud.fates = ["active", "stuck"]
        lease = self.world.order(flavor="gpu.2", nodes=2)
        self.world.run(lambda: len(self.cloud.machines) == 2)
        for _turn in range(4):
            self.world.clock.advance(2)
            self.world.turn()
        first = self.world.get(lease.id).nodes[0].server_id
        self.cloud.user_deletes(first)
        (other,) = self.cloud.machines.values()
        other.fate = "active"
        other.ready_at = self.world.clock.monotonic() + 1
        ended = self.world.settle(lease.id, "ended")
        self.assertEqual((0, 2), (ended.attempts, self.cloud.posts))
        self.assertEqual({}, self.world.leftovers())


class TheCloudsFailure(FailureCase):
    suspect_seconds = 60

    def test_novas_words_become_a_sentence(self):
        self.cloud.fates = ["error"]
        lease = self.world.order()
        self.world.run(lambda: self.world.get(lease.id).attempts == 1)
        self.assertIn(
            "aborted: boom. It will be tried again.",
            self.world.get(lease.id).reason,
        )

    def test_words_of_nova_that_say_nothing_become_plain(self):
        self.cloud.fates = ["no_boot"] * 3
        lease = self.world.order()
        self.assertEqual(
            "Start 3 of 3 failed: The server did not come up. If others do, "
            "its image may be the cause.",
            self.world.settle(lease.id, "failed").reason,
        )
        self.assertEqual({}, self.world.leftovers())

    hosts = ("gpu-1", "gpu-2")

    def started_again(self, fate):
        self.cloud.fates = [fate]
        lease = self.world.order()
        lease = self.world.settle(lease.id, "active")
        self.assertEqual(1, lease.attempts)
        self.assertEqual(1, len(self.cloud.machines))
        self.assertEqual(2, lease.nodes[0].attempt)
        return lease

    def test_no_valid_host_is_tried_on_another_host(self):
        lease = self.started_again("no_valid_host")
        self.assertEqual("gpu-2", lease.nodes[0].host)
        self.assertIn("lease.start_failed", self.world.events(lease.id))
        self.ends_with_nothing_left(lease)

    def test_a_server_in_error_is_removed_and_tried_again(self):
        lease = self.started_again("error")
        self.assertEqual("gpu-2", lease.nodes[0].host)
        self.ends_with_nothing_left(lease)

    def test_a_server_on_another_host_is_removed(self):
        lease = self.started_again("elsewhere")
        self.ends_with_nothing_left(lease)

    def test_a_server_that_never_comes_up_is_given_up(self):
        begun = self.world.clock.monotonic()
        lease = self.started_again("stuck")
        self.assertGreater(self.world.clock.monotonic() - begun, 600)
        self.ends_with_nothing_left(lease)

    def test_a_host_that_goes_down_meanwhile_is_given_up_sooner(self):
        self.cloud.fates = ["stuck"]
        lease = self.world.order()
        self.world.run(lambda: self.cloud.machines)
        self.world.compute_goes_down("gpu-1")
        begun = self.world.clock.monotonic()
        lease = self.world.settle(lease.id, "active")
        self.assertLess(self.world.clock.monotonic() - begun, 120)
        self.assertEqual("gpu-2", lease.nodes[0].host)

    def test_three_failed_starts_fail_the_lease(self):
        self.cloud.fates = ["error", "no_valid_host", "error"]
        lease = self.world.order()
        lease = self.world.settle(lease.id, "failed")
        self.assertEqual(3, lease.attempts)
        self.assertIn("Start 3 of 3 failed", lease.reason)
        self.assertEqual(3, self.cloud.posts)
        self.assertEqual({}, self.world.leftovers())

    def test_names_of_outside_things_never_repeat(self):
        self.cloud.fates = ["error", "error"]
        lease = self.world.order()
        seen = set()
        self.world.run(
            lambda: (
                seen.update(self.cloud.shapes)
                or self.world.get(lease.id).state == "active"
            )
        )
        self.assertEqual(3, self.world.get(lease.id).nodes[0].attempt)
        self.assertLessEqual(2, self.cloud.posts)

    def test_a_card_that_another_server_holds_is_not_accepted(self):
        tree = self.world.trees["gpu-1"]
        self.cloud.over_allocate = tree.addresses[0]
        lease = self.world.order()
        lease = self.world.settle(lease.id, "active")
        self.assertEqual(1, lease.attempts)


class NoAnswer(FailureCase):
    def test_a_lost_answer_never_makes_a_second_server(self):
        self.cloud.fates = ["lost"]
        lease = self.world.order()
        lease = self.world.settle(lease.id, "active")
        self.assertEqual(1, self.cloud.posts)
        self.assertEqual(0, lease.attempts)
        self.ends_with_nothing_left(lease)

    def test_a_post_that_made_nothing_is_repeated_after_a_minute(self):
        self.cloud.fates = ["unmade"]
        lease = self.world.order()
        begun = self.world.clock.monotonic()
        lease = self.world.settle(lease.id, "active")
        self.assertGreater(self.world.clock.monotonic() - begun, 60)
        self.assertEqual(2, self.cloud.posts)
        self.assertEqual(0, lease.attempts)
        self.ends_with_nothing_left(lease)

    def test_a_server_that_turns_up_after_the_second_post_is_removed(self):
        self.cloud.fates = ["late", "active"]
        lease = self.world.order()
        lease = self.world.settle(lease.id, "active", told=["server-doubled"])
        self.assertEqual(2, self.cloud.posts)
        self.assertEqual(2, len(self.cloud.machines))
        self.world.run(lambda: len(self.cloud.machines) == 1)
        self.assertIn(lease.nodes[0].server_id, self.cloud.machines)
        self.ends_with_nothing_left(lease)

    def test_an_order_cancelled_in_doubt_waits_for_the_server(self):
        self.cloud.fates = ["lost"]
        lease = self.world.order()
        self.world.turn()
        self.assertEqual(1, self.cloud.posts)
        # Cancelled before its server can be seen.
        self.ends_with_nothing_left(lease)

    def test_a_nova_that_is_down_costs_no_attempt(self):
        self.cloud.down = {"nova"}
        with self.world.ordering_allowed():
            lease = self.world.order()
        for _turn in range(10):
            self.world.clock.advance(self.world.turn())
        reason = self.world.get(lease.id).reason
        self.assertIn("does not answer at present", reason)
        self.assertNotIn("Nova:", reason, "its own words are for the log")
        self.cloud.down.clear()
        lease = self.world.settle(lease.id, "active")
        self.assertEqual((0, ""), (lease.attempts, lease.reason))
