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

"""Orders with a token that can hand on no rights."""

from __future__ import annotations

import dataclasses

import testtools

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import behalf
from gpubroker.services import caller
from gpubroker.services import end
from gpubroker.services import sweep
from tests.fixtures import cloud as test_cloud
from tests.fixtures import cloud_ports
from tests.fixtures import tripwire
from tests.fixtures import world

TOKEN = f"{world.USER}@{world.PROJECT}"
CREDENTIAL = ("application_credential",)


class Died(BaseException):
    pass


class Case(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(("gpu-1",), cards=2))
        self.cloud = self.world.cloud
        self.user = cloud_ports.UserCloud(self.cloud, TOKEN)

    def order(self, name="train", **more):
        return self.world.order(name, methods=CREDENTIAL, **more)

    def both(self, lease, until, cloud=None, seconds=300):
        """The worker and the API process, side by side."""
        stop = self.world.clock.monotonic() + seconds
        while self.world.get(lease.id).state != until:
            self.assertLess(self.world.clock.monotonic(), stop)
            caller.drive(self.world.core, lease.id, cloud or self.user)
            self.world.clock.advance(min(self.world.turn(), 1.0) or 0.1)
        return self.world.get(lease.id)

    def alone(self):
        """A worker without the token, until nobody may use it any more."""
        for _turn in range(3):
            self.world.turn()
        self.world.clock.advance(121)

    def ends_with_nothing_left(self, lease):
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def lost(self, lease):
        """What the worker makes of it alone."""
        self.alone()
        lease = self.world.settle(lease.id, "failed", seconds=100)
        self.assertIn("Identity lost", lease.reason)
        self.assertEqual({}, self.world.leftovers())
        return lease


class AtOnce(Case):
    def test_made_with_the_callers_token_and_no_trust(self):
        lease = self.order(workload={"key_name": test_cloud.KEY})
        self.assertEqual(leases.IdentityMode.CALLER, lease.identity_mode)
        self.assertEqual({}, self.cloud.trusts)
        self.both(lease, "active")
        (machine,) = self.cloud.machines.values()
        self.assertEqual(world.USER, machine.seen.user_id)
        self.assertIsNone(caller.drive(self.world.core, lease.id, self.user))
        self.ends_with_nothing_left(lease)

    def test_several_servers(self):
        lease = self.order(flavor="gpu.1", nodes=2)
        self.both(lease, "active")
        self.assertEqual(2, self.cloud.posts)
        self.ends_with_nothing_left(lease)

    def test_a_start_that_failed_is_tried_again_in_time(self):
        self.cloud.fates = ["error"]
        lease = self.order(flavor="gpu.1")
        self.assertEqual(1, self.both(lease, "active").attempts)

    def test_a_users_error_fails_it_with_novas_words(self):
        lease = self.order(workload={"image": "broken"})
        lease = self.both(lease, "failed")
        self.assertEqual("Can not find requested image", lease.reason)
        self.assertEqual({}, self.world.leftovers())

    def test_a_post_without_an_answer_is_found_and_made_once(self):
        self.cloud.fates = ["lost"]
        lease = self.order()
        self.both(lease, "active")
        self.assertEqual(1, self.cloud.posts)

    def test_ended_by_its_user_while_it_starts(self):
        lease = self.order()
        self.world.turn()
        end.end(self.world.core, lease.id)
        self.assertIsNone(caller.drive(self.world.core, lease.id, self.user))
        self.world.settle(lease.id, "ended")
        self.assertEqual((0, {}), (self.cloud.posts, self.world.leftovers()))

    def test_nothing_says_the_token(self):
        lease = self.order()
        self.both(lease, "active")
        with self.world.store.read() as tx:
            told = [tx.leases.get(lease.id), tx.leases.delegation(lease.id)]
        told.extend(self.world.history(lease.id))
        self.assertNotIn(TOKEN, repr(told))


