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

"""What an API process with the token of an order waits for, and tells."""

from __future__ import annotations

import pathlib
from unittest import mock

from gpubroker import errors
from gpubroker.domain import pools
from gpubroker.services import caller
from gpubroker.services import drive
from gpubroker.services import plan
from tests.fixtures import database
from tests.functional.leases import test_caller


class Waits(test_caller.Case):
    def test_user_data_that_no_key_opens_is_waited_for_and_told(self):
        lease = self.order(workload={"user_data": "IyEvYmluL3No"})
        self.world.turn()
        folder = pathlib.Path(database.keys())
        away = folder.rename(folder.with_name(f"{folder.name}-away"))
        self.addCleanup(lambda: away.exists() and away.rename(folder))
        for _look in range(3):
            wait = caller.drive(self.world.core, lease.id, self.user)
            self.assertEqual(2.0, wait)
        found = self.world.get(lease.id)
        self.assertIn("user data", found.reason)
        self.assertEqual(0, self.cloud.posts)
        away.rename(folder)
        self.both(lease, "active")
        self.ends_with_nothing_left(lease)

    def test_a_server_that_the_database_forgot_is_not_made_twice(self):
        """Yesterday's database: the ticket is held, no POST is known."""
        lease = self.order()
        self.world.turn()
        backup = self.world.database.backup()
        self.both(lease, "active")
        (machine,) = self.cloud.machines
        self.world.database.restore(backup)
        for _look in range(3):
            wait = caller.drive(self.world.core, lease.id, self.user)
            self.assertEqual(2.0, wait)
            self.world.turn()
        self.assertEqual([machine], [*self.cloud.machines])
        self.assertIn("does not remember", self.world.get(lease.id).reason)

    def test_a_404_of_something_else_does_not_forget_the_token(self):
        lease = self.order()
        self.world.turn()

        def gone(_ticket, _provider=None):
            raise errors.NotFound("There is no such provider.")

        with mock.patch.object(self.world.core.ledger, "ticket_holders", gone):
            wait = caller.drive(self.world.core, lease.id, self.user)
        self.assertEqual(2.0, wait)
        self.both(lease, "active")
        self.ends_with_nothing_left(lease)


class BothAtOnce(test_caller.Case):
    def test_a_worker_takes_no_post_of_the_other_for_a_strangers(self):
        """Made between its reading of the journal and of Placement."""
        lease = self.order(flavor="gpu.1")
        plan.plan_pool(self.world.core, pools.DEFAULT, "worker-1")
        drive.drive(self.world.core, lease.id)
        ledger = self.world.core.ledger
        real = ledger.ticket_holders

        def asked(*args):
            ledger.ticket_holders = real
            caller.drive(self.world.core, lease.id, self.user)
            self.world.clock.advance(1.5)
            self.world.cloud.progress()
            return real(*args)

        self.patch(ledger, "ticket_holders", asked)
        with self.assertNoLogs("gpubroker", "ERROR"):
            drive.drive(self.world.core, lease.id)
        self.assertEqual(1, self.world.cloud.posts)
        self.assertEqual("", self.world.get(lease.id).reason)
        self.world.settle(lease.id, "active")
        self.ends_with_nothing_left(lease)
