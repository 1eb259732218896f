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

FORM = {
    "name": "vm.gpu.4",
    "models": test_api.MODEL,
    "gpus": 4,
    "vcpus": 32,
    "ram_mib": 131072,
    "disk_gib": 200,
    "topology": "require",
}


class FlavorsTest(catalogue.CatalogueTest):
    index = "/admin/gpu_flavors/"

    def flavor(self, name: str = "gpu.2") -> dict[str, Any]:
        answer = self.api.call("GET", f"/v1/flavors/{name}")
        found: dict[str, Any] = answer.json
        return found

    def path(self, verb: str, name: str = "gpu.2") -> str:
        return f"{self.flavor(name)['id']}/{verb}/"

    def change(self, **changed: Any) -> dict[str, Any]:
        return self.filled(self.path("update"), **changed)

    def test_all_are_listed_with_what_they_give(self) -> None:
        self.api.call(
            "PATCH",
            "/v1/flavors/gpu.8",
            {"traits": ["CUSTOM_X"], "extra_specs": {"hw:a": "b"}},
            test_api.ADMIN,
        )
        text = self.text()
        for words in ("gpu.1", "gpu.2", "gpu.8", test_api.MODEL, "1 GiB"):
            self.assertIn(words, text)
        self.assertIn("One block of the baseboard where it can", text)

    def test_one_is_made(self) -> None:
        text = self.sent(
            "create/",
            **FORM,
            traits="CUSTOM_A\nCUSTOM_B",
            extra_specs="hw:cpu_policy=dedicated",
            description="Four",
        )
        self.assertIn("vm.gpu.4", text)
        made = self.flavor("vm.gpu.4")
        self.assertEqual(["CUSTOM_A", "CUSTOM_B"], made["traits"])
        self.assertEqual({"hw:cpu_policy": "dedicated"}, made["extra_specs"])
        self.assertEqual(
            (4, 32, 131072, 200, "require", "Four"),
            tuple(
                made[name]
                for name in (
                    "gpus",
                    "vcpus",
                    "ram_mib",
                    "disk_gib",
                    "topology",
                    "description",
                )
            ),
        )

    def test_what_is_wrong_is_said_at_its_field(self) -> None:
        for field, value in (
            ("name", "a b"),
            ("gpus", "65"),
            ("gpus", "many"),
            ("vcpus", ""),
            ("disk_gib", "-1"),
            ("models", ""),
            ("models", "voodoo-2"),
            ("extra_specs", "hw:cpu_policy"),
            # What only the service knows.
            ("extra_specs", "quota:x=1"),
            ("extra_specs", "hw:cpu_policy=nonsense"),
            ("traits", "lower"),
            ("ram_mib", str(2**31)),
        ):
            self.wrong("create/", field, **{**FORM, field: value})
        answer = self.api.call("GET", "/v1/flavors/vm.gpu.4")
        self.assertEqual(404, answer.status_int)

    def test_a_name_that_is_taken_is_said_at_the_name(self) -> None:
        said = self.wrong("create/", "name", **{**FORM, "name": "gpu.2"})
        self.assertIn("gpu.2", said)

    def test_a_change_sends_what_has_changed(self) -> None:
        self.sent(self.path("update"), **self.change(disk_gib=77))
        found = self.flavor()
        self.assertEqual((77, 2), (found["disk_gib"], found["generation"]))
        self.sent(self.path("update"), **self.change(description="Two"))
        self.sent(self.path("update"), **self.change(description=""))
        self.assertEqual("", self.flavor()["description"])

    def test_nothing_changed_changes_nothing(self) -> None:
        self.sent(self.path("update"), **self.change())
        self.assertEqual(1, self.flavor()["generation"])

    def test_of_two_changes_at_a_time_the_second_is_refused(self) -> None:
        form = self.change(disk_gib=77)
        self.api.call(
            "PATCH", "/v1/flavors/gpu.2", {"vcpus": 9}, test_api.ADMIN
        )
        said = self.wrong(self.path("update"), **form)
        self.assertIn("changed", said)
        self.assertEqual(10, self.flavor()["disk_gib"])

    def test_deleting_says_beforehand_what_it_means(self) -> None:
        path = self.path("delete")
        self.assertIn("No lease of it waits or runs.", self.text(path))
        self.world.order("train")
        self.world.order("eval", project="other", user="olga")
        text = self.text(path)
        self.assertIn("2 leases of it wait or run.", text)
        self.assertIn("keep what they were ordered with", text)
        name = 'data-display="gpu.2"'
        self.assertIn(name, self.text())
        self.assertNotIn(name, self.sent(path))
        answer = self.api.call("GET", "/v1/flavors/gpu.2")
        self.assertEqual(404, answer.status_int)

    def test_one_that_is_gone_leads_back_to_the_list(self) -> None:
        path = self.path("delete")
        self.api.call("DELETE", "/v1/flavors/gpu.2", who=test_api.ADMIN)
        answer = self.client.get(self.index + path)
        self.assertEqual(
            (302, self.index), (answer.status_code, answer["location"])
        )
        self.assertIn("There is no flavor", self.messages())

    def test_who_is_no_operator_sees_nothing(self) -> None:
        self.assertHidden()

    def test_a_service_that_is_away_is_told(self) -> None:
        self.assertAway("The flavors could not be read.")
        self.assertEqual(200, self.send("create/", **FORM).status_code)
