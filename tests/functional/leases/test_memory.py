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

"""What becomes of a database that was restored or lost; and who notices."""

from __future__ import annotations

import dataclasses

from gpubroker import errors
from gpubroker.domain import catalogue
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.domain.fences import Reason
from gpubroker.services import drive
from gpubroker.services import end
from gpubroker.services import extend
from gpubroker.services import fence
from gpubroker.services import memory as service
from gpubroker.services import plan
from gpubroker.services import recover
from gpubroker.services import sweep
from gpubroker.worker import turns
from tests.fixtures import database
from tests.fixtures import world
from tests.functional.leases import memory


class Situations(memory.Case):
    def setUp(self):
        super().setUp()
        self.begin()
        self.addCleanup(self.world.cleanUp)

    def backup(self):
        return self.world.database.backup()

    def active(self, name="train", **more):
        lease = self.world.order(name, **more)
        return self.world.settle(lease.id, "active")

    def over(self, lease):
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")

    def restored(self, backup):
        """Mended, and worked with for a while."""
        servers, held = self.running(), self.held()
        self.world.database.restore(backup)
        found = self.mend()
        self.work()
        self.assert_nothing_lost(servers, held)
        return found

    def test_a_card_closed_since_the_backup_is_not_opened(self):
        """The database believes that its lease has closed it; that is over,
        and an operator has closed the card for another reason."""
        lease = self.active()
        backup = self.backup()
        self.over(lease)
        cards = set(self.rows())
        for row in self.rows().values():
            if row.host == lease.nodes[0].host:
                fence.fence(
                    self.world.core, row.id, Reason.OPERATOR, "bad", "op"
                )
        self.work(2)
        closed = self.closed()
        self.assertEqual(2, len(closed))
        found = self.restored(backup)
        self.assertEqual("ended", self.world.get(lease.id).state)
        self.assertEqual(closed, self.closed())
        self.assertEqual(2, [line.act for line in found].count("fence"))
        self.lift()
        self.work(3)
        self.assertEqual(set(), self.closed() & cards)

    def test_a_card_closed_just_after_the_backup_was_closed_by_us(self):
        """So it can be opened again, once an operator has looked at it."""
        lease = self.world.order()
        plan.plan_pool(self.world.core, pools.DEFAULT, "worker-1")
        while self.world.get(lease.id).state is leases.State.STARTING:
            self.world.clock.advance(1)
            drive.drive(self.world.core, lease.id)
        backup = self.backup()
        self.world.settle(lease.id, "active")
        found = self.restored(backup)
        self.assertEqual(["fence"] * 2, [line.act for line in found])
        self.end_all()

    def test_its_cards_are_another_leases_by_now(self):
        first = self.active(flavor="gpu.2")
        backup = self.backup()
        self.over(first)
        second = self.active("second", flavor="gpu.2")
        self.assertEqual(first.nodes[0].planned, second.nodes[0].planned)
        self.restored(backup)
        self.assertEqual("ended", self.world.get(first.id).state)
        self.assert_known()
        found = self.world.get(second.id)
        self.assertEqual(
            ("second", "gpu.2", world.PROJECT, world.USER),
            (found.name, found.flavor, found.project_id, found.user_id),
        )
        self.end_all()

    def test_a_lease_that_was_extended_since_is_not_ended(self):
        lease = self.active(duration=600)
        backup = self.backup()
        extend.extend(self.world.core, lease.id, by=86400)
        self.world.clock.advance(1200)
        self.restored(backup)
        found = self.world.get(lease.id)
        self.assertEqual(leases.State.ACTIVE, found.state)
        self.assertGreater(
            found.expires_at, self.world.clock.now() + memory.KEEP / 2
        )
        self.end_all()

    def test_a_shelved_server_keeps_its_cards(self):
        backup = self.backup()
        lease = self.active()
        (node,) = lease.nodes
        self.world.cloud.shelve(node.server_id)
        self.work(2)
        closed = self.closed()
        self.restored(backup)
        (found,) = self.world.get(lease.id).nodes
        self.assertEqual(set(node.planned), set(found.planned))
        self.assertEqual(closed, self.closed())
        self.end_all()

    def test_a_lease_of_several_servers_of_which_one_is_gone(self):
        backup = self.backup()
        lease = self.active(flavor="gpu.1", nodes=2)
        gone, stays = lease.nodes
        self.world.cloud.user_deletes(gone.server_id)
        self.restored(backup)
        found = self.world.get(lease.id)
        self.assertEqual(leases.State.ACTIVE, found.state)
        self.assertEqual(
            [None, stays.server_id], [n.server_id for n in found.nodes]
        )
        self.assertEqual("The server is gone.", found.reason)
        # Its card was closed for a lease that nobody remembers: it stays so.
        self.lift()
        end.end(self.world.core, lease.id)
        self.work()
        sweep.remove(self.world.core, sweep.find(self.world.core))
        (card,) = gone.planned
        left = self.world.leftovers()
        left.pop("trusts", None)
        self.assertEqual({"fences": [(card, Reason.EXTERNAL)]}, left)

    def test_what_only_looks_like_ours_is_told_and_left_alone(self):
        """A server that was resized no longer holds its ticket."""
        backup = self.backup()
        lease = self.active()
        (node,) = lease.nodes
        self.world.trees[node.host].delete_server(node.server_id)
        self.world.database.restore(backup)
        (line,) = self.mend()
        self.assertEqual(("tell", False), (line.act, line.done))
        self.assertIn("does not hold the ticket", line.words)
        self.assertEqual([], self.world.open())

    def test_without_apply_nothing_is_written(self):
        backup = self.backup()
        self.active()
        self.world.database.restore(backup)
        with self.world.store.read() as tx:
            ours = tx.installation.name()
        before = self.backup()
        (line,) = recover.recover(self.world.core, ours, memory.KEEP)
        self.assertEqual(("add", False), (line.act, line.done))
        self.assertEqual(before, self.backup())

    def test_done_twice_it_finds_nothing_more(self):
        backup = self.backup()
        lease = self.active()
        self.world.database.restore(backup)
        self.assertEqual(["add"], [line.act for line in self.mend()])
        self.assertEqual([], self.mend())
        self.assertEqual([lease.id], [le.id for le in self.world.open()])


