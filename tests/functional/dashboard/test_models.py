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
    "name": "mycard",
    "family": "mine",
    "vendor": "Example",
    "memory_mib": 32768,
    "vendor_id": "1234",
    "product_ids": "5678\n567a",
    "device_type": "type-PF",
    "board_slots": 4,
    "blocks": "0,1\n2,3",
}


class ModelsTest(catalogue.CatalogueTest):
    index = "/admin/gpu_models/"

    def model(self, name: str = "mycard") -> dict[str, Any]:
        found: dict[str, Any] = self.api.call("GET", f"/v1/models/{name}").json
        return found

    def test_all_are_listed_with_what_they_are_known_by(self) -> None:
        text = self.text()
        for words in (test_api.MODEL, "80 GiB", "10de:", "CUSTOM_"):
            self.assertIn(words, text)
        self.assertIn("gpu.1, gpu.2, gpu.8", text)
        self.assertIn("Delete: a flavor names it", text)

    def test_one_is_made_and_deleted(self) -> None:
        self.assertIn("mycard", self.sent("create/", **FORM))
        made = self.model()
        self.assertEqual(["5678", "567a"], made["product_ids"])
        self.assertEqual([[0, 1], [2, 3]], made["blocks"])
        self.assertEqual("mycard", made["alias"])
        self.assertEqual("type-PF", made["device_type"])
        self.assertIn("No card is of it.", self.text("mycard/delete/"))
        self.sent("mycard/delete/")
        answer = self.api.call("GET", "/v1/models/mycard")
        self.assertEqual(404, answer.status_int)

    def test_what_is_wrong_is_said_at_its_field(self) -> None:
        for field, value in (
            ("name", "my card"),
            ("family", ""),
            ("vendor_id", "10DE"),
            ("product_ids", "5678\nxyz"),
            ("subsystem_ids", "10de"),
            ("memory_mib", "0"),
            ("resource_class", "GPU"),
            ("alias", "a b"),
            ("board_slots", "65"),
            ("blocks", "0-3"),
            # What only the service knows.
            ("blocks", "0,4"),
            ("blocks", "0,0"),
            ("device_type", "type-XX"),
        ):
            self.wrong("create/", field, **{**FORM, field: value})

    def test_the_line_at_fault_is_named(self) -> None:
        said = self.wrong(
            "create/", "product_ids", **{**FORM, "product_ids": "5678\nxyz"}
        )
        self.assertTrue(said.startswith("xyz: "), said)

    def test_cards_that_another_stands_for_are_said_at_their_ids(self) -> None:
        self.sent("create/", **FORM)
        again = {**FORM, "name": "other-card"}
        said = self.wrong("create/", "product_ids", **again)
        self.assertIn("mycard already stands for such cards", said)
        self.assertIn("mycard", self.wrong("create/", "name", **FORM))

    def test_a_change_keeps_what_was_left_alone(self) -> None:
        self.sent("create/", **FORM)
        path = "mycard/update/"
        self.sent(path, **self.filled(path, memory_mib=1024, alias=""))
        before, found = FORM, self.model()
        self.assertEqual(1024, found["memory_mib"])
        self.assertEqual("mycard", found["alias"])
        self.assertEqual(before["board_slots"], found["board_slots"])
        self.sent(path, **self.filled(path, blocks=""))
        self.assertEqual([], self.model()["blocks"])

    def test_one_in_use_stays_and_says_so(self) -> None:
        path = f"{test_api.MODEL}/delete/"
        self.assertIn("8 cards are of it.", self.text(path))
        said = self.wrong(path)
        self.assertIn("in use by a flavor or a device", said)

    def test_who_is_no_operator_sees_nothing(self) -> None:
        self.assertHidden()

    def test_a_service_that_is_away_is_told(self) -> None:
        self.assertAway("The models could not be read.")
        said = self.wrong("create/", **FORM)
        self.assertIn("The GPU service does not answer.", said)
