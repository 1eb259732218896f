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

"""Leases by pages, as the service has them."""

from __future__ import annotations

import urllib.parse
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon import tables
from horizon.utils import functions

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard.content import zoned


class Paged(tables.PagedTableMixin, zoned.Zoned):
    """A view with a list of leases.

    :cvar newest_first: whether it begins with the newest order.
    """

    newest_first = True
    request: Any

    def page(self, **filters: Any) -> list[lease_sdk.Lease]:
        """The page that was asked for; empty, with a message, where the
        service can not tell."""
        try:
            return self.ask(**filters)
        except Exception:
            exceptions.handle(self.request, _("The leases could not be read."))
            return []

    def ask(self, **filters: Any) -> list[lease_sdk.Lease]:
        """The page that was asked for.

        :raises BrokerError: where the service can not tell.
        """
        marker, direction = self._get_marker()
        # What Horizon calls its directions, whatever the order is.
        forth = direction == "desc"
        found = api.leases(
            self.request,
            functions.get_page_size(self.request),
            marker=marker,
            newest_first=self.newest_first is forth,
            **filters,
        )
        self._has_more_data = found.more if forth else True
        self._has_prev_data = bool(marker) if forth else found.more
        return found.leases if forth else found.leases[::-1]


class Filtered(tables.DataTable):
    """A list whose links to other pages keep what was asked for.

    :cvar filters: the names of the fields that are kept.
    """

    filters: ClassVar[tuple[str, ...]] = ()

    def get_pagination_string(self) -> str:
        return self._kept(super().get_pagination_string())

    def get_prev_pagination_string(self) -> str:
        return self._kept(super().get_prev_pagination_string())

    def _kept(self, link: str) -> str:
        asked = self.request.GET
        kept = {name: asked[name] for name in self.filters if asked.get(name)}
        return "&".join(filter(None, (link, urllib.parse.urlencode(kept))))
