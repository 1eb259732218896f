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
"""A person in front of Horizon: real browser, real Horizon, real cloud.

The cloud is that of the cloud tests; it has to run with Horizon.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import urllib.parse
from typing import Any, ClassVar

import testtools
from playwright import sync_api

from sandbox import horizon
from tests.browser import accessible
from tests.cloud import base

#: What takes longer than this on a busy machine of two cores is broken.
PATIENCE_MS = 60_000

ROOT = pathlib.Path(__file__).resolve().parents[2]

PICTURES = ROOT / ".stestr" / "browser-pictures"

#: Those that the documents show; written there on purpose only.
DOCUMENTED = frozenset(
    {"offers", "order", "lease-active", "fleet", "device", "queue"}
)
DOCUMENTS = ROOT / "doc/source/_static/horizon"

_WRITE = "GPUBROKER_WRITE_SCREENSHOTS"

#: User -> the cookies of who has signed in once: signing in takes long.
_sessions: dict[str, Any] = {}


class BrowserTest(testtools.TestCase):
    """Somebody who only looks."""

    _playwright: ClassVar[sync_api.Playwright]
    browser: ClassVar[sync_api.Browser]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls._playwright = sync_api.sync_playwright().start()
        cls.addClassCleanup(cls._playwright.stop)
        cls.browser = cls._playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            # Chromium's sandbox refuses to run as root.
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        cls.addClassCleanup(cls.browser.close)

    def setUp(self) -> None:
        super().setUp()
        self.cloud = base.the_cloud()
        self.url = horizon.url(self.cloud.settings)

    def sign_in(self, user: str = "demo-user", **options: Any) -> Person:
        """A new browser window, signed in.

        :param options: of the browser, such as ``locale``.
        """
        person = Person(self, user, options)
        self.addCleanup(person.leave)
        if user not in _sessions:
            person.sign_in()
            _sessions[user] = person.session()
        return person


class OrderTest(BrowserTest, base.CloudTest):
    """Somebody who orders: the cloud is left as it was found."""


class Person:
    """Somebody with a browser window.

    :ivar page: what they see.
    """

    def __init__(
        self, test: BrowserTest, user: str, options: dict[str, Any]
    ) -> None:
        self._test = test
        self._user = user
        self._context = test.browser.new_context(
            viewport={"width": 1280, "height": 900},
            reduced_motion="reduce",
            storage_state=_sessions.get(user),
            **{"locale": "en", **options},
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.page = self._context.new_page()
        self.foreign: set[str] = set()
        self.broken: list[str] = []
        self.page.on("request", self._requested)
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))

    def _requested(self, request: sync_api.Request) -> None:
        host = urllib.parse.urlsplit(request.url).hostname
        if host and host != "127.0.0.1":
            self.foreign.add(host)

    def sign_in(self) -> None:
        self.page.goto(self._test.url)
        self.page.fill("#id_username", self._user)
        password = self._test.cloud.settings.passwords[self._user]
        self.page.fill("#id_password", password)
        self.page.click("#loginBtn")
        self.page.wait_for_selector("#main_content")

    def session(self) -> Any:
        return self._context.storage_state()

    def go(self, path: str) -> None:
        self.page.goto(urllib.parse.urljoin(self._test.url, path))

    def picture(self, name: str) -> None:
        """Of the page, for the documents and for who looks at a failure."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        # Horizon's head stays where one has scrolled to.
        self.page.evaluate("window.scrollTo(0, 0)")
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        if name in DOCUMENTED and os.environ.get(_WRITE):
            shutil.copy(path, DOCUMENTS)

    def seen(self, name: str, where: str = "#content_body") -> None:
        """A picture of what was seen, and nothing serious in its way.

        :param where: the part of the page that is looked at.
        """
        self.picture(name)
        self._test.assertEqual([], accessible.faults(self.page, where))

    def dress(self, sheet: str) -> None:
        """Have the pages wear another sheet instead of the theme's own."""

        def answer(route: sync_api.Route) -> None:
            found = route.fetch()
            # Of the sheets only the theme's has the parts of Bootstrap.
            text = found.text()
            route.fulfill(
                response=found, body=sheet if ".navbar" in text else text
            )

        self.page.route("**/*.css", answer)

    def leave(self) -> None:
        """Nothing was asked of another host, and no script broke."""
        if self._test.browser.is_connected():
            self._context.close()
        self._test.assertEqual(set(), self.foreign)
        self._test.assertEqual([], self.broken)
