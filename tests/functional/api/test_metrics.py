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

"""What the API counts of its requests, whoever answers them."""

from __future__ import annotations

import dataclasses

import testtools
from prometheus_client import registry as registries

from gpubroker.api import routing
from gpubroker.api.controllers import root
from gpubroker.metrics import meter
from tests.fixtures import api as test_api

NAME = "gpubroker_api_requests_total"


class RequestsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.registry = registries.CollectorRegistry()
        self.api = self.useFixture(test_api.Api())
        self.api.world.core = dataclasses.replace(
            self.api.world.core, meter=meter.Meter(self.registry)
        )
        self.api.rebuild()

    def told(self):
        """(route, method, status) -> requests."""
        return {
            tuple(s.labels[k] for k in ("route", "method", "status")): s.value
            for family in self.registry.collect()
            for s in family.samples
            if s.name == NAME
        }

    def test_by_the_template_of_the_path(self):
        for path, who, status in (
            ("/v1/models", test_api.READER, 200),
            ("/v1/models/", test_api.READER, 200),
            (f"/v1/models/{test_api.MODEL}", test_api.READER, 200),
            ("/v1/models/other", test_api.READER, 404),
            ("/v1/hosts/gpu-1/report", test_api.READER, 405),
            ("/v1/devices", test_api.NOBODY, 403),
            ("/v1/leases", None, 401),
            ("/", None, 200),
            ("/v1/openapi.json", None, 200),
            ("/nowhere/at/all", test_api.READER, 404),
        ):
            found = self.api.call("GET", path, who=who)
            self.assertEqual(status, found.status_int, path)
        self.assertEqual(
            {
                ("/v1/models", "GET", "200"): 2,
                ("/v1/models/{name}", "GET", "200"): 1,
                ("/v1/models/{name}", "GET", "404"): 1,
                ("/v1/devices", "GET", "403"): 1,
                ("/", "GET", "200"): 1,
                ("/v1/openapi.json", "GET", "200"): 1,
                ("none", "GET", "405"): 1,
                # Nobody has looked where it leads.
                ("none", "GET", "401"): 1,
                ("none", "GET", "404"): 1,
            },
            self.told(),
        )

    def test_every_route_is_told_as_the_table_of_routes_has_it(self):
        wrong = []
        for route in routing.walk(root.TREE):
            path = route.path.replace("{", "").replace("}", "")
            parts = path.strip("/").split("/") if path != "/" else []
            match = routing.match(root.TREE, route.method, parts)
            if match.template != route.path:
                wrong.append((route.path, match.template))
        self.assertEqual([], wrong)

    def test_those_of_balancers_have_a_route_of_their_own(self):
        self.api.call("GET", "/healthcheck", who=None)
        self.api.call("GET", "/healthcheck/anything", who=None)
        self.assertEqual(
            {
                ("/healthcheck", "GET", "200"): 1,
                ("none", "GET", "401"): 1,
            },
            self.told(),
        )

    def test_a_caller_can_not_make_up_series(self):
        for n in range(5):
            self.api.call(f"VERB{n}", f"/v1/models/{n}")
            self.api.call("GET", f"/{n}")
        self.assertEqual(
            {("none", "other", "405"): 5, ("none", "GET", "404"): 5},
            self.told(),
        )

    def test_those_that_come_too_often(self):
        self.api.conf.set_override("requests_per_minute", 1, "api")
        self.api.rebuild()
        for status in (200, 429):
            found = self.api.call("GET", "/v1/models")
            self.assertEqual(status, found.status_int)
        self.assertEqual(
            [1.0], [n for key, n in self.told().items() if "429" in key]
        )

    def test_how_long_they_took(self):
        self.api.call("GET", "/v1/models")
        labels = {"route": "/v1/models", "method": "GET"}
        count = self.registry.get_sample_value(
            "gpubroker_api_request_duration_seconds_count", labels
        )
        self.assertEqual(1, count)