class Large(Case):
    """More servers than can be made while the token may be used."""

    def setUp(self):
        super().setUp()
        self.wide = self.useFixture(world.World(("gpu-1", "gpu-2", "gpu-3")))

    def large(self, nodes):
        return self.wide.order(flavor="gpu.1", nodes=nodes, methods=CREDENTIAL)

    def test_as_many_as_there_is_time_for_with_a_slow_nova(self):
        most = behalf.AT_ONCE_NODES
        lease = self.large(most)
        user = cloud_ports.UserCloud(self.wide.cloud, TOKEN)
        made = 0
        while self.wide.get(lease.id).state not in ("active", "failed"):
            caller.drive(self.wide.core, lease.id, user)
            now = self.wide.cloud.posts
            # Each POST takes six seconds, each look of the worker a half.
            self.wide.clock.advance(6.0 * (now - made) + 0.3)
            made = now
            self.wide.turn()
            self.wide.clock.advance(0.2)
        self.assertEqual("active", self.wide.get(lease.id).state)
        self.assertEqual(most, made)

    def test_more_are_refused(self):
        refused = self.assertRaises(
            errors.CanNotWait, self.large, behalf.AT_ONCE_NODES + 1
        )
        self.assertIn("at most 16 servers", refused.message)
        self.assertEqual([], self.wide.open())

    def test_more_are_the_brokers_where_it_is_a_member(self):
        self.wide.cloud.member_of = {world.PROJECT}
        lease = self.large(behalf.AT_ONCE_NODES + 1)
        self.assertEqual(leases.IdentityMode.SERVICE, lease.identity_mode)
        lease = self.large(1)
        self.assertEqual(leases.IdentityMode.CALLER, lease.identity_mode)


class Waiting(Case):
    def fill(self):
        lease = self.world.order("first")
        self.world.settle(lease.id, "active")
        return lease

    def test_an_order_that_would_wait_is_refused(self):
        self.fill()
        refused = self.assertRaises(errors.CanNotWait, self.order)
        self.assertIn("Order with a password", refused.message)
        self.assertEqual(1, len(self.world.open()))

    def test_so_is_one_behind_others(self):
        self.world.order("first")
        self.assertRaises(errors.CanNotWait, self.order)

    def test_what_is_wrong_with_it_comes_first(self):
        self.fill()
        self.assertRaises(
            errors.Invalid, self.order, workload={"image": "none"}
        )

    def test_place_that_goes_before_the_plan_is_the_end_of_it(self):
        lease = self.order()
        with self.world.store.write() as tx:
            for host in tx.hosts.all():
                tx.hosts.update(dataclasses.replace(host, mode="observe"))
        found = self.lost(lease)
        self.assertIn("Until then:", found.reason)
        self.assertIsNone(caller.drive(self.world.core, lease.id, self.user))


class Kills(Case):
    def test_before_anything_was_done(self):
        lease = self.order()
        self.assertLess(
            (self.lost(lease).ended_at - lease.requested_at).total_seconds(),
            180,
        )

    def test_others_get_the_cards_then(self):
        self.order()
        behind = self.world.order("behind")
        self.alone()
        self.world.settle(behind.id, "active", seconds=60)

    def test_at_every_write_of_the_one_who_has_the_token(self):
        """The POST is made or it is not; nothing is left over, or the
        lease runs."""
        ends = set()
        for number in range(4):
            lease = self.order(f"train{number}")
            left = [number]

            def write(left=left):
                left[0] -= 1
                if left[0] < 0:
                    raise Died
                return real()

            real = self.world.store.write
            core = dataclasses.replace(
                self.world.core,
                store=tripwire.WritingBy(self.world.store, write),
            )
            self.until_dead(core, lease)
            self.alone()
            self.world.run(
                lambda: self.world.get(lease.id).state in ("active", "failed"),
                seconds=400,
            )
            lease = self.world.get(lease.id)
            ends.add(lease.state)
            if lease.state == "active":
                self.ends_with_nothing_left(lease)
            else:
                self.assertIn("Identity lost", lease.reason)
            self.world.clock.advance(30)
            self.world.turn()
            self.world.turn()
            self.assertEqual({}, self.world.leftovers())
        self.assertEqual({"active", "failed"}, ends)

    def until_dead(self, core, lease):
        for _turn in range(20):
            try:
                if caller.drive(core, lease.id, self.user) is None:
                    return
            except Died:
                return
            self.world.clock.advance(min(self.world.turn(), 1.0) or 0.1)

    def test_in_the_middle_of_its_post(self):
        class Dying(cloud_ports.UserCloud):
            def create_server(self, spec):
                raise Died

        lease = self.order()
        self.assertRaises(
            Died, self.both, lease, "active", Dying(self.cloud, TOKEN)
        )
        self.lost(lease)

    def test_when_the_server_was_made(self):
        class Dying(cloud_ports.UserCloud):
            def create_server(self, spec):
                super().create_server(spec)
                raise Died

        lease = self.order()
        self.assertRaises(
            Died, self.both, lease, "active", Dying(self.cloud, TOKEN)
        )
        self.world.settle(lease.id, "active")
        self.assertEqual(1, self.cloud.posts)
        self.ends_with_nothing_left(lease)