class Lost(memory.Case):
    """Nothing is left of the database: a new one is made."""

    def setUp(self):
        super().setUp()
        self.begin()
        self.addCleanup(self.world.cleanUp)
        with self.world.store.read() as tx:
            self.ours = tx.installation.name()
        self.new = self.useFixture(database.Database(clock=self.world.clock))
        with self.new.store.write() as tx:
            for model in catalogue.MODELS:
                tx.models.add(model)
            tx.installation.become("0badcafe")

    def lose(self):
        self.world.store = self.new.store
        self.world.core = dataclasses.replace(
            self.world.core, store=self.new.store
        )

    def test_everything_that_runs_comes_back(self):
        lease = self.world.order(duration=7200)
        lease = self.world.settle(lease.id, "active")
        servers, held = self.running(), self.held()
        self.lose()
        self.assertEqual([self.ours], recover.installations(self.world.core))
        found = recover.recover(
            self.world.core, self.ours, memory.KEEP, apply=True
        )
        self.assertEqual(1, [line.act for line in found].count("add"))
        self.work()
        self.assert_nothing_lost(servers, held)
        self.assert_known()
        again = self.world.get(lease.id)
        self.assertEqual(
            (lease.project_id, lease.user_id, lease.flavor, lease.name),
            (again.project_id, again.user_id, again.flavor, again.name),
        )
        self.assertEqual(
            (lease.gpus, lease.vcpus, lease.ram_mib, lease.disk_gib, 7200),
            (
                again.gpus,
                again.vcpus,
                again.ram_mib,
                again.disk_gib,
                again.duration,
            ),
        )
        slots = {row.pci_address: row.slot for row in self.rows().values()}
        tree = self.world.trees["gpu-1"]
        self.assertEqual(
            {address: n for n, address in enumerate(tree.addresses)}, slots
        )
        self.assertEqual(
            {hosts.Mode.OBSERVE}, {host.mode for host in self.hosts()}
        )
        # New cards, in a new pool.
        self.end_all(Reason.UNADMITTED)

    def hosts(self):
        with self.world.store.read() as tx:
            return tx.hosts.all()

    def test_a_database_with_leases_becomes_no_other_installation(self):
        self.world.order()
        self.assertRaises(
            errors.Conflict,
            recover.recover,
            self.world.core,
            "0badcafe",
            memory.KEEP,
            True,
        )


