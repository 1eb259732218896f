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

"""What happens to a lease while it runs."""

from __future__ import annotations

import dataclasses
import datetime

import testtools

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import end
from gpubroker.services import expire
from gpubroker.services import extend
from gpubroker.services import names
from gpubroker.services import ports
from gpubroker.services import sweep
from gpubroker.worker import leases as worker_leases
from gpubroker.worker import turns
from gpubroker.worker import wall
from tests.fixtures import clock
from tests.fixtures import world


class HourBehind:
    """The clock of one machine among others that are right."""

    def __init__(self, right):
        self.monotonic, self.sleep = right.monotonic, right.sleep
        self._right = right

    def now(self):
        return self._right.now() - datetime.timedelta(hours=1)


class ActiveCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(cards=2))
        self.core = self.world.core
        self.cloud = self.world.cloud

    def active(self, **more):
        return self.world.settle(self.world.order(**more).id, "active")

    def shows(self, server_id, status):
        """Nova, of a server that keeps its cards."""
        machine = self.cloud.machines[server_id]
        machine.seen = dataclasses.replace(machine.seen, status=status)


class Running(ActiveCase):
    def test_the_cards_are_fenced_and_the_trust_is_gone(self):
        lease = self.active()
        with self.world.store.read() as tx:
            cards = tx.devices.many(lease.nodes[0].planned)
        for card in cards:
            self.assertEqual(
                ["lease"], [fence.reason for fence in card.fences]
            )
            self.assertEqual(1, card.reserved)
            self.assertEqual((lease.nodes[0].server_id,), card.consumers)
        self.assertEqual({}, self.cloud.trusts)

    def test_a_server_that_the_user_deleted_ends_the_lease(self):
        lease = self.active()
        self.cloud.user_deletes(lease.nodes[0].server_id)
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual(leases.EndCause.SERVER_GONE, lease.end_cause)
        self.assertEqual({}, self.world.leftovers())

    def test_one_of_two_servers_deleted_keeps_the_lease(self):
        lease = self.active(nodes=2)
        self.cloud.user_deletes(lease.nodes[0].server_id)
        self.world.run(lambda: self.world.get(lease.id).reason)
        self.assertEqual("active", self.world.get(lease.id).state)
        self.assertIn("lease.degraded", self.world.events(lease.id))

    def test_a_server_that_is_deleted_softly_is_deleted(self):
        """Nova keeps it, and its cards, for ``reclaim_instance_interval``;
        its user is done with it."""
        lease = self.active()
        self.shows(lease.nodes[0].server_id, "SOFT_DELETED")
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual(leases.EndCause.SERVER_GONE, lease.end_cause)
        self.assertEqual({}, self.world.leftovers())

    def test_one_of_two_deleted_softly_is_told_until_it_is_restored(self):
        lease = self.active(nodes=2)
        first = lease.nodes[0].server_id
        self.shows(first, "SOFT_DELETED")
        self.world.turn()
        self.assertIn("deleted", self.world.get(lease.id).reason)
        self.assertEqual("active", self.world.get(lease.id).state)
        self.shows(first, "ACTIVE")
        self.world.turn()
        self.assertEqual("", self.world.get(lease.id).reason)
        for node in lease.nodes:
            self.shows(node.server_id, "SOFT_DELETED")
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def test_a_server_restored_before_anybody_looked_is_kept(self):
        lease = self.active()
        self.shows(lease.nodes[0].server_id, "SOFT_DELETED")
        self.shows(lease.nodes[0].server_id, "ACTIVE")
        self.world.turn()
        lease = self.world.get(lease.id)
        self.assertEqual(("active", ""), (lease.state, lease.reason))

    def test_a_nova_that_shows_no_server_ends_nothing(self):
        """As with a policy file that lost ``context_is_admin``."""
        lease = self.active()
        self.cloud.blind = True
        for _turn in range(3):
            self.world.turn()
        self.assertEqual("active", self.world.get(lease.id).state)

    def test_a_stopped_server_is_shown_and_kept(self):
        lease = self.active()
        self.shows(lease.nodes[0].server_id, "SHUTOFF")
        self.world.turn()
        lease = self.world.get(lease.id)
        self.assertEqual("SHUTOFF", lease.nodes[0].server_status)
        self.assertEqual("active", lease.state)

    def test_a_server_that_loses_its_cards_is_degraded(self):
        lease = self.active()
        tree = self.world.trees[lease.nodes[0].host]
        tree.delete_server(lease.nodes[0].server_id)
        self.world.turn()
        self.assertIn("not hold", self.world.get(lease.id).reason)
        self.assertIn("lease.degraded", self.world.events(lease.id))


