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

"""What is counted of leases, fences, the database and loops as they go."""

from __future__ import annotations

import dataclasses

import prometheus_client
import testtools
from oslo_db import exception as db_exc
from prometheus_client import registry as registries

from gpubroker import errors
from gpubroker.db import store as db_store
from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.metrics import meter
from gpubroker.services import end
from gpubroker.services import enforce
from gpubroker.worker import jobs
from gpubroker.worker import loop
from tests.fixtures import clock
from tests.fixtures import database
from tests.fixtures import world
from tests.unit.worker.test_jobs import wait_until


class CountsCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.CollectorRegistry()
        self.meter = meter.Meter(self.registry)
        time = clock.Clock()
        made = self.useFixture(database.Database(clock=time))
        store = db_store.Store(made.conf, time, self.meter)
        self.addCleanup(store.close)
        self.world = self.useFixture(world.World(clock=time, store=store))
        self.core = self.world.core = dataclasses.replace(
            self.world.core, meter=self.meter
        )

    def value(self, name, **labels):
        return self.registry.get_sample_value(name, labels) or 0.0

    def moves(self, before, after, target):
        return self.value(
            "gpubroker_lease_moves_total",
            before=before,
            after=after,
            target=target,
        )

    def steps(self, saga, step, result):
        return self.value(
            "gpubroker_saga_steps_total", saga=saga, step=step, result=result
        )

    def changes(self, reason, change):
        return self.value(
            "gpubroker_fence_changes_total", reason=reason, change=change
        )


