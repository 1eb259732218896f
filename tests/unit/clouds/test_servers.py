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

"""Servers as the broker sees them, with its own identity."""

from __future__ import annotations

from gpubroker import errors
from gpubroker.services import ports
from tests.unit.clouds import test_compute
from tests.unit.clouds import wire

SHAPE = "gpubroker-n1-1"

SERVER = {
    "id": "s1",
    "name": "train",
    "status": "ERROR",
    "tenant_id": "project-1",
    "user_id": "user-1",
    "flavor": {"original_name": SHAPE, "vcpus": 4},
    "OS-EXT-SRV-ATTR:host": "gpu-1",
    "OS-EXT-SRV-ATTR:hypervisor_hostname": "gpu-1.example.org",
    "OS-EXT-STS:task_state": None,
    "fault": {"code": 500, "message": "No valid host was found. "},
    "addresses": {"net": [{"addr": "10.0.0.5", "version": 4}]},
    "key_name": "k",
    "tags": ["gpubroker:1"],
    "created": "2026-11-02T08:00:00Z",
}

#: The minimal records of Nova's API guide, "Handling Down Cells".
LISTED_DARK = {
    "created": "2018-06-29T15:07:29Z",
    "status": "UNKNOWN",
    "tenant_id": "project-1",
    "id": "s1",
    "links": [{"href": f"{wire.NOVA}/servers/s1", "rel": "self"}],
}
SHOWN_DARK = {
    **LISTED_DARK,
    "user_id": "user-1",
    "image": {"id": "im"},
    "flavor": {
        "disk": 1,
        "ephemeral": 0,
        "extra_specs": {"hw:cpu_policy": "dedicated"},
        "original_name": SHAPE,
        "ram": 512,
        "swap": 0,
        "vcpus": 1,
    },
    "OS-EXT-AZ:availability_zone": "geneva",
    "OS-EXT-STS:power_state": 0,
    "server_groups": [],
}


