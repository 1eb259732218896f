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

"""Leases of several servers, of which the database knows some."""

from __future__ import annotations

import contextlib
import dataclasses

from gpubroker.domain import leases
from gpubroker.services import end
from gpubroker.services import memory as service
from tests.fixtures import effort
from tests.fixtures import tripwire
from tests.functional.leases import memory

_POST = "user.create_server"
#: More than a start has.
_MANY = 100


class Nodes(memory.Case):
    def setUp(self):
        super().setUp()
        self.begin()
        self.addCleanup(self.world.cleanUp)

    def start_until(self, at):
        """A lease of two nodes, whose broker dies at a place.

        :returns: the lease, and the places.
        """
        lease = self.world.order(flavor="gpu.1", nodes=2, duration=7200)
        wire = tripwire.Wire(at)
        with contextlib.suppress(tripwire.Killed):
            self.world.run(
                lambda: self.world.get(lease.id).state == "active",
                core=wire.around(self.world.core),
            )
        return lease, wire.places

    def between_posts(self):
        """Places at which one of the servers has been asked for: its answer
        is not known yet, and all is known of it."""
        lease, places = self.start_until(0)
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        first = places.index(_POST) + 1
        second = places.index(_POST, first) + 1
        if effort.LONG:
            return range(1, len(places))
        return (first, second - 1)

    def test_a_backup_made_between_two_posts_costs_no_server(self):
        for at in self.between_posts():
            lease, places = self.start_until(at)
            self.assertEqual(at, len(places))
            backup = self.world.database.backup()
            # Whoever had begun the POST tells nobody; it is looked for.
            self.world.clock.advance(60)
            self.world.settle(lease.id, "active")
            servers, held = self.running(), self.held()
            self.assertEqual(2, len(servers), places)
            self.world.database.restore(backup)
            self.mend()
            self.work(2)
            self.mend()
            self.work()
            self.assert_nothing_lost(servers, held)
            self.assert_known()
            found = self.world.get(lease.id)
            self.assertEqual(
                (leases.State.ACTIVE, ""), (found.state, found.reason), places
            )
            self.end_all()

    def test_a_node_whose_server_is_gone_leaves_nothing(self):
        """The other one is found; the end of the lease sees to both."""
        service.count(self.world.core)
        at = self.between_posts()[-1]
        lease, _places = self.start_until(at)
        backup = self.world.database.backup()
        service.count(self.world.core)
        gone, stays = self.world.settle(lease.id, "active").nodes
        self.world.cloud.user_deletes(gone.server_id)
        self.world.database.restore(backup)
        self.mend()
        self.work(2)
        found = self.world.get(lease.id)
        self.assertIs(leases.State.ACTIVE, found.state)
        # It says that something is wrong with it.
        self.assertNotEqual("", found.reason)
        self.assertEqual(stays.server_id, found.nodes[1].server_id)
        self.end_all()

    def test_a_lease_is_taken_when_its_last_server_is_made(self):
        backup = self.world.database.backup()
        lease = self.world.order(flavor="gpu.1", nodes=2)
        lease = self.world.settle(lease.id, "active")
        second = lease.nodes[1].server_id
        machine = self.world.cloud.machines[second]
        self.seen(machine, "BUILD")
        self.world.database.restore(backup)
        self.assertEqual(["tell"] * 2, [line.act for line in self.mend()])
        self.assertEqual([], self.world.open())
        self.seen(machine, "ACTIVE")
        self.assertEqual(["add"], [line.act for line in self.mend()])
        self.assert_known()
        self.assertEqual(
            [node.id for node in lease.nodes],
            [node.id for node in self.world.get(lease.id).nodes],
        )
        self.end_all()

    def test_a_server_that_turns_up_later_is_taken_in(self):
        """Nobody saw it when the lease was written."""
        backup = self.world.database.backup()
        lease = self.world.order(flavor="gpu.1", nodes=2)
        lease = self.world.settle(lease.id, "active")
        late = lease.nodes[1].server_id
        machine = self.world.cloud.machines.pop(late)
        self.world.database.restore(backup)
        self.assertEqual(["add"], [line.act for line in self.mend()])
        self.assertIsNone(self.world.get(lease.id).nodes[1].server_id)
        self.world.cloud.machines[late] = machine
        (line,) = self.mend()
        self.assertEqual(("resume", True), (line.act, line.done))
        self.assertEqual([], self.mend())
        self.work()
        self.assert_known()
        self.assertEqual("", self.world.get(lease.id).reason)
        self.end_all()

    @staticmethod
    def seen(machine, status):
        machine.seen = dataclasses.replace(machine.seen, status=status)
