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

"""What everything leans on stops for a while, in the middle of a lease."""

from __future__ import annotations

import time

from gpubroker.client import errors
from sandbox.faults import rules
from tests.cloud import rounds
from tests.fixtures import effort

#: Seconds that something is away.
AWAY = 60.0 if effort.LONG else 12.0


class Outages(rounds.RoundsTest):
    def away(self, *names, seconds=AWAY):
        """Stopped, and started again whatever happens."""
        for name in names:
            self.addCleanup(self.back, name)
            self.cloud.kill(name)
        time.sleep(seconds)
        for name in names:
            self.cloud.start(name)

    def back(self, name):
        if not self.cloud.processes.running(name):
            self.cloud.start(name)

    def test_rabbitmq(self):
        """A message only wakes somebody earlier. Nova, which loses a server
        whose own message is lost, is not asked for one meanwhile."""
        self.faults.put(
            rules.Rule(
                rules.Fault.STATUS, kind="nova POST /v2.1/servers", status=503
            )
        )
        self.cloud.kill("rabbitmq")
        self.addCleanup(self.back, "rabbitmq")
        began = time.monotonic()
        lease_id = self.ordered("no-rabbit")
        self.assertLess(time.monotonic() - began, 30, "the order waited")
        time.sleep(AWAY)
        self.assertNotEqual("active", self.gpus.get_lease(lease_id).state)
        self.cloud.start("rabbitmq")
        self.faults.put()
        self.until(lease_id, "active", patience=120)
        self.ended(lease_id)

    def test_mariadb(self):
        """Nothing is lost, and nobody is told of an inner error."""
        running = self.active(rounds.FLAVOR)
        waiting = self.ordered("waits")
        self.cloud.kill("mariadb")
        self.addCleanup(self.back, "mariadb")
        found = self.assertRaises(
            errors.ServiceError, self.gpus.get_lease, running.id
        )
        self.assertEqual(503, found.status_code, str(found))
        time.sleep(AWAY)
        self.cloud.start("mariadb")
        self.until(waiting, "active", patience=90)
        self.ended(waiting)
        self.assertEqual("active", self.gpus.get_lease(running.id).state)
        self.ended(running.id)

    def test_a_cloud_that_stops_is_waited_for(self):
        for name in rounds.some(("placement", "nova", "keystone"), 1):
            with self.told(f"{name} away"):
                lease_id = self.ordered(f"no-{name}")
                self.away(name)
                self.until(lease_id, "active")
                self.ended(lease_id)

    def test_a_worker_that_is_told_to_go_leaves_nothing_half_done(self):
        self.cloud.set_control("gpu-l40s-1", spawn_delay=3)
        lease_id = self.ordered("drained")
        self.eventually("it boots", self.servers)
        log = self.cloud.layout.log_of("gpubroker-worker")
        before = log.stat().st_size
        began = time.monotonic()
        self.cloud.stop("gpubroker-worker")
        self.assertLess(time.monotonic() - began, 8, "killed, not drained")
        said = log.read_bytes()[before:].decode(errors="replace")
        self.assertIn("has stopped", said, "went without a word")
        self.cloud.start("gpubroker-worker")
        self.until(lease_id, "active")
        self.ended(lease_id)
