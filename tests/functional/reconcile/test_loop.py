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

"""The loop that looks after hosts, with threads; the clock stands still, so
that nothing is due that was not rung for."""

from __future__ import annotations

import dataclasses
import threading

import testtools

from gpubroker.domain import hosts
from gpubroker.domain import pools
from gpubroker.domain.fences import Reason
from gpubroker.services import fence
from gpubroker.services import plan
from gpubroker.worker import hosts as worker_hosts
from gpubroker.worker import turns
from tests.fixtures import estate
from tests.unit.worker.test_jobs import wait_until

CARD = estate.ADDRESSES[0]


class Nova:
    """Counts how often it is asked, and may hang."""

    def __init__(self, real):
        self._real = real
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()

    def services(self):
        self.asked += 1
        self.answers.wait(60)
        return self._real.services()

    def hypervisors(self):
        return self._real.hypervisors()


class HostLoop(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.estate = self.useFixture(estate.Estate())
        self.nova = Nova(self.estate.nova)
        self.core = dataclasses.replace(self.estate.core, compute=self.nova)

    def loop(self):
        mine = turns.Turns(self.core, "worker-1")
        made = worker_hosts.HostLoop(self.core, mine, 30.0, 2)
        self.addCleanup(made.stop, 20.0)
        self.addCleanup(self.nova.answers.set)
        return made

    def start(self):
        made = self.loop()
        made.loop.start()
        self.addCleanup(made.loop.join, 20.0)
        self.addCleanup(made.loop.stop)
        return made

    def turn(self, loop):
        """One pass, and all that it began."""
        loop._pass()
        self.assertTrue(loop._search.rest(30))
        self.assertTrue(loop._jobs.rest(30))

    def pool_of_another(self):
        with self.core.store.write() as tx:
            tx.pools.add(pools.Pool(name="other"))
        plan.own(self.core, "other", "worker-2")

    def host(self, name, pool):
        with self.core.store.write() as tx:
            tx.hosts.add(
                hosts.Host(name=name, hypervisor_hostname=name, pool=pool)
            )

    def test_fences_do_not_wait_for_a_nova_that_hangs(self):
        tree = self.estate.tree()
        self.estate.host()
        self.nova.answers.clear()
        loop = self.start()
        wait_until(lambda: self.nova.asked == 1, 30)
        fence.fence(
            self.core, self.estate.card(CARD).id, Reason.OPERATOR, "", "olga"
        )
        loop.ring("gpu-1")
        wait_until(lambda: tree.reserved(CARD) == 1, 30)
        self.assertFalse(self.nova.answers.is_set())

    def test_a_host_that_is_found_is_looked_at_at_once(self):
        self.estate.tree()
        self.start()
        wait_until(lambda: self.known("gpu-1"), 30)
        wait_until(lambda: len(self.estate.cards()) == 4, 30)

    def known(self, name):
        with self.core.store.read() as tx:
            return name in [host.name for host in tx.hosts.all()]

    def test_a_ring_for_a_host_of_another_worker_is_nothing(self):
        self.pool_of_another()
        self.host("theirs", "other")
        self.host("mine", pools.DEFAULT)
        loop = self.loop()
        self.turn(loop)
        self.assertEqual(1, self.nova.asked)
        loop.ring("theirs")
        self.turn(loop)
        self.assertEqual(1, self.nova.asked)
        self.host("new", pools.DEFAULT)
        loop.ring("new")
        self.turn(loop)
        self.assertEqual(2, self.nova.asked)

    def test_a_ring_for_a_host_that_nobody_knows_makes_it_look(self):
        loop = self.loop()
        self.turn(loop)
        self.estate.tree()
        loop.ring("gpu-1")
        self.turn(loop)
        self.turn(loop)
        self.assertEqual(4, len(self.estate.cards()))
