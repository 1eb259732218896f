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
"""An operator looks at all cards, takes one out and gives it back."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from gpubroker.client import errors
from sandbox import simulated_hosts
from tests.browser import base

HOST, SICK = "gpu-l40s-1", "gpu-h100-1"
FLEET = "/admin/gpu_fleet/"
OFFERS = "/project/gpu_offers/"


class FleetTest(base.OrderTest):
    def test_a_card_is_fenced_and_given_back(self) -> None:
        self.card = self.cards(HOST)[0]
        self.addCleanup(self.lift)
        operator, member = self.sign_in("operator"), self.sign_in()
        self.sees_offers(member, "Of 4 GPUs 4 are free, 0 in use")
        self.find(operator)
        self.fence(operator)
        self.sees_offers(member, "Of 4 GPUs 3 are free, 0 in use")
        self.others_are_leased_and_sick()
        self.look(operator)
        self.unfence(operator)
        self.sees_offers(member, "Of 4 GPUs 4 are free, 0 in use")

    def lift(self) -> None:
        """Also when the test came to grief in between."""
        with contextlib.suppress(errors.NotFound):
            self.operator.unfence_device(self.card.id)

    def others_are_leased_and_sick(self) -> None:
        self.active("vm.gpu.a100.2")
        sick = self.cards(SICK)[2]
        simulated_hosts.of(self.cloud.layout, SICK).xid(sick.pci_address, 79)

        def is_sick() -> bool:
            return bool(self.operator.get_device(sick.id).health == "BAD")

        self.eventually("sick", is_sick)
        self.addCleanup(self.operator.unfence_device, sick.id, reason="health")

    def sees_offers(self, person: base.Person, words: str) -> None:
        person.go(OFFERS)
        person.page.get_by_role("img", name=words).wait_for()

    def square(self, person: base.Person, words: str) -> Any:
        """The link of the card on the map, as a screen reader has it."""
        address = re.escape(self.card.pci_address)
        name = re.compile(f"Slot {self.card.slot}, {address}, .*, {words}")
        return person.page.locator("tr", has_text=HOST).get_by_role(
            "link", name=name
        )

    def find(self, person: base.Person) -> None:
        """From the map, by what is written on the card."""
        page = person.page
        person.go(FLEET)
        self.square(person, "Free").wait_for()
        page.get_by_label("Find a card").fill("no such card")
        page.get_by_label("Find a card").press("Enter")
        page.get_by_text("There is no card").wait_for()
        page.get_by_label("Find a card").fill(self.card.serial)
        page.get_by_label("Find a card").press("Enter")
        page.locator(".gpu-status", has_text="Free").wait_for()
        self.assertIn(self.card.id, page.url)

    def fence(self, person: base.Person) -> None:
        page = person.page
        page.get_by_role("link", name="Fence", exact=True).click()
        dialog = page.locator(".modal")
        dialog.get_by_text("nobody loses it").wait_for()
        dialog.get_by_label("Why").fill("fan is loud")
        person.seen("device-fence", ".modal form")
        dialog.get_by_role("button", name="Fence", exact=True).click()
        page.locator(".gpu-status", has_text="fan is loud").wait_for()
        # The page follows by itself until Placement has it reserved.
        page.locator("dd", has_text="1 of 1").wait_for()
        page.locator("[data-gpu-moving]").wait_for(state="detached")
        # Who did it is told by name.
        page.locator("td", has_text=re.compile("^operator$")).wait_for()
        person.seen("device")
        found = self.operator.get_device(self.card.id)
        self.assertEqual(
            [("operator", "fan is loud")],
            [(one["reason"], one["detail"]) for one in found.fences],
        )
        self.assertEqual(1, self.reserved(self.card))

    def look(self, person: base.Person) -> None:
        person.go(FLEET)
        square = self.square(person, r"Fenced \(Operator: fan is loud\)")
        square.wait_for()
        for words in ("2 leased", "1 fenced", "1 sick"):
            person.page.locator(".gpu-legend", has_text=words).wait_for()
        person.seen("fleet")
        # With the keyboard alone: a stop a host, and arrows within it.
        row = person.page.locator("tr", has_text=HOST)
        self.assertEqual(1, row.locator(".gpu-card[tabindex='0']").count())
        row.locator(".gpu-card").last.focus()
        person.page.keyboard.press("Home")
        while square.evaluate("one => one !== document.activeElement"):
            person.page.keyboard.press("ArrowRight")
        self.assertEqual("0", square.get_attribute("tabindex"))
        person.page.keyboard.press("Enter")
        person.page.locator(".gpu-status", has_text="Fenced").wait_for()

    def unfence(self, person: base.Person) -> None:
        page = person.page
        page.get_by_role("link", name="Lift a fence").click()
        dialog = page.locator(".modal")
        dialog.get_by_text("Nothing else keeps it back").wait_for()
        self.assertTrue(dialog.get_by_label("Operator").is_checked())
        person.seen("device-unfence", ".modal form")
        dialog.get_by_role("button", name="Lift it").click()
        page.locator("p", has_text="It has none.").wait_for()
        page.locator(".gpu-status", has_text="Free").wait_for()

    def test_a_member_has_no_such_panel(self) -> None:
        person = self.sign_in()
        person.go(FLEET)
        text = person.page.inner_text("body")
        self.assertNotIn(HOST, text)
