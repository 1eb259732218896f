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

"""How things stand, as a worker sees it."""

from __future__ import annotations

import dataclasses

import testtools
from prometheus_client import registry as registries

from gpubroker.domain import pools
from gpubroker.metrics import standing
from gpubroker.services import memory
from gpubroker.services import names
from gpubroker.worker import hosts
from gpubroker.worker import turns
from tests.fixtures import world
from tests.functional.leases import test_crew
from tests.unit.worker.test_jobs import wait_until


class OneWorker(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(cards=2))
        self.core = self.world.core
        self.turns = turns.Turns(self.core, "worker-1")

    def test_it_says_when_the_database_has_forgotten_something(self):
        self.assertEqual((pools.DEFAULT,), self.turns.pools())
        self.assertFalse(self.turns.behind)
        with self.core.store.read() as tx:
            ours = tx.installation.name()
        self.core.ledger.make_class(names.mark(ours, 99))
        self.turns.doubt()
        self.assertEqual((), self.turns.pools())
        self.assertTrue(self.turns.behind)
        memory.count(self.core, beyond=99)
        self.world.clock.advance(60)
        self.assertEqual((pools.DEFAULT,), self.turns.pools())
        self.assertFalse(self.turns.behind)

    def test_it_says_when_it_last_compared_its_hosts(self):
        loop = hosts.HostLoop(self.core, self.turns, 30.0, 2)
        self.assertEqual({}, loop.compared())
        self.addCleanup(loop.stop, 20)
        self.addCleanup(loop.loop.join, 20)
        self.addCleanup(loop.loop.stop)
        loop.loop.start()
        wait_until(lambda: all(loop.compared().values() or [0]), 60)
        now = self.world.clock.now().timestamp()
        self.assertEqual(
            {(pools.DEFAULT, name): now for name in self.world.trees},
            loop.compared(),
        )
        # Those of another worker's are told by that one.
        self.turns.leave()
        loop.look()
        wait_until(lambda: not loop.compared(), 60)


class Collected(test_crew.CrewCase):
    def test_a_crew_counts_when_somebody_may_ask(self):
        self.hire(test_crew.PACE)
        self.assertIsNone(self.crew.standing().census)

    def test_what_a_crew_sees_is_collected(self):
        self.hire(_COUNTING)
        wait_until(lambda: self.crew.standing().census is not None, 60)
        wait_until(lambda: self.crew.standing().pools, 60)
        registry = registries.CollectorRegistry()
        registry.register(standing.Collector(self.crew.standing, lambda: None))
        labels = {"pool": "default", "model": world.MODEL, "state": "free"}
        self.assertEqual(
            4, registry.get_sample_value("gpubroker_devices", labels)
        )
        self.assertEqual(
            1, registry.get_sample_value("gpubroker_worker_pools")
        )
        self.assertEqual(
            self.world.core.settings.heartbeat_timeout,
            registry.get_sample_value(
                "gpubroker_agent_heartbeat_timeout_seconds"
            ),
        )
        # It can not be read, and nothing is made up.
        name = "gpubroker_encryption_keys_rotated_timestamp_seconds"
        self.assertIsNone(registry.get_sample_value(name))


_COUNTING = dataclasses.replace(test_crew.PACE, census_interval=0.5)
