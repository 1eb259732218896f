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
"""From the offer to the end, as somebody does who knows only Horizon."""

from __future__ import annotations

from tests.browser import base
from tests.cloud import secrets


class LeaseTest(base.OrderTest):
    def test_order_watch_extend_and_end(self) -> None:
        person = self.sign_in()
        self.order(person)
        self.watch(person)
        self.other_project_sees_nothing(person)
        self.extend(person)
        self.end(person)

    def order(self, person: base.Person) -> None:
        page = person.page
        person.go("/project/gpu_offers/")
        page.get_by_role("link", name="Order vm.gpu.a100.2").click()
        page.get_by_label("Name").fill("train-llm")
        page.get_by_label("Duration").fill("8")
        page.get_by_text("8 of what?").wait_for()
        page.get_by_label("Duration").fill("8h")
        page.get_by_text("Started now, it would end").wait_for()
        page.get_by_text("There is room for it").wait_for()
        person.seen("order")
        page.locator("details.gpu-more summary").click()
        page.get_by_label("User data").fill(secrets.USER_DATA)
        page.get_by_role("button", name="Order", exact=True).click()

    def watch(self, person: base.Person) -> None:
        """Without a reload the page comes to say that it is active."""
        page = person.page
        page.locator(".gpu-status", has_text="Starting").wait_for()
        person.picture("lease-starting")
        # Neither an answer that fails nor a hand on a button ends that.
        page.route("**/now/", lambda r: r.fulfill(status=503), times=1)
        page.locator(".gpu-late").wait_for()
        page.get_by_role("link", name="End", exact=True).focus()
        page.locator(".gpu-status", has_text="Active").wait_for()
        # Read out from a place that is there all the time.
        told = page.locator("[data-gpu-told][role=status]")
        self.assertIn("Active", told.inner_text())
        page.locator(".gpu-late").wait_for(state="hidden")
        at = page.evaluate("document.activeElement.textContent")
        self.assertEqual("End", at.strip())
        self.assertEqual(1, page.get_by_text("ssh ubuntu@10.20.0.").count())
        person.seen("lease-active")
        self.lease = self.gpus.find_lease("train-llm")
        self.assertEqual("active", self.lease.state)
        person.go("/project/gpu_leases/")
        page.locator("tr", has_text="train-llm").wait_for()
        person.seen("leases")
        person.go("/project/gpu_offers/")
        page.get_by_role(
            "img", name="Of 8 GPUs 6 are free, 2 in use"
        ).wait_for()
        person.seen("offers")

    def other_project_sees_nothing(self, person: base.Person) -> None:
        other = self.sign_in("other-user")
        other.go("/project/gpu_leases/")
        other.page.get_by_text("No items to display").first.wait_for()
        other.go(f"/project/gpu_leases/{self.lease.id}/")
        other.page.get_by_text("The lease could not be read").wait_for()
        self.assertNotIn("train-llm", other.page.inner_text("body"))

    def extend(self, person: base.Person) -> None:
        page = person.page
        person.go(f"/project/gpu_leases/{self.lease.id}/")
        page.get_by_role("link", name="Extend").click()
        page.get_by_label("How much longer").fill("2h")
        page.locator(".modal").get_by_text("It would end").wait_for()
        person.seen("extend", ".modal form")
        page.get_by_role("button", name="Extend").click()
        page.get_by_text("10 hours").wait_for()
        self.assertEqual(
            10 * 3600, self.gpus.get_lease(self.lease.id).duration
        )

    def end(self, person: base.Person) -> None:
        page = person.page
        page.get_by_role("link", name="End", exact=True).click()
        page.get_by_text("with everything on its disks").wait_for()
        person.seen("end", ".modal form")
        page.get_by_role("button", name="End it").click()
        page.locator(".gpu-status strong", has_text="Ended").wait_for()
        person.seen("lease-ended")
        self.assertEqual("ended", self.gpus.get_lease(self.lease.id).state)
        person.go("/project/gpu_leases/past/")
        page.locator("tr", has_text="train-llm").first.wait_for()
        person.seen("leases-past")
