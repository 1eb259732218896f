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

"""Leases that the broker starts in its own name, after a restore: no right of
a user's, given back, keeps them from a second start."""

from __future__ import annotations

from gpubroker.domain import leases
from gpubroker.services import end
from gpubroker.services import memory as service
from tests.fixtures import world
from tests.functional.leases import memory


class Service(memory.Case):
    def setUp(self):
        super().setUp()
        self.begin(cards=1)
        self.addCleanup(self.world.cleanUp)
        self.world.cloud.member_of = {world.PROJECT}
        service.count(self.world.core)

    def order(self):
        """One that has to wait, since others have all cards."""
        self.others = [self.world.order("o", flavor="gpu.1") for _ in "ab"]
        self.world.run(lambda: self.are(leases.State.ACTIVE))
        lease = self.world.order(
            flavor="gpu.1", methods=("application_credential",)
        )
        self.assertIs(leases.IdentityMode.SERVICE, lease.identity_mode)
        return lease

    def make_room(self):
        for other in self.others:
            end.end(self.world.core, other.id)
        self.world.run(lambda: self.are(leases.State.ENDED))

    def ran(self, lease):
        self.world.settle(lease.id, "active")
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        service.count(self.world.core)

    def restored(self, backup):
        """:returns: what was done, and how many servers were made since."""
        posts = self.world.cloud.posts
        self.world.database.restore(backup)
        found = [line.act for line in self.mend() if line.act != "fence"]
        self.lift()
        self.work()
        return found, self.world.cloud.posts - posts

    def test_one_that_may_have_run_is_not_started_again(self):
        lease = self.order()
        # Where nothing is forgotten, nothing becomes of it.
        self.assertEqual([], self.mend())
        self.assertIs(leases.State.QUEUED, self.state(lease))
        queued = self.world.database.backup()
        for other in self.others:
            end.end(self.world.core, other.id)
        self.world.run(lambda: self.state(lease) is leases.State.STARTING)
        starting = self.world.database.backup()
        self.ran(lease)
        for backup in (queued, starting):
            self.assertEqual((["end"], 0), self.restored(backup))
            found = self.world.get(lease.id)
            self.assertEqual(leases.State.FAILED, found.state)
            self.assertIn("Order it again", found.reason)
        self.end_all()

    def test_one_that_runs_is_taken_back(self):
        empty = self.world.database.backup()
        lease = self.order()
        queued = self.world.database.backup()
        self.make_room()
        self.world.settle(lease.id, "active")
        service.count(self.world.core)
        for backup, act in ((queued, "resume"), (empty, "add")):
            self.assertEqual(([act], 0), self.restored(backup))
            self.assert_known()
            found = self.world.get(lease.id)
            # Nova knows the server as the broker's own.
            self.assertEqual(
                (world.USER, lease.identity_mode),
                (found.user_id, found.identity_mode),
            )
        self.end_all()

    def are(self, state):
        return {self.state(other) for other in self.others} == {state}

    def state(self, lease):
        return self.world.get(lease.id).state
