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
"""Trusts that no lease got: found again, and no other is touched."""

from __future__ import annotations

import dataclasses
import datetime
import logging

import fixtures
import testtools

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import delegate
from gpubroker.services import end
from tests.fixtures import cloud as test_cloud
from tests.fixtures import world


class Identity:
    """Keystone, with something that happens when it is asked for a trust."""

    def __init__(self, real, before=lambda: None, after=lambda: None):
        self._real = real
        self._before, self._after = before, after

    def __getattr__(self, name):
        return getattr(self._real, name)

    def delegate(self, *args):
        self._before()
        made = self._real.delegate(*args)
        self._after()
        return made


class Case(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(
            world.World(("gpu-1",), cards=2, order_seconds=600)
        )
        self.cloud = self.world.cloud
        self.plain = self.world.core

    def keystone(self, **happens):
        identity = Identity(self.plain.identity, **happens)
        self.world.core = dataclasses.replace(self.plain, identity=identity)

    def rows(self):
        with self.world.store.read() as tx:
            return tx.trusts.all()

    def lost(self):
        """An order whose process dies with the trust made."""

        class Died(BaseException):
            pass

        def die():
            raise Died

        self.keystone(after=die)
        self.assertRaises(Died, self.world.order)
        self.world.core = self.plain
        self.assertEqual(1, len(self.cloud.trusts))

    def sweep(self, seconds=600):
        self.world.clock.advance(seconds)
        return delegate.sweep(self.plain)


class Sweeping(Case):
    def test_an_order_that_gets_through_leaves_no_row(self):
        lease = self.world.order()
        self.assertEqual([], self.rows())
        self.sweep(10 * 86400)
        self.assertEqual(1, len(self.cloud.trusts))
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def test_a_trust_that_no_lease_got_is_deleted_and_proven_gone(self):
        self.lost()
        self.sweep()
        self.assertEqual({}, self.cloud.trusts)
        self.assertEqual(1, len(self.rows()))
        self.assertEqual(1, self.sweep(60))
        self.assertEqual({}, self.world.leftovers())

    def test_a_trust_without_an_answer_is_found(self):
        def no_answer():
            raise errors.Unavailable("Keystone: no answer")

        self.keystone(after=no_answer)
        self.assertRaises(errors.Unavailable, self.world.order)
        self.sweep()
        self.sweep()
        self.assertEqual({}, self.world.leftovers())

    def test_an_order_is_left_its_time(self):
        self.lost()
        self.sweep(599)
        self.assertEqual(1, len(self.cloud.trusts))

    def test_a_trust_that_was_not_made_for_an_order_of_ours_stays(self):
        """Another broker, or another service, may use the same user."""
        other = test_cloud.Trust(
            "alice@demo", datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
        )
        self.lost()
        self.cloud.trusts["theirs"] = other
        for _look in range(3):
            self.sweep()
        self.assertEqual({"theirs": other}, self.cloud.trusts)
        self.assertEqual([], self.rows())

    def test_one_whose_makers_rights_are_gone_is_left_to_its_end(self):
        log = self.useFixture(fixtures.FakeLogger(level=logging.WARNING))
        self.lost()
        self.cloud.rights = False
        asked = []
        self.keystone()
        self.world.core.identity.revoke = lambda _delegation: asked.append(1)
        for _minute in range(24 * 60):
            self.world.clock.advance(60)
            delegate.sweep(self.world.core)
        self.assertIn("alice has no rights in project demo", log.output)
        self.assertEqual(1, log.output.count("can not be deleted"))
        self.assertLess(len(asked), 14)
        # A trust is over by itself, and with it the row.
        self.sweep(401 * 86400)
        self.assertEqual([], self.rows())

    def test_rights_that_come_back_are_used(self):
        self.lost()
        self.cloud.rights = False
        self.sweep()
        self.sweep()
        self.assertEqual(1, len(self.cloud.trusts))
        self.cloud.rights = True
        self.sweep(86400)
        self.sweep(86400)
        self.assertEqual({}, self.world.leftovers())

    def test_keystone_down_is_tried_again(self):
        self.lost()
        self.cloud.down = {"keystone"}
        self.assertRaises(errors.Unavailable, self.sweep)
        self.cloud.down = set()
        self.sweep(0)
        self.sweep()
        self.assertEqual({}, self.world.leftovers())

    def test_a_sweep_that_is_killed_goes_on(self):
        class Died(BaseException):
            pass

        def die(_delegation):
            raise Died

        self.lost()
        self.keystone()
        self.world.core.identity.revoke = die
        self.world.clock.advance(600)
        self.assertRaises(Died, delegate.sweep, self.world.core)
        self.sweep()
        self.sweep()
        self.assertEqual({}, self.world.leftovers())


class Ordering(Case):
    def test_an_order_that_was_given_up_is_not_written(self):
        """It stood still for longer than an order may; whoever is first
        decides, not the clock."""
        self.keystone(after=lambda: self.sweep(600))
        self.assertRaises(errors.Unavailable, self.world.order)
        self.assertEqual([], self.world.open())
        self.assertEqual({}, self.cloud.trusts)

    def test_nor_one_that_had_not_asked_keystone_yet(self):
        self.keystone(before=lambda: self.sweep(600))
        self.assertRaises(errors.Unavailable, self.world.order)
        self.assertEqual([], self.world.open())
        self.assertEqual({}, self.cloud.trusts)

    def test_who_may_not_delegate_leaves_no_row(self):
        def refuse():
            raise errors.Forbidden("Not with this token.")

        self.keystone(before=refuse)
        self.assertRaises(errors.Forbidden, self.world.order)
        self.assertEqual([], self.rows())

    def test_a_second_that_is_taken_is_not_taken_again(self):
        """In the database as in Keystone; the trust that has it is kept."""
        first = self.world.order("first")
        taken = self.delegation(first).expires_at
        ends = [taken, taken, taken + datetime.timedelta(seconds=1)]
        self.keystone()
        self.world.core.identity.expiry = lambda: ends.pop(0)
        second = self.world.order("second")
        self.assertEqual(
            datetime.timedelta(seconds=1),
            self.delegation(second).expires_at - taken,
        )
        self.assertEqual([], self.rows())
        self.assertEqual(2, len(self.cloud.trusts))

    def test_an_order_that_dies_at_anothers_second_leaves_that_alone(self):
        first = self.world.order("first")
        taken = self.delegation(first).expires_at

        class Died(BaseException):
            pass

        def die(*_args):
            raise Died

        self.keystone()
        self.world.core.identity.expiry = lambda: taken
        self.world.core.identity.delegate = die
        self.assertRaises(Died, self.world.order, "second")
        self.assertEqual(1, len(self.rows()))
        self.sweep()
        self.assertEqual([], self.rows())
        self.assertEqual(
            [self.delegation(first).trust_id], list(self.cloud.trusts)
        )

    def test_when_every_second_is_taken_it_is_to_be_tried_again(self):
        first = self.world.order("first")
        taken = self.delegation(first).expires_at
        self.keystone()
        self.world.core.identity.expiry = lambda: taken
        self.assertRaises(errors.Unavailable, self.world.order, "second")
        self.assertEqual([], self.rows())

    def delegation(self, lease) -> leases.Delegation:
        with self.world.store.read() as tx:
            return tx.leases.delegation(lease.id)
