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

from typing import Any

from tests.fixtures import api as test_api
from tests.functional.dashboard import catalogue

FORM = {"name": "research", "admission": "automatic"}


class PoolsTest(catalogue.CatalogueTest):
    index = "/admin/gpu_pools/"

    def pool(self, name: str = "research") -> dict[str, Any]:
        found: dict[str, Any] = self.api.call(
            "GET", f"/v1/pools/{name}", who=test_api.ADMIN
        ).json
        return found

    def test_all_are_listed_and_lead_to_their_cards(self) -> None:
        self.sent("create/", **FORM, projects="DEMO")
        text = " ".join(self.text().split())
        for words in ("default", "research", "DEMO", "Everybody"):
            self.assertIn(words, text)
        self.assertIn("/admin/gpu_fleet/?pool=research", text)
        self.assertIn("Delete (hosts that are found go there)", text)

    def test_one_is_made_changed_and_deleted(self) -> None:
        self.sent("create/", **FORM, projects="DEMO\nother", description="R")
        made = self.pool()
        self.assertEqual(["demo", "other"], sorted(made["projects"]))
        self.assertEqual(
            ("automatic", "R"), (made["admission"], made["description"])
        )
        path = "research/update/"
        form = self.filled(path, admission="manual")
        self.assertEqual({"DEMO", "OTHER"}, set(form["projects"].split()))
        self.sent(path, **form)
        self.assertEqual("manual", self.pool()["admission"])
        self.assertEqual(2, len(self.pool()["projects"]))
        self.sent(path, **self.filled(path, projects=""))
        self.assertEqual([], self.pool()["projects"])
        self.sent("research/delete/")
        self.assertNotIn("research", self.text())

    def test_what_is_wrong_is_said_at_its_field(self) -> None:
        for field, value in (
            ("name", "a b"),
            ("name", "default"),
            ("admission", "never"),
            ("projects", "DEMO\nnobody"),
            ("description", "x" * 1025),
        ):
            self.wrong("create/", field, **{**FORM, field: value})

    def test_of_two_changes_at_a_time_the_second_is_refused(self) -> None:
        self.sent("create/", **FORM)
        form = self.filled("research/update/", description="mine")
        self.api.call(
            "PATCH",
            "/v1/pools/research",
            {"description": "theirs"},
            test_api.ADMIN,
        )
        self.assertIn("changed", self.wrong("research/update/", **form))
        self.assertEqual("theirs", self.pool()["description"])

    def test_a_host_is_moved(self) -> None:
        self.sent("create/", **FORM)
        self.assertIn("gpu-1 (default)", self.text("research/hosts/"))
        self.sent("research/hosts/", hosts=["gpu-1"])
        self.assertEqual(
            (1, 0), (self.pool()["hosts"], self.pool("default")["hosts"])
        )
        self.assertIn("Delete (hosts are in it)", self.text())
        said = self.wrong("research/delete/")
        self.assertIn("move them to another pool first", said)

    def test_a_host_of_which_a_lease_holds_a_card_stays(self) -> None:
        self.sent("create/", **FORM)
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        said = self.wrong("research/hosts/", "hosts", hosts=["gpu-1"])
        self.assertTrue(said.startswith("gpu-1: "), said)
        self.wrong("research/hosts/", "hosts")

    def test_one_with_leases_stays_and_says_so(self) -> None:
        self.sent("create/", **FORM)
        self.sent("research/hosts/", hosts=["gpu-1"])
        self.world.order("train", pool="research")
        self.sent("default/hosts/", hosts=["gpu-1"])
        path = "research/delete/"
        self.assertIn("1 lease of it waits or runs.", self.text(path))
        self.assertIn("leases that have not ended", self.wrong(path))

    def test_who_is_no_operator_sees_nothing(self) -> None:
        self.assertHidden("gpu_pools")

    def test_a_service_that_is_away_is_told(self) -> None:
        self.assertAway("The pools could not be read.")
        said = self.wrong("create/", **FORM)
        self.assertIn("The GPU service does not answer.", said)
