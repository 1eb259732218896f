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

import datetime

from gpubroker.audit import checks
from tests.unit.audit import base
from tests.unit.audit import wire


class NovaTest(base.ReadingTest):
    def hold(self, consumer: str) -> None:
        self.http.get(
            f"{wire.PLACEMENT}/resource_providers/rp1/allocations",
            json={"allocations": {consumer: {"resources": {wire.RC: 1}}}},
            headers={"Last-Modified": "Mon, 23 Nov 2026 08:00:02 GMT"},
        )

    def test_every_page_is_read(self):
        second = {**wire.SERVER, "id": "s2"}
        self.http.get(
            f"{wire.NOVA}/servers/detail",
            json={
                "servers": [wire.SERVER],
                "servers_links": [
                    {
                        "rel": "next",
                        "href": "http://inside:8774/servers/detail"
                        "?all_tenants=1&marker=s1",
                    }
                ],
            },
        )
        self.http.get(
            f"{wire.NOVA}/servers/detail?marker=s1",
            json={"servers": [second]},
        )
        self.assertEqual({"s1", "s2"}, set(self.read().servers))
        last = self.wire.asked(f"{wire.NOVA}/servers/detail")[-1]
        self.assertEqual(["1"], last.qs["all_tenants"])

    def test_a_consumer_that_no_list_has_is_asked_for(self):
        self.hold("s3")
        kept = {**wire.SERVER, "id": "s3", "status": "SOFT_DELETED"}
        self.http.get(f"{wire.NOVA}/servers/s3", json={"server": kept})
        self.assertEqual("SOFT_DELETED", self.read().servers["s3"].status)

    def test_one_that_is_no_server_may_be_a_move(self):
        self.hold("m1")
        self.http.get(f"{wire.NOVA}/servers/m1", status_code=404)
        self.http.get(
            f"{wire.NOVA}/os-migrations",
            json={"migrations": [{"uuid": "m0"}, {"uuid": "m1"}]},
        )
        self.assertEqual({"m1"}, self.read().migrations)

    def test_or_nobody_known(self):
        self.hold("who")
        self.http.get(f"{wire.NOVA}/servers/who", status_code=404)
        self.http.get(f"{wire.NOVA}/os-migrations", json={"migrations": []})
        seen = self.read()
        patience = checks.Patience(datetime.timedelta(), base.TEN)
        codes = {found.code for found in checks.run(seen, patience)}
        self.assertIn("card-orphaned", codes)

    def down(self) -> None:
        """What Nova says of a cell that it does not reach (API guide,
        "Handling Down Cells")."""
        self.http.get(
            f"{wire.NOVA}/servers/detail", json={"servers": [wire.HIDDEN]}
        )
        self.http.get(
            f"{wire.NOVA}/os-services",
            json={
                "services": [
                    {
                        "binary": "nova-compute",
                        "host": "g1",
                        "status": "UNKNOWN",
                    }
                ]
            },
        )

    def test_a_cell_that_is_down(self):
        self.down()
        seen = self.read()
        self.assertTrue(seen.servers["s1"].hidden)
        self.assertEqual("p1", seen.servers["s1"].project_id)
        (service,) = seen.services
        self.assertTrue(service.hidden)
        patience = checks.Patience(datetime.timedelta(), base.TEN)
        self.assertEqual(
            ["cell-down"], [one.code for one in checks.run(seen, patience)]
        )

    def test_a_page_that_ends_with_a_server_of_a_cell_that_is_down(self):
        """Nova fails (500) when asked for what comes after it."""
        url = f"{wire.NOVA}/servers/detail"
        link = {"rel": "next", "href": f"{url}?all_tenants=1&marker=s2"}
        self.http.get(
            url,
            json={
                "servers": [wire.SERVER, {**wire.HIDDEN, "id": "s2"}],
                "servers_links": [link],
            },
        )
        self.http.get(f"{url}?marker=s2", status_code=500)
        self.http.get(
            f"{url}?marker=s1",
            json={"servers": [{**wire.SERVER, "id": "s3"}]},
        )
        self.assertEqual({"s1", "s2", "s3"}, set(self.read().servers))

    def test_a_page_of_nothing_but_servers_of_a_cell_that_is_down(self):
        url = f"{wire.NOVA}/servers/detail"
        link = {"rel": "next", "href": f"{url}?all_tenants=1&marker=s1"}
        self.http.get(
            url, json={"servers": [wire.HIDDEN], "servers_links": [link]}
        )
        self.assertEqual({"s1"}, set(self.read().servers))
        self.assertEqual(1, len(self.wire.asked(url)))

    def test_key_pairs_of_the_brokers_user(self):
        self.http.get(
            f"{wire.NOVA}/os-keypairs",
            json={
                "keypairs": [{"keypair": {"name": "gpubroker-5c1f0e7a-0a-1"}}]
            },
        )
        self.assertEqual(
            ["gpubroker-5c1f0e7a-0a-1"],
            [one.name for one in self.read().keypairs],
        )
        (asked,) = self.wire.asked(f"{wire.NOVA}/os-keypairs")
        self.assertEqual(["b1"], asked.qs["user_id"])
