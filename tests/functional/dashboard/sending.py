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
"""Forms as a browser fills them in and sends them.

What Horizon's own modules say of Glance, Neutron and Nova is given here;
everything else is real.
"""

from __future__ import annotations

import re
import types
from typing import Any

import bs4
import fixtures
from webtest import forms as webtest_forms

from gpubroker.domain import leases
from tests.fixtures import cloud
from tests.functional.dashboard import base
from tests.functional.dashboard import catalogue

INDEX = "/project/gpu_leases/"
_MODULES = "openstack_dashboard.api"
NETWORK = "7d2f1c60-0000-4000-8000-000000000001"
GROUP = "7d2f1c60-0000-4000-8000-000000000002"


class SendingTest(base.TestCase):
    """:ivar images: what Glance has, by id.
    :ivar keys: what Nova has.
    """

    def setUp(self) -> None:
        super().setUp()
        self.images = {cloud.IMAGE: "ubuntu"}
        self.keys = [cloud.KEY]
        for name, listed in (
            ("glance.image_list_detailed", self._images),
            ("neutron.network_list_for_tenant", _one(NETWORK, "private")),
            ("neutron.security_group_list", _one(GROUP, "ssh")),
            ("nova.keypair_list", self._keys),
        ):
            self.useFixture(fixtures.MonkeyPatch(f"{_MODULES}.{name}", listed))
        self.client = self.sign_in()

    def _images(self, _request: Any, **_options: Any) -> Any:
        found = [
            types.SimpleNamespace(id=one, name=name)
            for one, name in self.images.items()
        ]
        return found, False, False

    def _keys(self, _request: Any) -> Any:
        return [types.SimpleNamespace(name=name) for name in self.keys]

    def form(self, url: str, client: Any = None) -> Any:
        """That of a page, as it is before anybody touches it."""
        return self.form_of((client or self.client).get(url))

    def form_of(self, answer: Any) -> Any:
        """Those of Horizon's frame change the language and such."""
        self.assertEqual(200, answer.status_code)
        (found,) = soup(answer).find_all(
            "form", method=re.compile("post", re.I)
        )
        page = types.SimpleNamespace(html=soup(answer))
        return webtest_forms.Form(page, str(found))

    def send(self, form: Any, client: Any = None) -> Any:
        """Whatever comes back; everything that the form has is sent."""
        sent: dict[str, list[str]] = {}
        for name, value in form.submit_fields():
            sent.setdefault(name, []).append(value)
        return (client or self.client).post(form.action, sent)

    def wrong(self, answer: Any) -> dict[str, str]:
        """Field -> what is said beside it; "" for what is said above."""
        self.assertEqual(200, answer.status_code)
        return catalogue.said(soup(answer))

    def leases(self) -> list[leases.Lease]:
        """Every one that is not over."""
        return self.world.open()


def soup(answer: Any) -> Any:
    """A page without Horizon's frame."""
    text = answer.content.decode()
    _before, _found, text = text.partition('<div id="content_body">')
    body, _found, _rest = text.partition('<div id="footer">')
    return bs4.BeautifulSoup(body, "html.parser")


def _one(identity: str, name: str) -> Any:
    return lambda _request, *_more: [
        types.SimpleNamespace(id=identity, name_or_id=name)
    ]