class Service(Case):
    """The broker's own user, where it is a member of the project."""

    def setUp(self):
        super().setUp()
        self.cloud.member_of = {world.PROJECT}
        self.first = self.world.order("first")
        self.world.settle(self.first.id, "active")

    def waiting(self, **more):
        lease = self.order("second", **more)
        self.assertEqual(leases.IdentityMode.SERVICE, lease.identity_mode)
        self.world.turn()
        self.assertEqual("queued", self.world.get(lease.id).state)
        return lease

    def go(self):
        end.end(self.world.core, self.first.id)

    def test_it_waits_and_starts_in_the_brokers_name_with_the_users_key(self):
        lease = self.waiting(workload={"key_name": test_cloud.KEY})
        had = []
        boot = self.cloud.boot
        self.cloud.boot = lambda project, user, spec: (
            had.append((user, self.cloud.keys.get(spec.key_name))),
            boot(project, user, spec),
        )[1]
        self.go()
        self.world.settle(lease.id, "active")
        self.assertEqual([("gpubroker", test_cloud.PUBLIC_KEY)], had)
        self.assertEqual({}, self.cloud.keys)
        self.ends_with_nothing_left(lease)

    def test_without_a_key_pair(self):
        lease = self.waiting()
        self.go()
        self.world.settle(lease.id, "active")
        self.ends_with_nothing_left(lease)

    def test_a_post_without_an_answer(self):
        self.cloud.fates = ["lost"]
        lease = self.waiting(workload={"key_name": test_cloud.KEY})
        self.go()
        self.world.settle(lease.id, "active")
        self.assertEqual(2, self.cloud.posts)
        self.assertEqual({}, self.cloud.keys)

    def test_a_membership_that_ends_holds_it(self):
        lease = self.waiting()
        self.cloud.member_of = set()
        self.go()
        self.world.run(lambda: self.world.get(lease.id).rights_gone_at)
        self.assertIn("no member", self.world.get(lease.id).reason)
        self.cloud.member_of = {world.PROJECT}
        self.world.settle(lease.id, "active")

    def test_a_start_that_fails_leaves_no_key(self):
        self.cloud.fates = ["error"] * 3
        lease = self.waiting(workload={"key_name": test_cloud.KEY})
        self.go()
        self.world.settle(lease.id, "failed")
        self.assertEqual({}, self.world.leftovers())

    def test_what_can_start_at_once_is_the_users_own(self):
        self.go()
        self.world.settle(self.first.id, "ended")
        lease = self.order()
        self.assertEqual(leases.IdentityMode.CALLER, lease.identity_mode)

    def test_who_can_make_no_trust_uses_it_too(self):
        self.cloud.federated = {TOKEN}
        lease = self.world.order("sso")
        self.assertEqual(leases.IdentityMode.SERVICE, lease.identity_mode)
        self.cloud.member_of = set()
        self.assertRaises(errors.Forbidden, self.world.order, "sso2")

    def test_a_token_that_was_revoked_is_no_such_case(self):
        """Nobody would ever look at its user's rights again."""
        self.cloud.revoked = {TOKEN}
        self.cloud.down = {"nova"}
        self.assertRaises(errors.Unauthenticated, self.world.order, "gone")
        self.assertEqual([self.first.id], [o.id for o in self.world.open()])
        with self.world.store.read() as tx:
            self.assertEqual([], tx.trusts.all())

    def test_a_key_pair_that_nobody_names_is_swept(self):
        shape = next(iter(self.names()))
        self.cloud.keys = {
            f"{shape}9": test_cloud.PUBLIC_KEY,
            "mine": test_cloud.PUBLIC_KEY,
        }
        found = sweep.find(self.world.core)
        sweep.remove(self.world.core, found)
        self.assertEqual(["mine"], list(self.cloud.keys))

    def names(self):
        return {n.shape_id for n in self.world.get(self.first.id).nodes}
