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
"""The panels in other languages, and in light and dark themes.

With COMPRESS_OFFLINE Horizon 27 compiles the sheet of one theme and serves it
for all of them: the compressor's key has no theme in it. So the tests of other
themes have the browser load what Horizon's own filter makes of that theme.
"""

from __future__ import annotations

from typing import Any

from sandbox import horizon
from tests.browser import base

PAGES = {
    "offers": "/project/gpu_offers/",
    "order": "/project/gpu_leases/order/",
    "leases": "/project/gpu_leases/",
}
#: Of operators.
ADMIN = {
    "fleet": "/admin/gpu_fleet/",
    "queue": "/admin/gpu_queue/",
    "flavors": "/admin/gpu_flavors/",
    "pools": "/admin/gpu_pools/",
    "pool-hosts": "/admin/gpu_pools/default/hosts/",
}
PEOPLE = {"demo-user": PAGES, "operator": ADMIN}


class LanguageTest(base.BrowserTest):
    def test_in_brazilian_portuguese(self) -> None:
        texts = self.read("pt-BR")
        self.assertIn("Pode iniciar agora", texts["offers"])
        self.assertIn("Par de chaves", texts["order"])
        self.assertIn("Locações de GPU", texts["leases"])
        self.assertIn("placas no grupo default", texts["fleet"])

    def test_in_spanish(self) -> None:
        texts = self.read("es")
        self.assertIn("Puede empezar ya", texts["offers"])
        self.assertIn("Par de claves", texts["order"])
        self.assertIn("Arrendamientos de GPU", texts["leases"])
        self.assertIn("tarjetas en el grupo default", texts["fleet"])

    def read(self, language: str) -> dict[str, str]:
        found = {}
        for user, pages in PEOPLE.items():
            person = self.sign_in(user, locale=language)
            for name, path in pages.items():
                person.go(path)
                person.picture(f"{name}-{language}")
                found[name] = person.page.inner_text("#content_body")
        return found


class ThemeTest(base.BrowserTest):
    def test_in_a_dark_theme(self) -> None:
        self.assertLess(self.look("dark"), 128)

    def test_in_the_theme_material(self) -> None:
        self.assertGreater(self.look("material"), 128)

    def look(self, theme: str) -> float:
        """How light it is behind the text of the pages."""
        sheet = horizon.sheet(self.cloud.settings, theme)
        for user, pages in PEOPLE.items():
            person = self.sign_in(user)
            person.dress(sheet)
            for name, path in pages.items():
                person.go(path)
                person.seen(f"{name}-{theme}")
        parts: list[Any] = person.page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"
        )
        return sum(float(part) for part in parts[:3]) / 3
