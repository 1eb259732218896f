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
"""What axe-core finds wrong with the part of a page that is ours.

Horizon's own frame (its menu, its head without a language) is not, nor are the
colours of its links, buttons and table heads: those of its default theme have
less contrast than WCAG wants, wherever they stand.
"""

from __future__ import annotations

import re
from typing import Any

from axe_playwright_python import sync_playwright as axe
from playwright import sync_api

#: What is worse than a nuisance.
_SERIOUS = ("serious", "critical")

#: What takes its colours from the theme alone.
_THEMED = re.compile(
    r"<(a|input|button)\b|<[^>]*class=\"[^\"]*\b(btn|breadcrumb)"
)


def faults(page: sync_api.Page, where: str = "#content_body") -> list[str]:
    """One line for each serious violation of WCAG 2.2 A or AA."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = axe.Axe().run(
        page,
        context=where,
        options={"runOnly": {"type": "tag", "values": tags}},
    )
    return [
        f"{one['impact']} {one['id']}: {one['help']}: {node['html'][:200]}"
        for one in found.response["violations"]
        if one["impact"] in _SERIOUS
        for node in one["nodes"]
        if one["id"] != "color-contrast" or not _THEMED.match(node["html"])
    ] + [
        f"of the colour of what is behind it: {node['html'][:200]}"
        for one in found.response["incomplete"]
        for node in one["nodes"]
        if any(map(_unseen, node["any"]))
    ]


def _unseen(check: dict[str, Any]) -> bool:
    """axe holds that for a means of hiding something, and asks."""
    data = check.get("data")
    return isinstance(data, dict) and data.get("messageKey") == "equalRatio"
