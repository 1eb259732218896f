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

"""A server that ran before becomes a lease, and ends as one."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import uuid

import testtools

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.services import adopt
from gpubroker.services import end
from gpubroker.services import extend
from gpubroker.services import purge
from gpubroker.services import reconcile
from tests.fixtures import brownfield
from tests.fixtures import tripwire
from tests.fixtures import world
from tests.functional.leases import memory

HOST = brownfield.HOST
ROOT = events.Actor(user_id="root", request_id="req-1", operator=True)


class AdoptionCase(brownfield.OneHost, testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World((HOST,), cards=2))
        self.core, self.cloud = self.world.core, self.world.cloud

    def server(self, slots=(0,), **more):
        server = brownfield.server(self.world, HOST, slots, **more)
        reconcile.reconcile_host(self.core, HOST)
        return server

    def adopt(self, server, core=None, **more):
        body = {"server_id": server, **more}
        return adopt.adopt(core or self.core, body, ROOT)

    def adopted(self, **more):
        lease = self.adopt(self.server(), **more)
        self.world.turn()
        return self.world.get(lease.id)

    def seen(self, server, **fields):
        machine = self.cloud.machines[server]
        machine.seen = dataclasses.replace(machine.seen, **fields)


class Adopting(AdoptionCase):
    def test_it_is_a_lease_of_its_project_with_exactly_its_cards(self):
        server = self.server((1,), name="old")
        lease = self.adopt(server, duration=3600)
        self.assertEqual(lease, self.world.get(lease.id))
        (node,) = lease.nodes
        card = self.cards()[1]
        told = (lease.name, lease.project_id, lease.user_id, lease.flavor)
        self.assertEqual(("old", world.PROJECT, "alice", "adopted"), told)
        self.assertEqual(("active", "active"), (lease.state, lease.target))
        self.assertEqual(((world.MODEL,), 1), (lease.models, lease.gpus))
        self.assertEqual((card.id,), node.planned)
        self.assertEqual(
            (server, HOST, None, None),
            (node.server_id, node.host, node.ticket, node.shape_id),
        )
        self.assertEqual(node.id, card.claimed_by)
        self.assertEqual([fences.Reason.LEASE], list(card.reasons))
        self.assertEqual(
            datetime.timedelta(hours=1), lease.expires_at - lease.started_at
        )
        (event,) = self.world.history(lease.id)
        self.assertEqual(
            ("lease.adopted", "root", True, "req-1"),
            (event.kind, event.by, event.operator, event.request_id),
        )
        self.world.turn()
        self.assertEqual([0, 1], self.reserved())
        self.assertEqual("", self.world.get(lease.id).reason)

    def test_a_stopped_one_too_and_a_flavor_that_describes_it(self):
        lease = self.adopt(
            self.server((0, 1), status="SHUTOFF"), flavor="gpu.2", name="new"
        )
        self.assertEqual(
            ("gpu.2", "new", "SHUTOFF"),
            (lease.flavor, lease.name, lease.nodes[0].server_status),
        )

    def test_the_second_time_it_is_a_lease_already(self):
        server = self.server()
        lease = self.adopt(server)
        refused = self.assertRaises(errors.Conflict, self.adopt, server)
        self.assertIn(lease.id, refused.message)

    def test_two_at_the_same_moment_make_one_lease(self):
        """The other one comes in between, at each place that there is."""
        server = self.server()
        for at in range(1, 50):
            made = []
            wire = tripwire.Meanwhile(at, lambda: self.try_it(server, made))
            self.try_it(server, made, wire.around(self.core))
            (lease,) = self.world.open()
            self.assertEqual([lease.id], [one.id for one in made], at)
            if wire.over:
                self.assertLess(3, at)
                return
            self.undo(lease)
        self.fail("the way has no end")

    def try_it(self, server, made, core=None):
        with contextlib.suppress(errors.Conflict):
            made.append(self.adopt(server, core))

    def undo(self, lease):
        (node,) = lease.nodes
        with self.world.store.write() as tx:
            tx.claims.release(node.id, node.planned)
            tx.leases.update(
                dataclasses.replace(lease, state=leases.State.ENDED)
            )

    def test_what_somebody_else_closed_an_operator_has_to_look_at(self):
        server = self.server()
        tree = self.world.trees[HOST]
        tree.set_reserved(tree.addresses[0], 1)
        reconcile.reconcile_host(self.core, HOST)
        lease = self.adopt(server)
        card = self.cards()[0]
        both = {fences.Reason.LEASE, fences.Reason.OPERATOR}
        self.assertEqual(both, card.reasons)
        end.end(self.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({fences.Reason.OPERATOR}, self.cards()[0].reasons)
        self.assertEqual([1, 0], self.reserved())


class Refused(AdoptionCase):
    def refused(self, server, error=errors.Conflict, **more):
        found = self.assertRaises(error, self.adopt, server, **more)
        self.assertEqual([], self.world.open())
        return found.message

    def test_what_nova_says_against_it(self):
        self.refused(str(uuid.uuid4()), errors.NotFound)
        for words, fields in (
            ("ERROR", {"status": "ERROR"}),
            ("BUILD", {"status": "BUILD"}),
            ("SHELVED", {"status": "SHELVED_OFFLOADED"}),
            ("resize_prep", {"task_state": "resize_prep"}),
            ("moved", {"host": "gpu-9"}),
            ("recover", {"flavor": "gpubroker-abcdefab-1234-1"}),
        ):
            server = self.server()
            self.seen(server, **fields)
            self.assertIn(words, self.refused(server))
            self.cloud.user_deletes(server)

    def test_what_placement_says_against_it(self):
        self.assertIn("no GPU", self.refused(self.server(())))
        tree = self.world.trees[HOST]
        tree.add_card("0000:c1:00.0")
        tree.addresses = (*tree.addresses, "0000:c1:00.0")
        server = brownfield.server(self.world, HOST, (2,))
        self.assertIn("not know", self.refused(server))
        server = self.server((0,))
        self.cloud._double(tree, tree.addresses[0])
        self.assertIn("held by", self.refused(server))

    def test_a_host_that_is_only_observed(self):
        self.mode(hosts.Mode.OBSERVE)
        self.assertIn("only observed", self.refused(self.server()))

    def test_a_flavor_that_describes_another_server(self):
        server = self.server()
        message = self.refused(server, errors.Invalid, flavor="gpu.2")
        self.assertIn("GPUs 1 instead of 2", message)
        self.assertIn("vCPUs 2 instead of 4", message)
        self.refused(server, errors.Invalid, flavor="none")

    def test_a_card_of_a_lease(self):
        """Its server was replaced in Placement, by whomever."""
        lease = self.world.order(flavor="gpu.1")
        lease = self.world.settle(lease.id, "active")
        (card,) = lease.nodes[0].planned
        slot = next(c.slot for c in self.cards() if c.id == card)
        tree = self.world.trees[HOST]
        tree.delete_server(lease.nodes[0].server_id)
        tree.set_reserved(tree.addresses[slot], 0)
        server = brownfield.server(self.world, HOST, (slot,))
        refused = self.assertRaises(errors.InUse, self.adopt, server)
        self.assertIn("lease already", refused.message)


class Ending(AdoptionCase):
    def gone(self, lease):
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())
        self.assertEqual([0, 0], self.reserved())
        return lease

    def test_its_server_goes_and_nothing_is_left(self):
        lease = self.adopted()
        end.end(self.core, lease.id)
        self.assertEqual("DELETED", self.gone(lease).nodes[0].server_status)

    def test_when_its_time_is_over(self):
        lease = self.adopted(duration=600)
        self.world.clock.advance(600)
        self.assertEqual(leases.EndCause.EXPIRY, self.gone(lease).end_cause)

    def test_when_its_user_deletes_the_server(self):
        lease = self.adopted()
        self.cloud.user_deletes(lease.nodes[0].server_id)
        lease = self.gone(lease)
        self.assertEqual(leases.EndCause.SERVER_GONE, lease.end_cause)

    def test_one_that_is_shelved_goes_too(self):
        lease = self.adopted()
        self.cloud.shelve(lease.nodes[0].server_id)
        self.world.turn()
        self.assertIn("shelved", self.world.get(lease.id).reason)
        end.end(self.core, lease.id)
        self.gone(lease)

    def test_one_that_runs_without_its_cards_is_left_alone(self):
        """Its user has resized it: nothing says that it is the lease's."""
        lease = self.adopted()
        (node,) = lease.nodes
        tree = self.world.trees[HOST]
        tree.delete_server(node.server_id)
        tree.boot([tree.addresses[1]], node.server_id)
        self.world.turn()
        self.assertIn("does not hold", self.world.get(lease.id).reason)
        end.end(self.core, lease.id)
        lease = self.world.settle(lease.id, "ended")
        self.assertIn(node.server_id, self.cloud.machines)
        self.assertIn("lease.server_left", self.world.events(lease.id))
        self.assertEqual(frozenset(), self.cards()[0].reasons)
        again = self.adopt(node.server_id)
        self.assertEqual((self.cards()[1].id,), again.nodes[0].planned)

    def test_once_asked_for_it_is_deleted_whatever_it_looks_like(self):
        """Nova confirms a resize first: for a moment the server runs without
        its cards."""
        lease = self.adopted()
        (node,) = lease.nodes
        tree = self.world.trees[HOST]
        self.cloud.delete_seconds = 60
        end.end(self.core, lease.id)
        self.world.turn()
        tree.delete_server(node.server_id)
        tree.boot([tree.addresses[1]], node.server_id)
        machine = self.cloud.machines[node.server_id]
        machine.seen = dataclasses.replace(machine.seen, task_state=None)
        self.world.turn()
        self.assertEqual("ending", self.world.get(lease.id).state)
        self.world.clock.advance(60)
        self.gone(self.world.get(lease.id))
        self.assertNotIn("lease.server_left", self.world.events(lease.id))

    def test_a_card_is_not_given_out_before_placement_shows_it_unused(self):
        lease = self.adopted()
        other = self.world.order(flavor="gpu.2")
        self.cloud.delete_seconds = 60
        end.end(self.core, lease.id)
        for _second in range(20):
            self.world.clock.advance(1)
            self.world.turn()
            self.assertEqual("ending", self.world.get(lease.id).state)
            self.assertEqual("queued", self.world.get(other.id).state)
        self.world.settle(other.id, "active")

    def test_nor_by_a_server_that_is_gone_before_its_allocation(self):
        lease = self.adopted()
        (node,) = lease.nodes
        end.end(self.core, lease.id)
        machine = self.cloud.machines.pop(node.server_id)
        for _second in range(5):
            self.world.clock.advance(20)
            self.world.turn()
        lease = self.world.get(lease.id)
        self.assertEqual("ending", lease.state)
        self.assertIn("Placement shows", lease.reason)
        self.cloud.machines[node.server_id] = machine
        self.cloud.user_deletes(node.server_id)
        self.gone(lease)

    def test_killed_anywhere_it_ends_all_the_same(self):
        for at in range(1, 50):
            lease = self.adopted()
            wire = tripwire.Wire(at)
            core = wire.around(self.core)
            try:
                end.end(core, lease.id)
                self.world.settle(lease.id, "ended", core=core)
            except tripwire.Killed:
                end.end(self.core, lease.id)
            self.gone(lease)
            if len(wire.places) < at:
                return
        self.fail("the way has no end")

    def test_it_is_forgotten_as_any_other(self):
        lease = self.adopted()
        end.end(self.core, lease.id)
        self.gone(lease)
        later = self.world.clock.now() + datetime.timedelta(days=1)
        gone = list(purge.batches(self.world.store, later))
        self.assertEqual((1, ()), (gone[0].leases, gone[0].kept))


