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


"""Keyset paging: from a query to a page, and to the link to the next."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from gpubroker.services import paging

_PAGING = frozenset({"limit", "marker", "sort_key", "sort_dir"})


def page(
    query: Mapping[str, Any], max_limit: int, fixed: Mapping[str, Any]
) -> paging.Page:
    """The page that a checked query asks for.

    ``limit`` is cut to the service's own limit; a list never grows without
    an end.

    :param fixed: filters that the handler sets, or unsets with None.
    """
    filters: dict[str, Any] = {}
    for name, value in query.items():
        if name not in _PAGING:
            filters[name] = tuple(value) if isinstance(value, list) else value
    filters.update(fixed)
    filters = {name: v for name, v in filters.items() if v is not None}
    return paging.Page(
        filters=filters,
        sort_key=query.get("sort_key"),
        sort_dir=query.get("sort_dir", "asc"),
        marker=query.get("marker"),
        limit=min(query.get("limit", max_limit), max_limit),
    )


def next_link(
    url: str, query: Mapping[str, Any], marker: str
) -> dict[str, str]:
    """The link to the page after ``marker``; all else stays as asked."""
    again = {**query, "marker": marker}
    pairs = [(name, _text(value)) for name, value in again.items()]
    return {"rel": "next", "href": f"{url}?{urllib.parse.urlencode(pairs)}"}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return str(value)