class Servers(test_compute.ComputeCase):
    def setUp(self):
        super().setUp()
        self.url = f"{wire.NOVA}/servers/s1"

    def test_a_server(self):
        self.wire.get(self.url, json={"server": SERVER})
        found = self.compute.server("s1")
        self.assertEqual(
            ports.Server(
                id="s1",
                name="train",
                status="ERROR",
                project_id="project-1",
                user_id="user-1",
                flavor=SHAPE,
                host="gpu-1",
                hypervisor_hostname="gpu-1.example.org",
                fault="No valid host was found. ",
                addresses=("10.0.0.5",),
                key_name="k",
                tags=("gpubroker:1",),
                created_at="2026-11-02T08:00:00Z",
                size=ports.Size(vcpus=4),
            ),
            found,
        )

    def test_an_address_that_is_reached_from_outside_comes_first(self):
        networks = {
            "net": [
                {"addr": "10.0.0.5", "OS-EXT-IPS:type": "fixed"},
                {"addr": "203.0.113.9", "OS-EXT-IPS:type": "floating"},
            ],
            "other": [{"addr": "10.1.0.7"}],
        }
        record = {**SERVER, "addresses": networks}
        self.wire.get(self.url, json={"server": record})
        self.assertEqual(
            ("203.0.113.9", "10.0.0.5", "10.1.0.7"),
            self.compute.server("s1").addresses,
        )

    def test_no_server(self):
        self.wire.get(self.url, status_code=404)
        self.assertIsNone(self.compute.server("s1"))

    def test_whether_it_is_listed_in_any_project(self):
        url = f"{wire.NOVA}/servers"
        sent = self.wire.get(url, json={"servers": [{"id": "s1", "name": ""}]})
        self.assertTrue(self.compute.listed("s1"))
        self.assertEqual(
            {"all_tenants": ["1"], "uuid": ["s1"]}, sent.last_request.qs
        )
        self.assertFalse(self.compute.listed("s2"))

    def test_a_broker_that_may_not_see_it_is_told_so(self):
        self.wire.get(
            f"{wire.NOVA}/servers",
            status_code=403,
            json={
                "forbidden": {
                    "code": 403,
                    "message": "Policy doesn't allow os_compute_api:servers:"
                    "index:get_all_tenants to be performed.",
                }
            },
        )
        self.assertRaises(errors.Misconfigured, self.compute.listed, "s1")

    def test_a_server_in_a_cell_that_is_down(self):
        self.wire.get(self.url, json={"server": SHOWN_DARK})
        found = self.compute.server("s1")
        self.assertEqual(
            ports.Server(
                id="s1",
                name="",
                status="UNKNOWN",
                project_id="project-1",
                user_id="user-1",
                flavor=SHAPE,
                created_at="2018-06-29T15:07:29Z",
                image="im",
                size=ports.Size(
                    vcpus=1,
                    ram_mib=512,
                    disk_gib=1,
                    extra_specs={"hw:cpu_policy": "dedicated"},
                ),
            ),
            found,
        )
        self.assertTrue(found.hidden)

    def test_a_list_with_such_a_server_is_no_evidence(self):
        self.cells(up=True)
        self.wire.get(
            f"{wire.NOVA}/servers/detail",
            json={"servers": [LISTED_DARK, SERVER]},
        )
        self.assertRaises(
            errors.Unavailable, self.compute.servers_shaped, "gpubroker-"
        )
        found = self.compute.servers_tagged("gpubroker:1")
        self.assertEqual([True, False], [one.hidden for one in found])

    def test_nor_is_one_while_a_cell_is_down(self):
        """From the second page on Nova leaves its servers out."""
        self.cells(up=False)
        self.wire.get(
            f"{wire.NOVA}/servers/detail", json={"servers": [SERVER]}
        )
        self.assertRaises(
            errors.Unavailable, self.compute.servers_shaped, "gpubroker-"
        )

    def cells(self, up):
        service = {"binary": "nova-compute", "host": "gpu-1"}
        told = {"status": "UNKNOWN"}
        if up:
            told = {"status": "enabled", "state": "up", "zone": "nova"}
        self.wire.get(
            f"{wire.NOVA}/os-services", json={"services": [service | told]}
        )

    def test_by_tag_in_all_projects(self):
        page = {"servers": [SERVER]}
        more = {**page, "servers_links": [{"rel": "next"}]}
        sent = self.wire.get(
            f"{wire.NOVA}/servers/detail", [{"json": more}, {"json": page}]
        )
        (found, _) = self.compute.servers_tagged("gpubroker:1")
        self.assertEqual("s1", found.id)
        self.assertEqual(
            {
                "all_tenants": ["1"],
                "tags": ["gpubroker:1"],
                "marker": ["s1"],
            },
            sent.last_request.qs,
        )

    def test_by_the_flavor_embedded_in_them(self):
        ours = {
            **SERVER,
            "flavor": {
                "original_name": "gpubroker-0badcafe-1-1",
                "vcpus": 8,
                "ram": 1024,
                "disk": 20,
                "extra_specs": {"gpubroker:lease": "le"},
            },
            "image": {"id": "im"},
            "OS-SRV-USG:launched_at": "2026-11-02T08:00:01.000000",
        }
        other = {**SERVER, "id": "s2", "image": ""}
        self.cells(up=True)
        sent = self.wire.get(
            f"{wire.NOVA}/servers/detail", json={"servers": [ours, other]}
        )
        (found,) = self.compute.servers_shaped("gpubroker-0badcafe-")
        self.assertEqual(
            ports.Size(
                vcpus=8,
                ram_mib=1024,
                disk_gib=20,
                extra_specs={"gpubroker:lease": "le"},
            ),
            found.size,
        )
        self.assertEqual("im", found.image)
        self.assertEqual("2026-11-02T08:00:01.000000", found.launched_at)
        self.assertEqual({"all_tenants": ["1"]}, sent.last_request.qs)

    def seen(self, **more):
        self.wire.get(self.url, json={"server": {**SERVER, **more}})

    def test_deleted_or_gone_is_done(self):
        self.seen()
        for status in (204, 404):
            self.wire.delete(self.url, status_code=status)
            self.compute.delete_server("s1")
        self.wire.get(self.url, status_code=404)
        self.compute.delete_server("s1")
        self.assertEqual(2, len(self.sent("DELETE", "/s1")))

    def test_a_server_that_nova_only_hides_is_removed(self):
        """Nova answers a further DELETE with 204, and begins its time anew
        (nova/compute/api.py, soft_delete)."""
        self.wire.delete(self.url, status_code=204)
        self.seen(status="SOFT_DELETED")
        self.wire.post(f"{self.url}/action", status_code=202)
        self.compute.delete_server("s1")
        self.assertEqual([{"forceDelete": None}], self.sent("POST", "/action"))
        self.assertEqual([], self.sent("DELETE", "/s1"))

    def test_a_server_that_can_not_be_deleted_now_is_tried_again(self):
        busy = {"status_code": 409, "json": test_compute.fault(409, "busy")}
        self.wire.delete(self.url, **busy)
        self.wire.post(f"{self.url}/action", **busy)
        for status in ("ACTIVE", "SOFT_DELETED"):
            self.seen(status=status)
            self.assertRaises(
                errors.Unavailable, self.compute.delete_server, "s1"
            )


class Unshelving(test_compute.ComputeCase):
    def asked(self, *actions):
        """:param actions: (what, by whom), newest first."""
        records = [
            {"action": what, "user_id": by, "request_id": f"req-{number}"}
            for number, (what, by) in enumerate(actions)
        ]
        self.wire.get(
            f"{wire.NOVA}/servers/s1/os-instance-actions",
            json={"instanceActions": records},
        )
        return self.compute.unshelve_asked("s1")

    def test_nobody_asked(self):
        self.assertIsNone(self.asked(("shelve", "u"), ("create", "u")))

    def test_the_last_wish_since_it_was_shelved(self):
        self.assertEqual(
            "req-0",
            self.asked(("unshelve", "u"), ("unshelve", "u"), ("shelve", "u")),
        )

    def test_a_wish_before_it_was_shelved_again_is_over(self):
        self.assertIsNone(
            self.asked(("shelveOffload", "u"), ("unshelve", "u"))
        )

    def test_no_server(self):
        self.wire.get(
            f"{wire.NOVA}/servers/s1/os-instance-actions", status_code=404
        )
        self.assertIsNone(self.compute.unshelve_asked("s1"))
