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

from __future__ import annotations

import threading

import oslo_messaging
import testtools
from oslo_config import cfg
from oslo_messaging import conffixture

from gpubroker.rpc import bell
from gpubroker.rpc import broker
from tests.unit.worker.test_jobs import wait_until


class Alarm:
    def __init__(self):
        self.rung = []

    def pool(self, name):
        self.rung.append(("pool", name))

    def lease(self, lease_id):
        self.rung.append(("lease", lease_id))

    def host(self, name):
        self.rung.append(("host", name))


class OverTheBus(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        self.conf([], default_config_files=[], default_config_dirs=[])
        self.useFixture(conffixture.ConfFixture(self.conf, "fake:/"))
        self.bus = broker.transport(self.conf)

    def serve(self, name):
        alarm = Alarm()
        server = broker.server(self.bus, name, alarm)
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        return alarm

    def test_every_worker_hears_a_ring(self):
        """The one that owns the pool is not known to who rings."""
        one, two = self.serve("one"), self.serve("two")
        made = bell.Bell(lambda: broker.Client(self.bus))
        made.pool("default")
        made.lease("l1")
        made.host("h1")
        wanted = [("pool", "default"), ("lease", "l1"), ("host", "h1")]
        wait_until(lambda: sorted(one.rung) == sorted(wanted))
        wait_until(lambda: sorted(two.rung) == sorted(wanted))


class WithoutABus(testtools.TestCase):
    def test_a_bus_that_is_down_stops_nobody(self):
        trials = []

        def connect():
            trials.append(1)
            raise oslo_messaging.MessagingException("refused")

        made = bell.Bell(connect)
        made.pool("default")
        made.pool("default")
        wait_until(lambda: len(trials) == 2)

    def test_a_bus_that_hangs_delays_nobody(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def connect():
            go.wait(30)
            raise oslo_messaging.MessagingException("timed out")

        made = bell.Bell(connect)
        for number in range(2000):
            made.lease(str(number))