class Restored(memory.Case):
    def setUp(self):
        super().setUp()
        self.begin()
        self.addCleanup(self.world.cleanUp)

    def adopted(self, **more):
        server = brownfield.server(self.world)
        reconcile.reconcile_host(self.world.core, HOST)
        body = {"server_id": server, **more}
        lease = adopt.adopt(self.world.core, body, ROOT)
        self.work(1)
        return lease

    def test_one_that_was_extended_since_the_backup_runs_on(self):
        lease = self.adopted(duration=3600)
        backup = self.world.database.backup()
        extend.extend(self.world.core, lease.id, by=86400)
        self.world.clock.advance(7200)
        servers, held = self.running(), self.held()
        self.world.database.restore(backup)
        self.mend()
        self.work()
        self.assert_nothing_lost(servers, held)
        self.assert_known()

    def test_one_that_is_not_known_is_left_and_can_be_adopted_again(self):
        self.work(1)
        backup = self.world.database.backup()
        server = self.adopted().nodes[0].server_id
        servers, held = self.running(), self.held()
        self.world.database.restore(backup)
        self.mend()
        self.work()
        self.assert_nothing_lost(servers, held)
        adopt.adopt(self.world.core, {"server_id": server}, ROOT)
        self.work(2)
        self.assert_known()
        self.end_all()
