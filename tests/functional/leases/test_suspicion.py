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


"""What a failed start means for its host, to whom, and for how long."""

from __future__ import annotations

import testtools

from gpubroker.domain import leases
from gpubroker.domain.reasons import Why
from gpubroker.services import end
from gpubroker.services import offers
from tests.fixtures import world


class SuspicionCase(testtools.TestCase):
    hosts = ("gpu-1",)

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(self.hosts, cards=2))
        self.begun = self.world.clock.monotonic()

    def since_then(self):
        return self.world.clock.monotonic() - self.begun

    def fails(self, *fates, **order):
        """Order, and see a start of it fail for each of the fates."""
        self.world.cloud.fates = list(fates)
        order.setdefault("flavor", "gpu.1")
        lease = self.world.order(**order)
        self.world.run(lambda: self.back_in_the_queue(lease, len(fates)))
        self.begun = self.world.clock.monotonic()
        return lease

    def back_in_the_queue(self, lease, attempts):
        found = self.world.get(lease.id)
        return found.attempts == attempts and found.state == "queued"

    def failed(self, *fates, **order):
        """The same, and nobody wants it any more."""
        lease = self.fails(*fates, **order)
        end.end(self.world.core, lease.id)
        self.world.run(lambda: self.world.get(lease.id).state == "ended")

    def offer(self, project):
        (found,) = offers.of_flavors(self.world.core, project, "gpu.1")
        return found[1]


class ToOneLease(SuspicionCase):
    def test_it_comes_back_to_the_only_host_when_the_time_is_over(self):
        lease = self.fails("error")
        self.world.settle(lease.id, "active")
        started = self.world.get(lease.id).started_at
        (failed,) = (
            one
            for one in self.world.history(lease.id)
            if one.kind == "lease.start_failed"
        )
        self.assertBetween(60, (started - failed.at).total_seconds(), 75)

    def assertBetween(self, least, value, most):
        self.assertTrue(least <= value <= most, f"{least}, {value}, {most}")

    def test_the_others_are_started_there_meanwhile(self):
        """Nothing of one user's broken image is felt by anybody."""
        first = self.fails("error", flavor="gpu.2")
        self.assertEqual(2, self.offer("other").available)
        other = self.world.order("second", flavor="gpu.2", project="other")
        self.world.run(lambda: self.world.get(other.id).state == "active")
        self.assertLess(self.since_then(), 20)
        waiting = self.world.get(first.id)
        self.assertEqual(leases.State.QUEUED, waiting.state)
        self.assertIn("boom. It will be tried again.", waiting.reason)
        end.end(self.world.core, other.id)
        self.world.settle(first.id, "active")

    def test_its_words_stay_while_it_keeps_away(self):
        lease = self.fails("error")
        for _turn in range(3):
            self.world.clock.advance(10)
            self.world.turn()
        self.assertIn("boom", self.world.get(lease.id).reason)


class TrailingRecords(SuspicionCase):
    """Nova's own record of the cards comes two seconds after Placement's."""

    def test_no_valid_host_is_tried_again_soon_on_the_only_host(self):
        lease = self.fails("no_valid_host")
        self.world.run(lambda: self.world.get(lease.id).state == "active")
        self.assertLess(self.since_then(), 20)
        self.assertEqual(1, self.world.get(lease.id).attempts)

    def test_it_says_nothing_of_the_host(self):
        self.failed("no_valid_host", project="one")
        self.failed("no_valid_host", project="two")
        self.assertEqual((), self.offer("three").blocked)

    def test_the_second_one_counts(self):
        lease = self.fails("no_valid_host", "no_valid_host")
        self.world.run(lambda: self.world.get(lease.id).state == "active")
        self.assertGreater(self.since_then(), 50)


class Elsewhere(SuspicionCase):
    hosts = ("gpu-1", "gpu-2")

    def test_another_host_is_taken_at_once(self):
        for fate in ("error", "no_valid_host"):
            lease = self.fails(fate)
            self.world.run(lambda x=lease: self.world.get(x.id).nodes[0].host)
            self.assertEqual("gpu-2", self.world.get(lease.id).nodes[0].host)
            self.assertLess(self.since_then(), 20)
            end.end(self.world.core, lease.id)
            self.world.settle(lease.id, "ended")

    def test_a_host_where_it_failed_long_ago_is_its_last_choice(self):
        lease = self.fails("error")
        self.world.clock.advance(61)
        self.world.run(lambda: self.world.get(lease.id).nodes[0].host)
        self.assertEqual("gpu-2", self.world.get(lease.id).nodes[0].host)


class ToSeveral(SuspicionCase):
    def reasons(self, project):
        return {b.reason: b.gpus for b in self.offer(project).blocked}

    def waits(self, project):
        lease = self.world.order("third", flavor="gpu.1", project=project)
        self.world.turn()
        self.assertIn(
            "2 on hosts where starts failed lately",
            self.world.get(lease.id).reason,
        )
        return lease

    def test_leases_of_two_projects_make_it_suspect_to_all(self):
        self.failed("error", project="one")
        self.failed("error", project="two")
        self.assertEqual({Why.SUSPECT: 2}, self.reasons("three"))
        lease = self.waits("three")
        self.world.run(lambda: self.world.get(lease.id).state == "active")
        self.assertGreater(self.since_then(), 50)

    def test_leases_of_one_project_make_it_suspect_to_that_one(self):
        self.failed("error", project="one")
        self.failed("error", project="one")
        self.assertEqual({Why.SUSPECT: 2}, self.reasons("one"))
        self.assertEqual({}, self.reasons("two"))
        self.waits("one")
        self.begun = self.world.clock.monotonic()
        lease = self.world.order("other", flavor="gpu.1", project="two")
        self.world.run(lambda: self.world.get(lease.id).state == "active")
        self.assertLess(self.since_then(), 20)

    def test_one_lease_that_fails_again_and_again_makes_it_not_suspect(self):
        lease = self.fails("error", project="one")
        self.world.cloud.fates = ["error"]
        self.world.run(lambda: self.back_in_the_queue(lease, 2))
        self.assertEqual({}, self.reasons("one"))

    def test_failures_far_apart_make_it_not_suspect(self):
        self.failed("error", project="one")
        self.world.clock.advance(600)
        self.failed("error", project="two")
        self.assertEqual({}, self.reasons("three"))

    def test_a_start_that_succeeds_clears_it(self):
        self.failed("error", project="one")
        works = self.world.order("works", flavor="gpu.1", project="two")
        self.world.settle(works.id, "active")
        self.failed("error", project="three")
        self.assertNotIn(Why.SUSPECT, self.reasons("four"))
