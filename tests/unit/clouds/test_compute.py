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

import logging

import fixtures
import requests

from gpubroker import errors
from gpubroker.clouds import compute
from gpubroker.services import ports
from tests.unit.clouds import wire

SHAPE = ports.ShapeSpec(
    id="gpubroker-n1-1",
    name="gpubroker-n1-1",
    vcpus=4,
    ram_mib=1024,
    disk_gib=10,
    extra_specs={"resources:CUSTOM_GPUBROKER_N1": "1"},
    project_id="project-1",
)
FLAVOR = {
    "id": SHAPE.id,
    "name": SHAPE.name,
    "vcpus": 4,
    "ram": 1024,
    "disk": 10,
    "os-flavor-access:is_public": False,
    "extra_specs": dict(SHAPE.extra_specs),
}


def fault(code, message):
    return {"conflictingRequest": {"code": code, "message": message}}


class ComputeCase(wire.WireCase):
    def setUp(self):
        super().setUp()
        self.compute = self.clouds.compute


class Versions(ComputeCase):
    def test_the_newest_that_was_tried_is_asked_for(self):
        self.wire.get(f"{wire.NOVA}/os-services", json={"services": []})
        self.compute.services()
        self.compute.services()
        headers = [
            request.headers.get("OpenStack-API-Version")
            for request in self.wire.request_history
            if request.path.endswith("os-services")
        ]
        self.assertEqual(["compute 2.100"] * 2, headers)

    def version(self, newest):
        self.wire.get(
            f"{wire.NOVA}/",
            json={"version": {"version": newest, "id": "v2.1"}},
        )

    def test_an_older_server_gets_its_own(self):
        self.version("2.96")
        sent = self.wire.get(f"{wire.NOVA}/os-services", json={"services": []})
        self.compute.services()
        self.assertEqual(
            "compute 2.96", sent.last_request.headers["OpenStack-API-Version"]
        )

    def test_a_server_that_is_too_old_is_named(self):
        for newest in ("2.95", ""):
            self.version(newest)
            self.assertRaises(errors.Unavailable, self.compute.services)


class Failures(ComputeCase):
    def test_what_may_get_better_is_unavailable(self):
        for answer in (
            {"status_code": 500},
            {"status_code": 503, "text": "<html>busy</html>"},
            {"status_code": 429},
            {"exc": requests.exceptions.ConnectTimeout},
            {"exc": requests.exceptions.ReadTimeout},
            {"exc": requests.exceptions.ConnectionError},
        ):
            self.wire.get(f"{wire.NOVA}/os-services", **answer)
            self.assertRaises(errors.Unavailable, self.compute.services)

    def test_keystone_down_is_unavailable(self):
        for answer in (
            {"status_code": 503},
            {"status_code": 401},
            {"exc": requests.exceptions.ConnectionError},
        ):
            self.wire.post(f"{wire.KEYSTONE}/auth/tokens", **answer)
            self.assertRaises(errors.Unavailable, self.compute.services)

    def test_a_refusal_of_the_broker_is_nobodys_order(self):
        log = self.useFixture(fixtures.FakeLogger(level=logging.ERROR))
        for status in (400, 403):
            self.wire.get(
                f"{wire.NOVA}/os-services",
                status_code=status,
                json={"forbidden": {"message": "Policy says no."}},
            )
            raised = self.assertRaises(
                errors.Misconfigured, self.compute.services
            )
            self.assertIn("Nova refuses", raised.message)
            self.assertNotIn("Policy", raised.message)
        self.assertIn("Nova: Policy says no.", log.output)

    def test_every_request_has_an_end(self):
        sent = self.wire.get(f"{wire.NOVA}/os-services", json={"services": []})
        self.compute.services()
        self.assertEqual((5.0, 30.0), sent.last_request.timeout)
        for request in self.wire.request_history:
            self.assertEqual((5.0, 30.0), request.timeout)


