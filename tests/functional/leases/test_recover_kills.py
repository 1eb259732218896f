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

"""``recover`` may be stopped anywhere and done again: the end is the same."""

from __future__ import annotations

import datetime
from typing import Any

from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services import drive
from gpubroker.services import end
from gpubroker.services import memory as service
from gpubroker.services import plan
from gpubroker.services import recover
from tests.fixtures import tripwire
from tests.functional.leases import memory

#: More than it has.
_MANY = 100


class Kills(memory.Case):
    def setUp(self):
        super().setUp()
        self.begin(cards=4)
        self.addCleanup(self.world.cleanUp)
        with self.world.store.read() as tx:
            self.ours = tx.installation.name()

    def yesterday(self) -> bytes:
        """Something of everything that there is to be recovered.

        :returns: a backup, of before most of it.
        """
        its = self.world
        service.count(its.core)
        over = its.order("over")
        prolonged = its.order("prolonged", duration=600)
        its.settle(over.id, "active")
        its.settle(prolonged.id, "active")
        starting = its.order("starting")
        plan.plan_pool(its.core, pools.DEFAULT, "worker-1")
        while its.get(starting.id).state is leases.State.STARTING:
            its.clock.advance(1)
            drive.drive(its.core, starting.id)
        queued = its.order("queued", workload={"user_data": "c2VjcmV0"})
        backup = its.database.backup()
        end.end(its.core, over.id)
        its.settle(over.id, "ended")
        added = its.order("added", duration=3600)
        its.settle(added.id, "active")
        for lease in (starting, queued):
            assert its.get(lease.id).state is leases.State.ACTIVE
        service.count(its.core)
        return backup

    def recover(self, core: Any) -> None:
        recover.recover(core, self.ours, memory.KEEP, apply=True)

    def stands(self) -> dict[str, Any]:
        """All that matters, without its history."""
        with self.world.store.read() as tx:
            found = tx.leases.in_state(list(leases.State))
            return {
                "behind": service.lost(
                    self.world.store, self.world.core.ledger
                ),
                "cards": {
                    row.id: (
                        sorted((f.reason, f.lease_id) for f in row.fences),
                        row.reserved,
                        row.closing_generation,
                        row.claimed_by,
                        row.consumers,
                    )
                    for row in tx.devices.all()
                },
                "leases": {
                    one.id: (
                        one.state,
                        one.target,
                        one.reason,
                        one.started_at,
                        one.expires_at,
                        one.nodes,
                        one.user_data,
                    )
                    for one in found
                },
                "hosts": {
                    host.name: host.ticket_provider_id
                    for host in tx.hosts.all()
                },
            }

    def test_it_may_be_killed_anywhere(self) -> None:
        backup = self.yesterday()
        servers, held = self.running(), self.held()
        self.world.database.restore(backup)
        self.recover(self.world.core)
        wanted = self.stands()
        for at in range(1, _MANY):
            self.world.database.restore(backup)
            wire = tripwire.Wire(at)
            try:
                self.recover(wire.around(self.world.core))
            except tripwire.Killed as killed:
                self.recover(self.world.core)
                self.assertEqual(wanted, self.stands(), f"{at}: {killed}")
            else:
                break
        self.assertIn("ledger.make_class", wire.places)
        # One for each lease, at least.
        self.assertLess(6, wire.places.count("commit"))
        with self.world.store.read() as tx:
            self.assertEqual([], tx.leases.with_user_data())
        self.work()
        self.assert_nothing_lost(servers, held)
        self.assert_known()
        self.end_all()

    def test_an_end_is_moved_once_for_each_restore(self) -> None:
        self.world.database.restore(self.yesterday())
        self.recover(self.world.core)
        wanted = self.stands()
        ends = self.ends()
        for _again in range(2):
            self.world.clock.advance(3600)
            self.recover(self.world.core)
            self.assertEqual(wanted, self.stands())
        # A backup that knows the first recovery, and not that the leases
        # were extended after it.
        backup = self.world.database.backup()
        service.count(self.world.core)
        self.world.clock.advance(3600)
        self.world.database.restore(backup)
        self.recover(self.world.core)
        later = {end + datetime.timedelta(hours=3) for end in ends}
        self.assertEqual(later, self.ends())

    def ends(self) -> set[datetime.datetime]:
        return {le.expires_at for le in self.world.open() if le.expires_at}
