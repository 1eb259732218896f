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
"""Orders that do not simply start."""

from __future__ import annotations

from tests.browser import base


class OrderTest(base.OrderTest):
    def test_one_that_has_to_wait_says_its_place_and_why(self) -> None:
        self.order("vm.gpu.l40s.4", "all-of-them")
        person = self.sign_in()
        page = person.page
        person.go("/project/gpu_leases/order/?flavor=vm.gpu.l40s.2")
        page.get_by_text("There is no room for it now").wait_for()
        page.get_by_label("Name").fill("behind")
        person.seen("order-waits")
        page.get_by_label("Name").press("Enter")
        status = page.locator(".gpu-status", has_text="Next in the queue")
        status.get_by_text("Waits for 2 x l40s-48gb").wait_for()
        person.seen("lease-queued")
        person.go("/project/gpu_leases/")
        row = page.locator("tr", has_text="behind")
        self.assertIn("Next in the queue", row.inner_text())
        row.get_by_role("link", name="End", exact=True).click()
        page.get_by_text("leaves the queue").wait_for()
        page.get_by_role("button", name="End it").click()
        page.locator(".gpu-status strong", has_text="Ended").wait_for()

    def test_one_that_failed_says_why_and_what_to_try(self) -> None:
        self.cloud.set_quota("demo", instances=0)
        lease = self.order("vm.gpu.l40s.1", "over-quota")
        self.wait(lease, "failed")
        person = self.sign_in()
        person.go(f"/project/gpu_leases/{lease.id}/")
        status = person.page.locator(".gpu-status")
        self.assertIn("uota", status.inner_text())
        self.assertIn("ask the operators for more quota", status.inner_text())
        person.seen("lease-failed")

    def test_one_that_is_wrong_is_told_beside_the_field(self) -> None:
        person = self.sign_in()
        page = person.page
        person.go("/project/gpu_leases/order/")
        page.get_by_label("Duration").fill("tomorrow")
        page.get_by_text("This is no duration.").wait_for()
        page.get_by_label("Name").fill("x")
        page.get_by_role("button", name="Order", exact=True).click()
        wrong = page.locator(".form-group.has-error")
        wrong.wait_for()
        self.assertIn("This is no duration.", wrong.inner_text())
        person.seen("order-wrong")
        self.assertIsNone(self.gpus.find_lease("x"))
