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

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.functional.dashboard import catalogue


class AllLeasesTest(catalogue.CatalogueTest):
    index = "/admin/gpu_leases/"

    @staticmethod
    def names(text: str) -> list[str]:
        return re.findall(r'data-display="([^"]+)"', text)

    def found(self, query: str = "") -> list[str]:
        return self.names(self.text(f"?{query}"))

    def test_many_come_by_pages_of_what_was_asked_for(self) -> None:
        for number in range(12):
            self.world.clock.advance(1)
            whose = {} if number % 2 else {"project": "other", "user": "olga"}
            self.world.order(f"lease-{number:02}", **whose)
        pages, query = [], "project=DEMO&state=queued"
        while query:
            text = self.text(f"?{query}")
            pages.append(self.names(text))
            found = re.search(r'href="\?(lease_marker=[^"]+)"', text)
            query = found[1].replace("&amp;", "&") if found else ""
        self.assertEqual(
            [f"lease-{number:02}" for number in range(11, 0, -2)],
            [name for page in pages for name in page],
        )
        self.assertEqual([5, 1], [len(page) for page in pages])
        back = re.search(r'href="\?(prev_lease_marker=[^"]+)"', text)
        assert back is not None
        query = back[1].replace("&amp;", "&")
        self.assertEqual(pages[0], self.found(query))

    def test_is_narrowed_by_state_project_and_pool(self) -> None:
        over = self.world.order("over")
        self.api.call("DELETE", f"/v1/leases/{over.id}")
        self.world.settle(over.id, "ended")
        self.world.order("theirs", project="other", user="olga")
        self.world.order("mine")
        for query, names in (
            ("", ["mine", "theirs"]),
            ("state=all", ["mine", "theirs", "over"]),
            ("state=ended", ["over"]),
            ("state=active", []),
            ("project=other", ["theirs"]),
            ("project=DEMO&state=all", ["mine", "over"]),
            ("pool=default&project=OTHER", ["theirs"]),
        ):
            self.assertEqual(names, self.found(query), query)
        for query in ("state=gone", "pool=nowhere", "project=nobody"):
            text = self.text(f"?{query}")
            self.assertEqual([], self.names(text), query)
            self.assertIn("has-error", text)

    def test_says_whose_a_lease_is_and_where(self) -> None:
        lease = self.world.order("train", duration=3600)
        self.world.settle(lease.id, "active")
        text = " ".join(self.text().split())
        for words in ("> DEMO <", "> ALICE <", "> gpu-1 <", "> Active <"):
            self.assertIn(words, text)
        page = " ".join(self.text(f"{lease.id}/").split())
        node = self.world.get(lease.id).nodes[0]
        for words in ("DEMO (demo)", "gpu-1", node.server_id or "", "slot 0"):
            self.assertIn(words, page)
        self.assertIn("<code>0000:", page)
        self.assertIn("by alice", page)
        for path, whole in (
            (f"{lease.id}/", True),
            (f"{lease.id}/now/", False),
        ):
            answer = self.client.get(self.index + path).content.decode()
            self.assertIn("Owner", answer)
            self.assertEqual(whole, "<html" in answer, path)

    def test_a_row_is_asked_for_anew(self) -> None:
        lease = self.world.order("train")
        url = f"?action=row_update&table=leases&obj_id={lease.id}"
        # What Horizon calls a row that it asks for again.
        for words in ("In the queue", "ajax-update warning"):
            self.assertIn(words, self.row(url))
        self.world.settle(lease.id, "active")
        row = self.row(url)
        for words in ("Active", "ALICE", "DEMO", "gpu-1"):
            self.assertIn(words, row)
        self.assertNotIn("warning", row)

    def row(self, url: str) -> str:
        ajax = {"headers": {"x-requested-with": "XMLHttpRequest"}}
        return self.read(self.client, self.index + url, **ajax)

    def test_a_name_is_no_template(self) -> None:
        for name in ("{% x", "{{ request.user.token.id }}", "<b>"):
            lease = self.world.order(name)
            title = f"<h1>{html.escape(name)}</h1>"
            self.assertIn(title, self.text(f"{lease.id}/"))
            self.assertEqual(
                200,
                self.client.get(f"{self.index}{lease.id}/end/").status_code,
            )

    def test_an_operator_ends_one_of_anybody(self) -> None:
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        path = f"{lease.id}/end/"
        text = self.text(path)
        self.assertIn("It is a lease of ALICE in the project DEMO", text)
        self.assertIn("with everything on its disks", text)
        self.assertIn("Ending", self.sent(path))
        self.assertIn("End: it is ending already", self.text())
        self.world.settle(lease.id, "ended")
        self.assertIn("End", self.text("?state=all"))
        self.assertIn("can not be ended: it is over", self.text(path))

    def test_one_that_is_gone_leads_back_to_the_list(self) -> None:
        path = "11111111-2222-3333-4444-555555555555/"
        answer = self.client.get(self.index + path)
        self.assertEqual(
            (302, self.index), (answer.status_code, answer["location"])
        )
        self.assertIn("There is no lease", self.messages())

    def test_names_that_keystone_does_not_tell_are_no_hindrance(self) -> None:
        self.world.order("train")
        self.keystone = _silent(self.keystone)
        text = " ".join(self.text().split())
        self.assertIn("> demo <", text)
        self.assertIn("> alice <", text)
        self.assertEqual(["train"], self.found("project=demo"))

    def test_names_are_not_asked_for_again_and_again(self) -> None:
        self.world.order("train")
        names = {"/v3/projects", "/v3/users/alice"}
        for asked in (names, set()):
            self.asked_keystone.clear()
            self.assertIn("> ALICE <", " ".join(self.text().split()))
            self.assertEqual(asked, names & set(self.asked_keystone))

    def test_who_is_no_operator_sees_nothing(self) -> None:
        self.world.order("train")
        self.assertHidden()

    def test_a_service_that_is_away_is_told(self) -> None:
        self.assertAway("The leases could not be read.")

    def test_times_are_in_the_zone_of_who_reads(self) -> None:
        lease = self.world.order("train", duration=3600)
        self.world.settle(lease.id, "active")
        for zone, here, there in (
            ("UTC", " UTC", " -03"),
            ("America/Sao_Paulo", " -03", " UTC"),
        ):
            self.client.cookies["django_timezone"] = zone
            for path in ("", f"{lease.id}/"):
                text = self.text(path)
                self.assertIn(here, text, path)
                self.assertNotIn(there, text, path)


def _silent(keystone: Callable[..., Any]) -> Callable[..., Any]:
    """A Keystone that lets an operator of GPUs ask for nobody's name."""

    def answer(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        asked = re.fullmatch(
            "/v3/(projects|users/[a-z]+)", environ["PATH_INFO"]
        )
        if not asked:
            return keystone(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "application/json")])
        return [b'{"error": {"message": "Forbidden", "code": 403}}']

    return answer
