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

from tests.browser import base

FLAVOR = "vm.gpu.browser.1"
HOST = "gpu-l40s-1"


class AdminTest(base.OrderTest):
    def test_the_queue_and_the_leases_of_all_projects(self) -> None:
        self.order("vm.gpu.l40s.4", "all-of-them")
        waiting = self.order("vm.gpu.l40s.2", "behind")
        operator = self.sign_in("operator")
        self.queue(operator)
        self.leases(operator)
        self.end(operator)
        self.assertEqual("operator", self.gpus.get_lease(waiting.id).end_cause)

    def queue(self, operator: base.Person) -> None:
        operator.go("/admin/gpu_queue/")
        row = operator.page.locator("tr", has_text="behind")
        row.wait_for()
        text = row.inner_text()
        for words in ("demo", "demo-user", "vm.gpu.l40s.2", "l40s-48gb"):
            self.assertIn(words, text)
        operator.seen("queue")
        # It follows by itself what is ordered and what ends.
        late = self.order("vm.gpu.l40s.2", "later")
        page = operator.page
        page.locator("tr", has_text="later").wait_for()
        self.gpus.delete_lease(late.id)
        page.locator("tr", has_text="later").wait_for(state="detached")

    def leases(self, operator: base.Person) -> None:
        page = operator.page
        operator.go("/admin/gpu_leases/")
        asked = page.locator(".gpu-filters")
        asked.get_by_label("Project").fill("demo")
        asked.get_by_label("Status").select_option(label="In the queue")
        page.get_by_role("button", name="Show", exact=True).click()
        page.wait_for_url("**state=queued**")
        page.locator("tr", has_text="behind").wait_for()
        self.assertEqual(0, page.locator("tr", has_text="all-of-them").count())
        operator.seen("leases-all")
        page.get_by_role("link", name="behind").click()
        page.get_by_role("heading", name="Owner").wait_for()
        operator.seen("lease-of-another")

    def end(self, operator: base.Person) -> None:
        page = operator.page
        operator.go("/admin/gpu_queue/")
        row = page.locator("tr", has_text="behind")
        row.get_by_role("link", name="End", exact=True).click()
        page.get_by_text("leaves the queue").wait_for()
        operator.seen("queue-end", ".modal form")
        page.get_by_role("button", name="End it").click()
        page.get_by_text("The order behind is cancelled.").wait_for()


class CatalogueTest(base.OrderTest):
    """What operators keep is as it was found, too."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.operator.delete_flavor, FLAVOR)
        self.person = self.sign_in("operator")
        self.page = self.person.page

    def test_a_flavor_is_made_and_deleted(self) -> None:
        self.make()
        self.delete()
        self.assertIsNone(self.operator.find_flavor(FLAVOR))

    def make(self) -> None:
        page = self.page
        self.person.go("/admin/gpu_flavors/")
        page.locator("tr", has_text="vm.gpu.a100.2").wait_for()
        self.person.seen("flavors")
        page.get_by_role("link", name="Create GPU Flavor").click()
        form = page.locator(".gpu-form")
        form.get_by_label("Name").fill(FLAVOR)
        form.get_by_label("Models").fill("voodoo-2")
        for label, value in (
            ("GPUs", "1"),
            ("vCPUs", "2"),
            ("Memory in MiB", "2048"),
            ("Local disk in GiB", "1"),
        ):
            form.get_by_label(label).fill(value)
        page.get_by_role("button", name="Create", exact=True).click()
        wrong = page.locator(".form-group.has-error")
        wrong.get_by_text("There is no model voodoo-2.").wait_for()
        self.person.seen("flavor-wrong")
        form.get_by_label("Models").fill("l40s-48gb")
        page.get_by_role("button", name="Create", exact=True).click()
        page.locator("tr", has_text=FLAVOR).wait_for()
        self.assertEqual(2048, self.operator.get_flavor(FLAVOR).ram_mib)

    def delete(self) -> None:
        page = self.page
        row = page.locator("tr", has_text=FLAVOR)
        row.get_by_role("link", name="Delete", exact=True).click()
        page.get_by_text("No lease of it waits or runs.").wait_for()
        self.person.seen("flavor-delete", ".modal form")
        page.get_by_role("button", name="Delete it").click()
        page.get_by_text(f"{FLAVOR} is deleted.").wait_for()
        self.assertEqual(0, page.locator("tr", has_text=FLAVOR).count())

    def test_models_and_pools_are_shown(self) -> None:
        self.person.go("/admin/gpu_models/")
        self.page.locator("tr", has_text="l40s-48gb").wait_for()
        self.person.seen("models")
        self.page.get_by_role("link", name="Create Model").click()
        self.page.get_by_label("PCI vendor ID").wait_for()
        self.person.seen("model-create")
        self.person.go("/admin/gpu_pools/")
        row = self.page.locator("tr", has_text="default").first
        # It always stays; the reason is no part of the label.
        delete = row.get_by_role("link", name="Delete", exact=True)
        self.assertIsNone(delete.get_attribute("href"))
        self.person.seen("pools")
        self.page.get_by_role("link", name="Create Pool").click()
        self.page.get_by_label("Admission").wait_for()
        self.person.seen("pool-create")

    def test_hosts_are_moved_to_a_pool(self) -> None:
        self.operator.create_pool(name="spare")
        self.addCleanup(self.operator.delete_pool, "spare")
        self.addCleanup(self.operator.update_host, HOST, pool="default")
        self.person.go("/admin/gpu_pools/")
        row = self.page.locator("tr", has_text="spare")
        row.get_by_role("link", name="Move Hosts Here").click()
        self.page.get_by_label(HOST).check()
        self.person.seen("pool-hosts")
        self.page.get_by_role("button", name="Move them").click()
        self.page.locator("tr", has_text="spare").wait_for()
        self.assertEqual("spare", self.operator.get_host(HOST).pool)

    def test_who_is_no_operator_has_no_such_panel(self) -> None:
        member = self.sign_in()
        member.go("/project/gpu_offers/")
        menu = member.page.locator("#sidebar-accordion, #main_content")
        self.assertNotIn("gpu_flavors", menu.first.inner_html())