class Leases(CountsCase):
    def test_from_order_to_end(self):
        lease = self.world.order()
        self.world.clock.advance(7)
        self.world.settle(lease.id, "active")
        name = "gpubroker_lease_start_duration_seconds"
        parts = {
            part: self.value(f"{name}_sum", pool="default", part=part)
            for part in ("queue", "start", "total")
        }
        found = self.world.get(lease.id)
        took = (found.started_at - found.requested_at).total_seconds()
        self.assertAlmostEqual(took, parts["total"], places=3)
        self.assertAlmostEqual(7, parts["queue"], places=1)
        self.assertAlmostEqual(
            parts["total"], parts["queue"] + parts["start"], places=3
        )
        self.assertEqual(
            1, self.value(f"{name}_count", pool="default", part="total")
        )
        for step in ("ticket", "shape", "server", "unshape", "boot", "verify"):
            self.assertEqual(1, self.steps("start", step, "done"), step)
        self.assertEqual(1, self.moves("queued", "starting", "active"))
        self.assertEqual(1, self.moves("starting", "active", "active"))
        self.assertEqual((2, 0), self.lease_fences())
        end.end(self.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual(1, self.moves("ending", "ended", "ended"))
        self.assertEqual(1, self.steps("end", "server", "done"))
        self.assertEqual((2, 2), self.lease_fences())

    def lease_fences(self):
        return self.changes("lease", "set"), self.changes("lease", "lifted")

    def test_a_start_that_fails_and_is_tried_again(self):
        self.world.cloud.fates = ["error"]
        lease = self.world.order()
        self.world.settle(lease.id, "active")
        self.assertEqual(1, self.steps("start", "boot", "failed"))
        self.assertEqual(1, self.steps("start", "boot", "done"))
        self.assertEqual(2, self.steps("start", "server", "done"))
        self.assertEqual(1, self.moves("starting", "starting", "queued"))
        self.assertEqual(1, self.moves("starting", "queued", "queued"))
        self.assertEqual(2, self.moves("queued", "starting", "active"))

    def test_an_order_that_nova_refuses(self):
        lease = self.world.order()
        self.world.cloud.quota = 0
        self.world.settle(lease.id, "failed")
        self.assertEqual(1, self.steps("start", "server", "refused"))
        self.assertEqual(1, self.moves("ending", "failed", "failed"))

    def test_a_service_that_is_down(self):
        lease = self.world.order()
        self.world.cloud.down = {"nova"}
        self.world.turn()
        self.world.cloud.down = set()
        self.world.settle(lease.id, "active")
        self.assertEqual(1, self.steps("start", "shape", "repeated"))
        self.assertEqual(1, self.steps("start", "shape", "done"))

    def test_a_post_without_an_answer_is_the_same_step(self):
        self.world.cloud.fates = ["unmade"]
        lease = self.world.order()
        self.world.settle(lease.id, "active")
        names = {
            sample.labels["step"]
            for family in self.registry.collect()
            for sample in family.samples
            if "step" in sample.labels
        }
        self.assertIn("server", names)
        self.assertEqual(set(), {n for n in names if n.startswith("server.")})


class Fences(CountsCase):
    def setUp(self):
        super().setUp()
        with self.core.store.read() as tx:
            self.card = tx.devices.all()[0]
        self.wanted = fences.Fence(
            device_id=self.card.id, reason=fences.Reason.OPERATOR
        )

    def test_only_what_is_written_counts(self):
        def lost():
            with self.core.store.write() as tx:
                tx.fences.add(self.wanted)
                raise ValueError

        self.assertRaises(ValueError, lost)
        self.assertEqual(0, self.changes("operator", "set"))
        with self.core.store.write() as tx:
            tx.fences.add(self.wanted)
            tx.fences.add(self.wanted)
        self.assertEqual(1, self.changes("operator", "set"))
        with self.core.store.write() as tx:
            tx.fences.remove(self.card.id, fences.Reason.OPERATOR)
            tx.fences.remove(self.card.id, fences.Reason.OPERATOR)
        self.assertEqual(1, self.changes("operator", "lifted"))

    def test_one_that_leaked(self):
        with self.core.store.write() as tx:
            tx.fences.add(self.wanted)
        enforce.fences(self.core, self.card.host)
        enforce.alarm(self.core)
        self.assertEqual(0, self.value("gpubroker_fence_leaks_total"))
        tree = self.world.trees[self.card.host]
        tree.set_reserved(self.card.pci_address, 0)
        enforce.alarm(self.core)
        self.assertEqual(1, self.value("gpubroker_fence_leaks_total"))


class Database(CountsCase):
    def errors(self, kind):
        return self.value("gpubroker_database_errors_total", kind=kind)

    def test_an_engine_that_is_away(self):
        conf = database.configuration("sqlite:////nowhere/at/all.sqlite")
        away = db_store.Store(conf, self.world.clock, self.meter)
        self.assertRaises(errors.Unavailable, away.ping)
        self.assertEqual(1, self.errors("unavailable"))

    def test_what_a_use_case_says_itself_is_none_of_the_engines(self):
        def refuse():
            with self.core.store.write():
                raise errors.ConcurrentUpdate("It moved on.")

        self.assertRaises(errors.ConcurrentUpdate, refuse)
        self.assertEqual(0, self.errors("conflict"))

    def test_a_transaction_that_lost_is_done_again(self):
        done = []

        def work(tx):
            done.append(tx)
            if len(done) == 1:
                # As the driver raises it; no engine does so by itself here.
                raise db_exc.DBDeadlock
            return len(done)

        self.assertEqual(2, self.core.store.run(work))
        self.assertEqual(1, self.errors("conflict"))
        self.assertEqual(1, self.value("gpubroker_database_repeats_total"))


class Loops(CountsCase):
    def outcome(self, name, outcome):
        return self.value(
            "gpubroker_worker_passes_total", loop=name, outcome=outcome
        )

    def test_how_passes_end(self):
        answers = iter(["done", "away", "bug"])

        def act():
            match next(answers, None):
                case "done":
                    return 0.0
                case "away":
                    made.wake()
                    raise errors.Unavailable("It is down.")
                case "bug":
                    raise ValueError("Nobody thought of it.")
            return None

        made = loop.Loop("test", 60, act, self.meter)
        made.start()
        self.addCleanup(made.join, 10)
        self.addCleanup(made.stop)
        wait_until(lambda: self.outcome("test", "failed") == 1)
        self.assertEqual(1, self.outcome("test", "done"))
        self.assertEqual(1, self.outcome("test", "unanswered"))

    def test_how_turns_end(self):
        def work(key):
            if key == "lost":
                raise errors.ConcurrentUpdate("Somebody was first.")
            return 60.0 if key == "fine" else 1 / 0

        made = jobs.Jobs("Lease", work, 2, lambda: 0.0, meter=self.meter)
        self.addCleanup(made.stop, 10)
        made.keep({"fine": 60.0, "lost": 60.0, "bug": 60.0})
        made.give_turns()
        wait_until(lambda: made.rest(5))
        made.give_turns()
        wait_until(lambda: self.outcome("lease_turn", "failed") == 1)
        self.assertEqual(1, self.outcome("lease_turn", "done"))
        self.assertNotEqual(0, self.outcome("lease_turn", "overtaken"))


class Labels(CountsCase):
    def test_nothing_of_a_project_a_lease_or_a_card_is_told(self):
        lease = self.world.order(name="secret-plan")
        self.world.settle(lease.id, "active")
        self.meter.answered("", "SECRET", 404, 0.1)
        told = prometheus_client.generate_latest(self.registry).decode()
        with self.core.store.read() as tx:
            cards = tx.devices.all()
        kept = {
            *(world.USER, world.PROJECT, lease.id, "secret-plan", "SECRET"),
            *(node.id for node in self.world.get(lease.id).nodes),
            *(card.id for card in cards),
            *(card.pci_address for card in cards),
        }
        self.assertEqual([], [word for word in kept if word in told])
        self.assertIn('method="other"', told)
        self.assertEqual(leases.State.ACTIVE, self.world.get(lease.id).state)
