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

    def test_no_server(self):
        self.wire.get(self.url, status_code=404)
        self.assertIsNone(self.compute.server("s1"))

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