class Noticing(memory.Case):
    """Whether a worker notices by itself."""

    def setUp(self):
        super().setUp()
        self.begin()
        self.addCleanup(self.world.cleanUp)
        self.core = self.world.core

    def pools(self):
        return turns.Turns(self.core, "worker-9").pools()

    def test_a_database_that_is_behind_gets_no_worker(self):
        service.count(self.core)
        self.assertEqual((pools.DEFAULT,), self.pools())
        backup = self.world.database.backup()
        service.count(self.core)
        self.world.clock.advance(60)
        self.world.database.restore(backup)
        self.assertEqual((), self.pools())
        self.assertRaises(errors.Forgotten, service.check, self.core)
        self.mend()
        self.assertEqual((pools.DEFAULT,), self.pools())

    def test_one_whose_worker_was_killed_while_it_counted_is_not_behind(self):
        service.count(self.core)
        with self.world.store.write() as tx:
            tx.installation.count_on()
        service.check(self.core)
        service.count(self.core)
        service.check(self.core)
        self.assertEqual([3], service.marks(self.core.ledger, self.name()))

    def test_a_worker_that_works_looks_again_with_each_sweep(self):
        mine = turns.Turns(self.core, "worker-9")
        service.count(self.core)
        backup = self.world.database.backup()
        service.count(self.core)
        self.assertEqual((pools.DEFAULT,), mine.pools())
        self.world.database.restore(backup)
        mine.doubt()
        self.assertEqual((), mine.pools())
        self.assertFalse(mine.chief)

    def test_and_between_with_each_look_without_placement(self):
        mine = turns.Turns(self.core, "worker-9")
        service.count(self.core)
        backup = self.world.database.backup()
        service.count(self.core)
        self.assertEqual((pools.DEFAULT,), mine.pools())
        mine._core = dataclasses.replace(self.core, ledger=DownLedger())
        self.world.database.restore(backup)
        self.world.clock.advance(self.core.settings.ownership_seconds / 4)
        self.assertEqual((), mine.pools())
        self.assertTrue(mine.behind)
        # What Placement says now is that, too, and then that all is known.
        mine._core = self.core
        self.world.clock.advance(60)
        self.assertEqual((), mine.pools())
        self.mend()
        self.world.clock.advance(60)
        self.assertEqual((pools.DEFAULT,), mine.pools())
        self.assertFalse(mine.behind)

    def test_what_placement_was_never_told_counts_too(self):
        """Placement was down when the database had counted."""
        mine = turns.Turns(self.core, "worker-9")
        service.count(self.core)
        backup = self.world.database.backup()
        with self.world.store.write() as tx:
            tx.installation.count_on()
        self.assertEqual((pools.DEFAULT,), mine.pools())
        self.world.database.restore(backup)
        service.check(self.core)
        for _look in range(3):
            self.world.clock.advance(60)
            self.assertEqual((), mine.pools())
        self.mend()
        self.world.clock.advance(60)
        self.assertEqual((pools.DEFAULT,), mine.pools())

    def test_while_placement_is_down_a_new_worker_does_not_know(self):
        self.core = dataclasses.replace(self.core, ledger=DownLedger())
        self.assertEqual((), self.pools())

    def test_one_that_works_goes_on(self):
        mine = turns.Turns(self.core, "worker-9")
        self.assertEqual((pools.DEFAULT,), mine.pools())
        mine._core = dataclasses.replace(self.core, ledger=DownLedger())
        self.assertRaises(errors.Unavailable, mine.doubt)
        self.world.clock.advance(60)
        self.assertEqual((pools.DEFAULT,), mine.pools())

    def name(self):
        with self.world.store.read() as tx:
            return tx.installation.name()


class DownLedger:
    def classes(self, prefix):
        raise errors.Unavailable("Placement: no answer")
