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

"""Prometheus reads real processes: an API of several, and workers."""

from __future__ import annotations

import os
import signal
import urllib.error
from concurrent import futures

import testtools

from tests.fixtures import broker_processes as processes

REQUESTS = "gpubroker_api_requests_total"


class ApiTest(testtools.TestCase):
    def requests(self, site):
        """(method, route, status) -> requests."""
        return processes.Scrape(site.api_port).values(REQUESTS)

    def test_any_process_tells_of_all_of_them(self):
        site = self.useFixture(processes.Site())
        api = site.api(processes=3)
        children = {str(pid) for pid in api.children()}
        self.assertEqual(3, len(children))
        rounds = 0
        with futures.ThreadPoolExecutor(12) as pool:
            # Which of them gets a request the kernel decides. Whether one
            # has counted anything before, nobody knows.
            while not rounds or self.served(site) != children:
                self.assertLess(rounds, 50, "one of them gets nothing")
                rounds += 1
                found = pool.map(site.ask, ["/", "/v1", "/v1/none"] * 4)
                self.assertEqual([200, 200, 401] * 4, list(found))
        # Whoever answers, each time.
        for _ in range(6):
            found = self.requests(site)
            self.assertEqual(4 * rounds, found["GET", "/", "200"])
            self.assertEqual(4 * rounds, found["GET", "/v1", "200"])
            # Nobody has looked where it leads.
            self.assertEqual(4 * rounds, found["GET", "none", "401"])

    def served(self, site):
        return {path.stem.rpartition("_")[2] for path in site.counts.iterdir()}

    def test_what_a_process_has_counted_outlives_it(self):
        site = self.useFixture(processes.Site())
        api = site.api(processes=2)
        for _ in range(10):
            self.assertEqual(200, site.ask("/"))
        before = api.children()
        os.kill(before[0], signal.SIGKILL)
        api.wait(lambda: set(api.children()) - set(before))
        api.wait(lambda: site.ask("/") == 200)
        api.wait(lambda: processes.scraped(site.api_port))
        self.assertLessEqual(11, self.requests(site)["GET", "/", "200"])

    def test_a_folder_is_needed(self):
        site = self.useFixture(processes.Site())
        api = site.api(environment={})
        self.assertIn("PROMETHEUS_MULTIPROC_DIR", api.said)
        self.assertIsNone(processes.scraped(site.api_port))

    def test_it_listens_only_when_told(self):
        site = self.useFixture(processes.Site(enabled=False))
        site.api()
        self.assertIsNone(processes.scraped(site.api_port))

    def test_nothing_else_is_there(self):
        site = self.useFixture(processes.Site())
        site.api()
        self.assertRaises(
            urllib.error.HTTPError, processes.Scrape, site.api_port, "/v1"
        )
        # Nor are they on the API's own port.
        self.assertEqual(401, site.ask("/metrics"))


class WorkerTest(testtools.TestCase):
    def test_each_process_is_a_target_of_its_own(self):
        site = self.useFixture(processes.Site(workers=2))
        worker = site.worker()
        for n in range(2):
            port = site.worker_port + n
            worker.wait(lambda port=port: self.counted(port))
        scrapes = [processes.Scrape(site.worker_port + n) for n in range(2)]
        for found in scrapes:
            self.assertEqual(
                {("default", "active"): 0.0},
                {
                    key: n
                    for key, n in found.values("gpubroker_leases").items()
                    if key == ("default", "active")
                },
            )
            # Nobody knows whether the database remembers all.
            self.assertEqual(
                {("default",): 0.0}, found.values("gpubroker_pool_owned")
            )
            self.assertEqual({(): 0.0}, found.values("gpubroker_worker_pools"))
        cpu = [s.values("process_start_time_seconds")[()] for s in scrapes]
        self.assertEqual(2, len(cpu))

    def counted(self, port):
        found = processes.scraped(port)
        return found and found.values("gpubroker_pool_owned")

    def test_a_service_that_does_not_answer_holds_nothing_up(self):
        site = self.useFixture(processes.Site())
        worker = site.worker()
        worker.wait(lambda: self.counted(site.worker_port))
        worker.wait(lambda: self.away(site))
        self.assertNotIn("Traceback", worker.said)

    def away(self, site):
        calls = processes.Scrape(site.worker_port).values(
            "gpubroker_outside_calls_total"
        )
        return calls.get(("GET", "Placement", "none"))

    def test_a_port_that_is_taken_stops_no_worker(self):
        site = self.useFixture(processes.Site())
        first = site.worker()
        first.wait(lambda: self.counted(site.worker_port))
        second = site.worker()
        second.wait(lambda: "No metrics: can not listen" in second.said)
        # It is at work all the same.
        second.wait(lambda: "This worker waits" in second.said)

    def test_the_place_of_one_that_was_killed_is_taken(self):
        site = self.useFixture(processes.Site())
        worker = site.worker()
        worker.wait(lambda: self.counted(site.worker_port))
        before = worker.children()
        os.kill(before[0], signal.SIGKILL)
        worker.wait(lambda: set(worker.children()) - set(before))
        worker.wait(lambda: self.counted(site.worker_port))