class Hosts(ComputeCase):
    def test_services(self):
        self.wire.get(
            f"{wire.NOVA}/os-services",
            json={
                "services": [
                    {
                        "host": "gpu-1",
                        "state": "down",
                        "status": "disabled",
                        "disabled_reason": None,
                        "zone": "az1",
                    }
                ]
            },
        )
        self.assertEqual(
            [
                ports.ComputeService(
                    host="gpu-1",
                    state="down",
                    status="disabled",
                    zone="az1",
                )
            ],
            self.compute.services(),
        )

    def test_a_service_in_a_cell_that_is_down(self):
        record = {
            "binary": "nova-compute",
            "host": "gpu-1",
            "status": "UNKNOWN",
        }
        self.wire.get(f"{wire.NOVA}/os-services", json={"services": [record]})
        (found,) = self.compute.services()
        self.assertEqual(("gpu-1", "unknown"), (found.host, found.state))
        self.assertTrue(found.hidden)

    def test_names_that_do_not_match_are_asked_for_once(self):
        self.wire.get(
            f"{wire.NOVA}/os-services",
            json={
                "services": [
                    {"host": host, "state": "up", "status": "enabled"}
                    for host in ("gpu-1", "rack7")
                ]
            },
        )
        self.wire.get(
            f"{wire.NOVA}/os-hypervisors",
            json={
                "hypervisors": [
                    {"id": "h1", "hypervisor_hostname": "gpu-1.example.org"},
                    {"id": "h2", "hypervisor_hostname": "node42"},
                ]
            },
        )
        one = self.wire.get(
            f"{wire.NOVA}/os-hypervisors/h2",
            json={"hypervisor": {"service": {"host": "rack7"}}},
        )
        for _ in range(2):
            self.assertEqual(
                {"gpu-1.example.org": "gpu-1", "node42": "rack7"},
                self.compute.hypervisors(),
            )
        self.assertEqual(1, one.call_count)

    def test_a_compute_is_asked_again_when_a_service_has_another_name(self):
        self.wire.get(
            f"{wire.NOVA}/os-hypervisors",
            json={"hypervisors": [{"id": "h2", "hypervisor_hostname": "n"}]},
        )
        for name in ("rack7", "rack8"):
            self.wire.get(
                f"{wire.NOVA}/os-services",
                json={
                    "services": [
                        {"host": name, "state": "up", "status": "enabled"}
                    ]
                },
            )
            self.wire.get(
                f"{wire.NOVA}/os-hypervisors/h2",
                json={"hypervisor": {"service": {"host": name}}},
            )
            self.assertEqual({"n": name}, self.compute.hypervisors())

    def test_a_compute_that_does_not_answer_is_left_out(self):
        self.wire.get(f"{wire.NOVA}/os-services", json={"services": []})
        self.wire.get(
            f"{wire.NOVA}/os-hypervisors",
            json={"hypervisors": [{"id": "h2", "hypervisor_hostname": "n"}]},
        )
        self.wire.get(f"{wire.NOVA}/os-hypervisors/h2", status_code=500)
        self.assertEqual({}, self.compute.hypervisors())

    def test_two_short_names_alike_match_nothing(self):
        self.assertEqual({}, compute.match_hosts(["a.one", "a.two"], ["a"]))
        self.assertEqual({}, compute.match_hosts(["a"], ["a.one", "a.two"]))
        self.assertEqual(
            {"a.one": "a.one"}, compute.match_hosts(["a.one"], ["a", "a.one"])
        )


class Shapes(ComputeCase):
    def setUp(self):
        super().setUp()
        self.flavors = f"{wire.NOVA}/flavors"
        self.flavor = f"{self.flavors}/{SHAPE.id}"
        self.wire.post(f"{self.flavor}/os-extra_specs", json={})
        self.wire.post(f"{self.flavor}/action", json={})

    def test_a_shape_is_private_and_for_one_project(self):
        self.wire.post(self.flavors, json={"flavor": FLAVOR})
        self.assertEqual(SHAPE.id, self.compute.ensure_shape(SHAPE))
        (made,) = self.sent("POST", "/flavors")
        self.assertEqual(
            {
                "id": SHAPE.id,
                "name": SHAPE.name,
                "vcpus": 4,
                "ram": 1024,
                "disk": 10,
                "os-flavor-access:is_public": False,
            },
            made["flavor"],
        )
        self.assertEqual(
            [{"extra_specs": dict(SHAPE.extra_specs)}],
            self.sent("POST", "/os-extra_specs"),
        )
        self.assertEqual(
            [{"addTenantAccess": {"tenant": "project-1"}}],
            self.sent("POST", "/action"),
        )

    def found(self, **more):
        self.wire.post(
            self.flavors,
            status_code=409,
            json=fault(409, "Flavor with ID exists."),
        )
        self.wire.get(self.flavor, json={"flavor": {**FLAVOR, **more}})

    def test_a_shape_that_is_there_is_completed(self):
        self.found(extra_specs={})
        self.compute.ensure_shape(SHAPE)
        self.assertEqual(1, len(self.sent("POST", "/os-extra_specs")))
        self.assertEqual(1, len(self.sent("POST", "/action")))

    def test_a_shape_that_is_complete_is_taken(self):
        self.found()
        self.wire.post(
            f"{self.flavor}/action",
            status_code=409,
            json=fault(409, "Flavor access already exists."),
        )
        self.assertEqual(SHAPE.id, self.compute.ensure_shape(SHAPE))
        self.assertEqual([], self.sent("POST", "/os-extra_specs"))

    def test_another_flavor_of_that_id_is_not_taken(self):
        for more in ({"vcpus": 8}, {"os-flavor-access:is_public": True}):
            self.found(**more)
            self.assertRaises(
                errors.Conflict, self.compute.ensure_shape, SHAPE
            )

    def test_a_name_that_is_taken_is_told(self):
        self.found()
        self.wire.get(self.flavor, status_code=404)
        raised = self.assertRaises(
            errors.Conflict, self.compute.ensure_shape, SHAPE
        )
        self.assertIn("exists", raised.message)

    def test_gone_is_done(self):
        for status in (202, 404):
            self.wire.delete(self.flavor, status_code=status)
            self.compute.drop_shape(SHAPE.id)

    def test_only_the_brokers_own_are_listed_over_all_pages(self):
        """How long a page is, Nova's max_limit says."""
        first = [{"id": "z", "name": "gpubroker-z"}]
        last = [
            {"id": "a", "name": "gpubroker-a"},
            {"id": "b", "name": "m1.large"},
        ]
        pages = [
            {"json": {"flavors": first, "flavors_links": [{"rel": "next"}]}},
            {"json": {"flavors": last}},
        ]
        self.wire.get(self.flavors, pages)
        self.assertEqual(
            {"z": "gpubroker-z", "a": "gpubroker-a"}, self.compute.shapes()
        )
        asked = self.wire.last_request.qs
        self.assertEqual(
            (["z"], ["false"]), (asked["marker"], asked["is_public"])
        )