class Ending(ActiveCase):
    def test_a_lease_expires_and_not_before(self):
        lease = self.active(duration=600)
        due = lease.started_at + datetime.timedelta(seconds=600)
        self.assertEqual(due, lease.expires_at)
        left = (due - self.world.clock.now()).total_seconds()
        self.world.clock.advance(left - 1)
        self.assertEqual([], expire.expire(self.core))
        self.world.clock.advance(1)
        self.assertEqual([lease.id], expire.expire(self.core))
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual(leases.EndCause.EXPIRY, lease.end_cause)

    def test_a_worker_an_hour_behind_gives_the_whole_time(self):
        lease = self.world.order(duration=600)
        behind = dataclasses.replace(
            self.core, clock=HourBehind(self.world.clock)
        )
        self.world.run(
            lambda: self.world.get(lease.id).state == "active", core=behind
        )
        lease = self.world.get(lease.id)
        left = lease.expires_at - self.world.clock.now()
        self.assertLess(datetime.timedelta(seconds=590), left)
        self.assertEqual([], expire.expire(self.core))

    def test_a_machine_a_day_ahead_of_the_database_ends_nothing(self):
        lease = self.active(duration=3600)
        tomorrow = clock.Clock()
        tomorrow.advance(2 * 86400)
        ahead = dataclasses.replace(self.core, clock=tomorrow)
        self.assertEqual([], expire.expire(ahead))
        self.assertEqual("active", self.world.get(lease.id).state)

    def test_a_lease_loop_whose_clock_jumps_ends_nothing(self):
        lease = self.active(duration=3600)
        loop = worker_leases.LeaseLoop(
            self.core, turns.Turns(self.core, "one"), 2.0, 60.0, 1
        )
        self.addCleanup(loop.stop, 10.0)
        # Of the only machine there is: the database goes with it.
        self.world.clock._now += datetime.timedelta(days=1)
        loop._pass()
        self.assertEqual("active", self.world.get(lease.id).state)
        self.world.clock.advance(wall.PATIENCE)
        loop._pass()
        self.assertEqual("ending", self.world.get(lease.id).state)

    def test_ending_twice_is_ending_once(self):
        lease = self.active()
        first = end.end(self.core, lease.id)
        self.assertEqual(first, end.end(self.core, lease.id))
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual(lease, end.end(self.core, lease.id))

    def test_another_projects_lease_is_not_found(self):
        lease = self.active()
        for act in (end.end, extend.extend):
            self.assertRaises(
                errors.NotFound, act, self.core, lease.id, project_id="other"
            )

    def test_an_end_waits_for_a_nova_that_is_down(self):
        lease = self.active()
        self.cloud.down = {"nova"}
        end.end(self.core, lease.id)
        for _turn in range(5):
            self.world.clock.advance(self.world.turn())
        self.assertEqual("ending", self.world.get(lease.id).state)
        self.cloud.down.clear()
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def test_a_server_that_does_not_go_is_said(self):
        lease = self.active()
        self.cloud.delete_seconds = 300
        end.end(self.core, lease.id)
        self.world.run(lambda: self.world.get(lease.id).reason)
        self.assertIn("Nova has removed", self.world.get(lease.id).reason)
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual("", lease.reason)

    def test_another_server_on_a_card_is_not_touched(self):
        """A card that somebody else uses is not ours to free."""
        lease = self.active()
        other = self.cloud.stranger("gpu-2", 0)
        end.end(self.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertTrue(self.core.ledger.allocations(other))


class Extending(ActiveCase):
    def test_an_active_lease_gets_more_time(self):
        lease = self.active(duration=600)
        after = extend.extend(self.core, lease.id, by=60)
        self.assertEqual(660, after.duration)
        self.assertEqual(
            lease.expires_at + datetime.timedelta(seconds=60),
            after.expires_at,
        )
        later = after.expires_at + datetime.timedelta(seconds=30)
        after = extend.extend(self.core, lease.id, until=later)
        self.assertEqual(later, after.expires_at)

    def test_a_queued_lease_gets_more_time_by_seconds_only(self):
        lease = self.world.order(duration=600)
        after = extend.extend(self.core, lease.id, by=60)
        self.assertEqual((660, None), (after.duration, after.expires_at))
        self.assertRaises(
            errors.Conflict,
            extend.extend,
            self.core,
            lease.id,
            until=self.world.clock.now() + datetime.timedelta(days=1),
        )

    def test_an_end_that_is_past_can_not_be_moved_within_the_past(self):
        """No worker ran while the lease's time was over."""
        lease = self.active(duration=600)
        self.world.clock.advance(3600)
        refused = self.assertRaises(
            errors.Conflict, extend.extend, self.core, lease.id, by=60
        )
        self.assertIn("still is, since", refused.message)
        refused = self.assertRaises(
            errors.Invalid,
            extend.extend,
            self.core,
            lease.id,
            until=self.world.clock.now(),
        )
        self.assertEqual("until", refused.fields["field"])
        after = extend.extend(self.core, lease.id, by=7200)
        self.assertLess(self.world.clock.now(), after.expires_at)
        self.world.turn()
        self.assertEqual("active", self.world.get(lease.id).state)

    def test_what_is_not_later_is_refused(self):
        lease = self.active(duration=600)
        for more in ({"by": 0}, {"by": -1}, {"until": lease.expires_at}, {}):
            self.assertRaises(
                errors.Invalid, extend.extend, self.core, lease.id, **more
            )
        self.assertRaises(
            errors.Invalid, extend.extend, self.core, lease.id, by=10**9
        )

    def test_a_lease_without_an_end_or_that_is_over_is_refused(self):
        lease = self.active()
        self.assertRaises(
            errors.Conflict, extend.extend, self.core, lease.id, by=60
        )
        over = self.active(duration=600)
        end.end(self.core, over.id)
        self.assertRaises(
            errors.Conflict, extend.extend, self.core, over.id, by=60
        )

    def test_a_name_is_changed_at_the_generation_that_was_read(self):
        lease = self.active()
        after = extend.rename(self.core, lease.id, "new", lease.generation)
        self.assertEqual("new", after.name)
        self.assertRaises(
            errors.ConcurrentUpdate,
            extend.rename,
            self.core,
            lease.id,
            "newer",
            lease.generation,
        )


class Sweeping(ActiveCase):
    def test_nothing_of_an_open_lease_is_a_leftover(self):
        self.active()
        # Its shape stays while the answer of the POST is waited for.
        self.cloud.fates = ["unmade"]
        self.world.order("second")
        self.world.run(lambda: self.cloud.shapes)
        self.assertEqual(sweep.Leftovers(), sweep.find(self.core))

    def test_tickets_and_shapes_without_a_lease_are_removed(self):
        self.active()
        with self.world.store.read() as tx:
            host = tx.hosts.get("gpu-1")
            ours = tx.installation.name()
        ticket = names.ticket(ours, "lost", 1)
        shape = names.shape(ours, "lost", 1)
        self.core.ledger.put_ticket(host.ticket_provider_id, ticket)
        self.core.compute.ensure_shape(
            ports.ShapeSpec(
                id=shape,
                name=shape,
                vcpus=1,
                ram_mib=1,
                disk_gib=1,
                extra_specs={},
                project_id="demo",
            )
        )
        found = sweep.find(self.core)
        self.assertEqual(({ticket}, {shape}), (found.tickets, found.shapes))
        self.assertEqual(2, sweep.remove(self.core, found))
        self.assertEqual(sweep.Leftovers(), sweep.find(self.core))

    def test_a_ticket_that_is_held_stays(self):
        """After a restore the leases of today are unknown: theirs stay."""
        lease = self.active()
        ticket = lease.nodes[0].ticket
        found = sweep.Leftovers(tickets=frozenset({ticket}))
        self.assertEqual(0, sweep.remove(self.core, found))
        self.assertIn(ticket, self.core.ledger.tickets())
        self.assertIn(lease.nodes[0].server_id, self.cloud.machines)
