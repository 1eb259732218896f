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

import re
from typing import Any

from gpubroker.domain import hosts
from tests.fixtures import api as test_api
from tests.functional.dashboard import catalogue

_CHOICES = re.compile(r'name="hosts" value="([^"]+)"')

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
        self.assertIn("Delete: hosts that are found go there", text)

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
        self.assertIn("research", self.text())
        self.sent("research/delete/")
        self.assertNotIn("research", self.text())
        answer = self.api.call("GET", "/v1/pools/research", who=test_api.ADMIN)
        self.assertEqual(404, answer.status_int)

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
        self.assertEqual(["gpu-1"], self.shown("research/hosts/"))
        said = self.sent("research/hosts/", hosts=["gpu-1"])
        self.assertEqual(
            (1, 0), (self.pool()["hosts"], self.pool("default")["hosts"])
        )
        self.assertIn("Delete: hosts are in it", said)
        said = self.wrong("research/delete/")
        self.assertIn("move them to another pool first", said)

    def test_a_host_of_which_a_lease_holds_a_card_stays(self) -> None:
        self.sent("create/", **FORM)
        self.add_hosts("free")
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        said = self.wrong(
            "research/hosts/", hosts=["free", "gpu-1"], names="gone"
        )
        self.assertNotIn("free", said)
        for words in ("gpu-1: ", "gone: "):
            self.assertIn(words, said)
        self.assertEqual(1, self.pool()["hosts"])

    def test_what_stays_is_still_chosen(self) -> None:
        self.sent("create/", **FORM)
        self.add_hosts("free", "other")
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        answer = self.send(
            "research/hosts/", hosts=["free", "gpu-1"], names="gone\nother"
        )
        page = answer.content.decode()
        self.assertIn("2 hosts are moved to research.", page)
        self.assertEqual(["gpu-1"], _CHOICES.findall(page))
        self.assertRegex(page, r'value="gpu-1" checked')
        self.assertRegex(page, r"<textarea[^>]*>\s*gone</textarea>")

    def test_a_session_that_ends_meanwhile_is_no_fault(self) -> None:
        self.sent("create/", **FORM)
        self.add_hosts("free", "other")
        api = self.api.application

        def application(environ: Any, start_response: Any) -> Any:
            if environ["PATH_INFO"].endswith("/hosts/other"):
                start_response("401 Unauthorized", [])
                return [b""]
            return api(environ, start_response)

        self.api.application = application
        answer = self.send("research/hosts/", hosts=["free", "other"])
        self.assertEqual(403, answer.status_code)
        said = answer.content.decode()
        self.assertIn("1 host is moved to research.", said)

    def test_nothing_chosen_is_told_there(self) -> None:
        self.sent("create/", **FORM)
        self.wrong("research/hosts/", "hosts")
        self.wrong("research/hosts/", "names", names="a b")

    def test_many_hosts_come_by_pages_and_by_parts_of_their_name(self) -> None:
        self.sent("create/", **FORM)
        self.add_hosts(*(f"rack{n // 100}-{n:03}" for n in range(250)))
        path = "research/hosts/"
        self.assertEqual(200, len(self.shown(path)))
        text = self.text(path)
        self.assertIn("Hosts after rack1-198", text)
        rest = self.shown(f"{path}?pool=default&after=rack1-198")
        self.assertEqual(51, len(rest))
        found = self.shown(f"{path}?name=rack2-")
        self.assertEqual([f"rack2-{n}" for n in range(200, 250)], found)
        text = self.text(f"{path}?name=rack")
        self.assertIn("name=rack&amp;after=rack1-199", text)
        self.assertIn(
            "rack2-200", self.shown(f"{path}?name=rack&after=rack1-199")
        )
        self.assertEqual([], self.shown(f"{path}?name=nowhere"))
        self.sent(path, names="\n".join(found))
        self.assertEqual(50, self.pool()["hosts"])

    def shown(self, path: str) -> list[str]:
        """The hosts that there are to choose from."""
        return _CHOICES.findall(self.text(path))

    def add_hosts(self, *names: str) -> None:
        with self.world.store.write() as tx:
            for name in names:
                tx.hosts.add(
                    hosts.Host(
                        name=name, hypervisor_hostname=name, pool="default"
                    )
                )

    def test_one_with_leases_stays_and_says_so(self) -> None:
        self.sent("create/", **FORM)
        self.sent("research/hosts/", hosts=["gpu-1"])
        self.world.order("train", pool="research")
        self.sent("default/hosts/", hosts=["gpu-1"])
        path = "research/delete/"
        self.assertIn("1 lease of it waits or runs.", self.text(path))
        self.assertIn("leases that have not ended", self.wrong(path))

    def test_who_is_no_operator_sees_nothing(self) -> None:
        self.assertHidden()

    def test_a_service_that_is_away_is_told(self) -> None:
        self.assertAway("The pools could not be read.")
        said = self.wrong("create/", **FORM)
        self.assertIn("The GPU service does not answer.", said)
