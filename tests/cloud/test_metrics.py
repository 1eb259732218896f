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

"""What Prometheus reads of the real API and worker tells what happened."""

from __future__ import annotations

import time

from sandbox import hardware
from tests.cloud import base
from tests.fixtures import broker_processes as processes

MODEL = "a100-sxm4-80gb"
CARDS = sum(
    len(host.gpus) for host in hardware.HOSTS if host.model.name == MODEL
)


class Metrics(base.CloudTest):
    def worker(self):
        return processes.Scrape(self.cloud.settings.ports.worker_metrics)

    def api(self):
        return processes.Scrape(self.cloud.settings.ports.api_metrics)

    def moves(self, after):
        """Moves of leases to a state, whoever moved them."""
        name = "gpubroker_lease_moves_total"
        return sum(
            number
            for scrape in (self.worker(), self.api())
            for (to, _before, _target), number in scrape.values(name).items()
            if to == after
        )

    def devices(self, state):
        found = self.worker().values("gpubroker_devices")
        return found[MODEL, "default", state]

    def starts(self):
        name = "gpubroker_lease_start_duration_seconds_count"
        return self.worker().values(name).get(("total", "default"), 0)

    def test_a_lease_from_order_to_end(self):
        before = {state: self.moves(state) for state in ("active", "ended")}
        starts = self.starts()
        self.eventually(
            "all cards are counted as free",
            lambda: self.devices("free") == CARDS,
        )
        lease = self.active("vm.gpu.a100.2")
        # The worker counts what is written, and anybody may see that first.
        self.eventually(
            "the start is counted, once",
            lambda: (
                (before["active"] + 1, starts + 1)
                == (self.moves("active"), self.starts())
            ),
        )
        self.eventually(
            "two cards are counted as leased",
            lambda: (
                (CARDS - 2, 2)
                == (self.devices("free"), self.devices("leased"))
            ),
        )
        self.end(lease)
        self.eventually(
            "the end is counted, once",
            lambda: self.moves("ended") == before["ended"] + 1,
        )
        self.eventually(
            "all cards are counted as free",
            lambda: self.devices("free") == CARDS,
        )
        told = self.worker().text + self.api().text
        kept = [lease.id, lease.name, lease.project_id, lease.servers[0]["id"]]
        self.assertEqual([], [word for word in kept if word in told])

    def test_a_fence_and_the_queue(self):
        card = self.cards("gpu-a100-1")[0]
        self.operator.fence_device(card, "metrics")
        self.addCleanup(self.operator.unfence_device, card, "operator")
        self.eventually(
            "the card is counted as fenced",
            lambda: self.devices("fenced") == 1,
        )
        self.order("vm.gpu.a100.8")
        self.eventually(
            "the order is counted in the queue",
            lambda: self.queue("gpubroker_queue_gpus") == 8,
        )
        name = "gpubroker_queue_oldest_order_timestamp_seconds"
        age = time.time() - self.queue(name)
        self.assertTrue(0 <= age < base.PATIENCE, age)

    def queue(self, name):
        return self.worker().values(name).get(("default",))

    def test_every_host_is_compared_and_every_agent_reports(self):
        for name, seconds in (
            ("gpubroker_host_compared_timestamp_seconds", 60),
            ("gpubroker_agent_heartbeat_timestamp_seconds", 60),
        ):
            self.eventually(
                name,
                lambda name=name, seconds=seconds: (
                    len(self.young(name, seconds)) == len(hardware.HOSTS)
                ),
            )
        self.assertEqual(
            {("default",): 1.0}, self.worker().values("gpubroker_pool_owned")
        )

    def young(self, name, seconds):
        now = time.time()
        found = self.worker().values(name)
        return {key for key, at in found.items() if now - at < seconds}

    def test_the_api_counts_its_callers_by_route(self):
        key = ("GET", "/v1/leases/{lease_id}", "404")
        name = "gpubroker_api_requests_total"
        before = self.api().values(name).get(key, 0)
        self.gpus.find_lease("3f0c4a5e-0000-4000-8000-000000000000")
        self.assertLess(before, self.api().values(name)[key])
