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

"""Pages of a cloud with a thousand hosts and leases cost what those of a
small one do."""

from __future__ import annotations

import time

from benchmarks import estate
from tests.fixtures import api as test_api
from tests.fixtures import effort
from tests.functional.dashboard import base

#: 8,000 devices in a long run.
HOSTS = 1000 if effort.LONG else 60
LEASES = 1000 if effort.LONG else 120
#: More than the page that shows most of them has.
FEW = 20
#: How much longer a page of many may take than one of few.
RATIO = 4.0
PAGES = (
    "/admin/gpu_fleet/",
    "/admin/gpu_leases/",
    "/admin/gpu_queue/",
    "/admin/gpu_flavors/",
    "/admin/gpu_models/",
    "/admin/gpu_pools/",
)
#: Of the project's own.
PROJECTS = ("/project/gpu_offers/", "/project/gpu_leases/")


class Many(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.people = {
            page: self.sign_in(who)
            for who, pages in (
                (test_api.ADMIN, PAGES),
                (test_api.MEMBER, PROJECTS),
            )
            for page in pages
        }

    def grow(self, first: int, hosts: int, leases: int) -> None:
        store = self.world.store
        cards = estate.add_hosts(store, hosts, first)
        project = test_api.MEMBER.project_id
        estate.add_leases(store, leases, cards, project)

    def measured(self) -> dict[str, tuple[int, float]]:
        """Page -> questions to the service, and seconds of CPU; the best of
        three. Other work on the machine is none of its business."""
        return {page: self.look(page) for page in self.people}

    def look(self, page: str) -> tuple[int, float]:
        times = []
        for _time in range(3):
            self.asked, began = 0, time.process_time()
            self.asked_keystone.clear()
            answer = self.people[page].get(page)
            times.append(time.process_time() - began)
            self.assertEqual(200, answer.status_code, page)
            self.assertLess(len(self.asked_keystone), 60, page)
        return self.asked, min(times)

    def test_pages_of_many_cost_what_pages_of_few_do(self) -> None:
        self.grow(0, FEW, FEW)
        few = self.measured()
        self.grow(FEW, HOSTS - FEW, LEASES - FEW)
        many = self.measured()
        for page, (asked, seconds) in many.items():
            before, least = few[page]
            effort.tell(f"{page}: {asked} requests, {seconds:.2f} s")
            self.assertLessEqual(asked, before + 1, page)
            self.assertLess(seconds, RATIO * least + 0.3, page)
