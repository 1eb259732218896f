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

"""A user who may do nothing for a while, or never again."""

from __future__ import annotations

import dataclasses

import testtools

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import delegate
from gpubroker.services import drive
from gpubroker.services import end
from tests.fixtures import tripwire
from tests.fixtures import world

DAY = 86400.0


class Case(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(("gpu-1",), cards=2))
        self.cloud = self.world.cloud

    def held(self, name="train"):
        """A lease that found no rights when its turn came."""
        lease = self.world.order(name)
        self.cloud.rights = False
        self.world.run(lambda: self.at_rest(lease))
        return self.world.get(lease.id)

    def at_rest(self, lease):
        lease = self.world.get(lease.id)
        return lease.state == "queued" and lease.rights_gone_at is not None

    def ends_with_nothing_left(self, lease):
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())


class Held(Case):
    def test_it_waits_says_why_and_holds_nothing(self):
        lease = self.held()
        self.assertIn("Your rights", lease.reason)
        self.assertEqual(0, lease.attempts)
        self.assertIn("lease.held", self.world.events(lease.id))
        self.assertEqual(
            {"trusts", "delegations"}, set(self.world.leftovers())
        )

    def test_it_goes_on_when_the_rights_are_back(self):
        lease = self.held()
        self.world.turn()
        self.cloud.rights = True
        lease = self.world.settle(lease.id, "active")
        self.assertEqual(
            (0, None, ""), (lease.attempts, lease.rights_gone_at, lease.reason)
        )
        self.assertIn("lease.rights_back", self.world.events(lease.id))
        self.ends_with_nothing_left(lease)

    def test_it_keeps_no_cards_from_others(self):
        first = self.held("first")
        self.world.clock.advance(DAY)
        self.cloud.rights = True
        self.cloud.rightless = {self.trust(first)}
        second = self.world.order("second")
        self.world.settle(second.id, "active")
        self.assertEqual("queued", self.world.get(first.id).state)

    def test_it_starts_after_those_that_took_its_cards(self):
        first = self.held("first")
        self.cloud.rightless = {self.trust(first)}
        self.cloud.rights = True
        second = self.world.order("second")
        self.world.settle(second.id, "active")
        self.cloud.rightless = set()
        self.world.run(lambda: self.world.get(first.id).rights_gone_at is None)
        self.world.turn()
        self.assertIn("in use", self.world.get(first.id).reason)
        end.end(self.world.core, second.id)
        self.world.settle(first.id, "active")
        self.ends_with_nothing_left(first)

    def test_after_a_week_it_fails(self):
        lease = self.held()
        asked = self.count_looks()
        for _look in range(2 * 7 * 24):
            # Not more often than it asks for: each look is a call.
            self.assertLess(len(asked), 7 * DAY / 250)
            self.world.clock.advance(1800)
            if self.world.get(lease.id).state != "queued":
                break
            self.assertLessEqual(drive.drive(self.world.core, lease.id), 300)
        lease = self.world.settle(lease.id, "failed", told=["trust-left"])
        self.assertIn("has waited 168 hours", lease.reason)
        self.assertEqual(leases.EndCause.START_FAILED, lease.end_cause)

    def test_it_is_looked_at_less_and_less_often(self):
        lease = self.held()
        asked = self.count_looks()
        for _hour in range(60):
            self.world.clock.advance(60)
            drive.drive(self.world.core, lease.id)
        self.assertLess(len(asked), 30)

    def test_it_can_be_ended_at_any_time(self):
        lease = self.held()
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended", told=["trust-left"])
        # All that is left is what only its maker could remove.
        self.assertEqual(
            {"trusts", "trusts noted"}, set(self.world.leftovers())
        )
        self.cloud.rights = True
        for _look in range(2):
            self.world.clock.advance(600)
            delegate.sweep(self.world.core)
        self.assertEqual({}, self.world.leftovers())

    def test_a_trust_that_goes_meanwhile_fails_it(self):
        lease = self.held()
        self.cloud.trusts.clear()
        lease = self.world.settle(lease.id, "failed")
        self.assertIn("trust is gone", lease.reason)
        self.assertEqual({}, self.world.leftovers())

    def test_keystone_down_changes_nothing(self):
        lease = self.held()
        self.cloud.down = {"keystone"}
        for _look in range(20):
            self.world.clock.advance(self.world.turn())
        self.assertEqual("queued", self.world.get(lease.id).state)
        self.cloud.down = set()
        self.cloud.rights = True
        self.world.settle(lease.id, "active")

    def test_killed_at_any_line_it_goes_on(self):
        class Died(BaseException):
            pass

        lease = self.held()
        self.cloud.rights = True
        self.world.clock.advance(60)
        real = self.world.store.write
        for number in range(3):
            left = [number]

            def write(left=left):
                if not left[0]:
                    raise Died
                left[0] -= 1
                return real()

            store = tripwire.WritingBy(self.world.store, write)
            core = dataclasses.replace(self.world.core, store=store)
            try:
                self.world.turn(core)
            except Died:
                self.world.clock.advance(1)
        self.world.settle(lease.id, "active")
        self.ends_with_nothing_left(lease)

    def count_looks(self):
        asked = []
        real = self.world.core.identity.as_user

        def as_user(delegation):
            asked.append(delegation)
            return real(delegation)

        self.world.core.identity.as_user = as_user
        return asked

    def trust(self, lease):
        with self.world.store.read() as tx:
            return tx.leases.delegation(lease.id).trust_id


class Gone(Case):
    def test_a_trust_that_is_gone_fails_the_lease(self):
        lease = self.world.order()
        self.cloud.trusts.clear()
        lease = self.world.settle(lease.id, "failed")
        self.assertIn("trust is gone", lease.reason)
        self.assertEqual({}, self.world.leftovers())

    def test_a_lease_ends_without_the_users_rights(self):
        lease = self.world.order()
        lease = self.world.settle(lease.id, "active")
        self.cloud.rights = False
        self.cloud.trusts.clear()
        self.ends_with_nothing_left(lease)

    def test_it_ends_before_its_trust_was_given_back(self):
        """Keystone was down when it became active."""
        lease = self.world.order()
        self.world.run(lambda: self.world.get(lease.id).state == "active")
        self.cloud.rights = False
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended", told=["trust-left"])
        self.assertEqual(
            {"trusts", "trusts noted"}, set(self.world.leftovers())
        )

    def test_keystone_down_at_the_end_is_waited_for(self):
        lease = self.world.order()
        self.world.run(lambda: self.world.get(lease.id).state == "active")
        self.cloud.down = {"keystone"}
        end.end(self.world.core, lease.id)
        for _look in range(10):
            self.world.clock.advance(self.world.turn())
        self.assertEqual("ending", self.world.get(lease.id).state)
        self.cloud.down = set()
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def test_no_delegation_left(self):
        lease = self.world.order()
        with self.world.store.write() as tx:
            tx.leases.forget_delegation(lease.id)
        self.cloud.trusts.clear()
        lease = self.world.settle(lease.id, "failed")
        self.assertIn("Order again", lease.reason)
        self.assertRaises(errors.NotFound, self.world.get, "nope")
