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

"""What the tests of the panels of what operators keep have in common."""

from __future__ import annotations

from typing import Any

import webtest

from tests.fixtures import api as test_api
from tests.functional.dashboard import base

#: A broker that nobody answers for.
AWAY = "http://127.0.0.1:9"


class CatalogueTest(base.TestCase):
    """:cvar index: the panel's list."""

    index: str

    def setUp(self) -> None:
        super().setUp()
        self.client = self.sign_in(test_api.ADMIN)

    def text(self, path: str = "") -> str:
        return self.read(self.client, self.index + path)

    def send(self, path: str, **form: Any) -> Any:
        """Fill in a form and send it."""
        return self.client.post(self.index + path, form)

    def filled(self, path: str, **changed: Any) -> dict[str, Any]:
        """The form of a page as it is shown, with other values."""
        page = _page(self.client.get(self.index + path))
        [form] = [
            form for form in page.forms.values() if "gpu-form" in form.text
        ]
        return {**dict(form.submit_fields()), **changed}

    def wrong(self, path: str, field: str = "", **form: Any) -> str:
        """What is said beside a field of a form that is not taken.

        :param field: none: what is said of the form as a whole.
        """
        answer = self.send(path, **form)
        self.assertEqual(200, answer.status_code)
        found = said(_page(answer).html)
        self.assertEqual([field], list(found))
        return found[field]

    def sent(self, path: str, **form: Any) -> str:
        """The page that one comes to when a form was taken."""
        answer = self.send(path, **form)
        if answer.status_code != 302:
            self.fail(f"{said(_page(answer).html)}")
        return self.read(self.client, answer["location"])

    def messages(self) -> str:
        """What Horizon says at the top of the next page."""
        return str(self.client.get(self.index).content.decode())

    def assertHidden(self) -> None:
        """Who is no operator has neither the page nor a way to it."""
        for who in (test_api.MEMBER, test_api.MANAGER, test_api.NOBODY):
            self.assertPanel(False, self.sign_in(who), self.index)
        self.assertPanel(False, self.sign_in(test_api.ADMIN, ""), self.index)
        self.assertPanel(True, self.client, self.index)

    def assertAway(self, words: str) -> None:
        """:param words: what the list says when the service is away."""
        self.client = self.sign_in(test_api.ADMIN, AWAY)
        answer = self.client.get(self.index)
        self.assertEqual(200, answer.status_code)
        self.assertIn(words, answer.content.decode())


def _page(answer: Any) -> webtest.TestResponse:
    """A page to look for things in."""
    return webtest.TestResponse(
        answer.content, content_type="text/html", charset="utf-8"
    )


def said(html: Any) -> dict[str, str]:
    """What a page with a form says is wrong: field -> words."""
    found = {}
    for group in html.select(".form-group.has-error"):
        control = group.select_one("[name]")
        words = [one.text for one in group.select(".gpu-error")]
        found[control["name"]] = " ".join(words)
    if whole := html.select("form .alert-danger"):
        found[""] = " ".join(one.text for one in whole)
    return found
