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
"""The lists and pages of leases."""

from __future__ import annotations

import html
import re

from tests.fixtures import api as test_api
from tests.functional.dashboard import base

INDEX = "/project/gpu_leases/"


class ListTest(base.TestCase):
    def names(self, text: str) -> list[str]:
        return re.findall(r'data-display="([^"]+)"', text)

    def test_many_come_by_pages_the_newest_first(self) -> None:
        for number in range(12):
            self.world.clock.advance(1)
            self.world.order(f"lease-{number:02}")
        client = self.sign_in()
        pages, url = [], INDEX
        while url:
            text = self.read(client, url)
            pages.append(self.names(text))
            found = re.search(r'href="(\?lease_marker=[^"]+)"', text)
            url = INDEX + found[1] if found else ""
        self.assertEqual([5, 5, 2], [len(page) for page in pages])
        self.assertEqual(
            [f"lease-{number:02}" for number in range(11, -1, -1)],
            [name for page in pages for name in page],
        )
        back = re.search(r'href="(\?prev_lease_marker=[^"]+)"', text)
        assert back is not None
        before = self.read(client, INDEX + back[1])
        self.assertEqual(pages[1], self.names(before))

    def test_a_row_is_asked_for_anew(self) -> None:
        lease = self.world.order("train")
        client = self.sign_in()
        url = f"{INDEX}?action=row_update&table=leases&obj_id={lease.id}"
        ajax = {"headers": {"x-requested-with": "XMLHttpRequest"}}
        before = self.read(client, url, **ajax)
        self.assertIn("In the queue", before)
        self.assertIn("warning", before)
        self.world.settle(lease.id, "active")
        after = self.read(client, url, **ajax)
        self.assertIn("Active", after)
        self.assertNotIn("warning", after)

    def test_past_ones_have_a_list_of_their_own(self) -> None:
        lease = self.world.order("train")
        self.api.call("DELETE", f"/v1/leases/{lease.id}")
        self.world.settle(lease.id, "ended")
        client = self.sign_in()
        self.assertEqual([], self.names(self.read(client, INDEX)))
        past = self.read(client, f"{INDEX}past/")
        self.assertEqual(["train"], self.names(past))
        self.assertIn("Somebody of the project ended it.", past)


class RightsTest(base.TestCase):
    def text(self, who: test_api.Persona, path: str = INDEX) -> str:
        return self.read(self.sign_in(who), path)

    def test_a_reader_is_told_why_nothing_can_be_ordered(self) -> None:
        words = "your role does not allow it"
        order = f'href="{INDEX}order/"'
        text = self.text(test_api.READER)
        self.assertIn(words, text)
        self.assertNotIn(order, text)
        self.assertIn(words, self.text(test_api.READER, f"{INDEX}order/"))
        # Asked for after the reader: nothing of theirs may be left.
        text = self.text(test_api.MEMBER)
        self.assertNotIn(words, text)
        self.assertIn(order, text)
        self.assertNotIn(words, self.text(test_api.MEMBER, f"{INDEX}order/"))

    def test_a_colleague_is_told_who_may_end_it(self) -> None:
        self.world.order("train", duration=3600)
        words = "only who ordered it, or a manager of the project, may"
        self.assertIn(f"Extend, End: {words}", self.text(test_api.COLLEAGUE))
        self.assertNotIn(words, self.text(test_api.MEMBER))
        self.assertNotIn(words, self.text(test_api.MANAGER))

    def test_no_panel_where_the_catalogue_has_no_broker(self) -> None:
        for panel in (INDEX, "/project/gpu_offers/"):
            self.assertPanel(False, self.sign_in(broker=""), panel)
            self.assertPanel(True, self.sign_in(), panel)

    def test_a_name_is_no_template(self) -> None:
        for name in ("{% x", "{{ request.user.token.id }}", "<b>"):
            lease = self.world.order(name)
            text = self.text(test_api.MEMBER, f"{INDEX}{lease.id}/")
            self.assertIn(f"<h1>{html.escape(name)}</h1>", text)

    def test_another_project_does_not_find_it(self) -> None:
        lease = self.world.order("train")
        client = self.sign_in(test_api.OTHER_MEMBER)
        answer = client.get(f"{INDEX}{lease.id}/")
        self.assertEqual(
            (302, INDEX), (answer.status_code, answer["location"])
        )

    def test_a_token_that_is_over_is_not_authorized(self) -> None:
        gone = test_api.Persona("gone", "demo", "member")
        self.assertEqual(403, self.sign_in(gone).get(INDEX).status_code)


class WordsTest(base.TestCase):
    def check(self, **form: str) -> dict[str, object]:
        answer = self.sign_in().post(f"{INDEX}order/check/", form)
        found: dict[str, object] = answer.json()
        return found

    def test_a_field_is_judged_while_one_types(self) -> None:
        error = self.check(field="duration", duration="8")["error"]
        self.assertIn("8 of what?", str(error))
        self.assertIn("error", self.check(field="name", name=" x"))
        self.assertIn("error", self.check(field="name", name="\U0001f600"))
        self.assertIn(
            "error", self.check(field="user_data", user_data="x" * 50_000)
        )
        self.assertEqual({"notes": []}, self.check(field="name", name="x"))

    def test_whether_there_is_room_is_said_beforehand(self) -> None:
        lease = self.world.order("train")
        self.world.settle(lease.id, "active")
        flavor = lease.flavor
        self.assertEqual(
            {"notes": ["There is room for it: it starts at once."]},
            self.check(field="flavor", flavor=flavor, nodes="1"),
        )
        notes = self.check(field="flavor", flavor=flavor, nodes="64")["notes"]
        self.assertIn("There is no room for it now", str(notes))

    def test_times_are_in_the_zone_of_who_reads(self) -> None:
        lease = self.world.order("train", duration=3600)
        self.world.settle(lease.id, "active")
        client = self.sign_in()
        url = f"{INDEX}{lease.id}/"
        self.assertIn(" UTC", self.read(client, url))
        client.cookies["django_timezone"] = "America/Sao_Paulo"
        text = self.read(client, url)
        self.assertIn(" -03", text)
        self.assertNotIn(" UTC", text)
