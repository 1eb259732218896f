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

import urllib.parse
from typing import Any

from django import forms
from django.urls import reverse
from django.utils import functional
from django.utils.translation import gettext_lazy as _
from horizon import tables as horizon_tables

from gpubroker.dashboard.content import followed
from gpubroker.dashboard.content.admin.leases import ending
from gpubroker.dashboard.content.admin.leases import owned
from gpubroker.dashboard.content.admin.pools import listed
from gpubroker.dashboard.content.admin.queue import tables
from gpubroker.dashboard.content.leases import choices
from gpubroker.dashboard.content.leases import pages
from gpubroker.dashboard.words import labels


class Chosen(forms.Form):
    """Whose queue is shown."""

    pool = forms.ChoiceField(label=labels.POOL)

    def __init__(self, request: Any) -> None:
        found = choices.pools(request)
        names = [name for name, _words in found]
        if listed.DEFAULT in names:
            names = [listed.DEFAULT]
        first = names[0] if names else ""
        super().__init__({"pool": request.GET.get("pool") or first})
        self.fields["pool"].choices = found

    @property
    def possible(self) -> bool:
        """Whether there is a pool to choose; a message says why not."""
        return bool(self.fields["pool"].choices)


class _Queue(pages.Paged, horizon_tables.DataTableView):
    """In the order of the places; who has none is where it would be."""

    table_class = tables.Queue
    newest_first = False


class Index(_Queue):
    template_name = "gpubroker/list.html"
    page_title = _("GPU Queue")

    @functional.cached_property
    def chosen(self) -> Chosen:
        return Chosen(self.request)

    def get_data(self) -> list[owned.Owned]:
        if not self.chosen.is_valid():
            return []
        pool = self.chosen.cleaned_data["pool"]
        found = self.page(all_projects=True, state="queued", pool=pool)
        return owned.owned(self.request, found)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {
            **context,
            "filters": self.chosen.possible and self.chosen,
            "live_url": self._live_url(),
        }

    def _live_url(self) -> str:
        """Of this page of this queue; empty where there is none."""
        if not self.chosen.is_valid():
            return ""
        asked = self.request.GET.copy()
        asked["pool"] = self.chosen.cleaned_data["pool"]
        return f"{reverse(f'{tables.PANEL}:now')}?{asked.urlencode()}"


class Now(followed.Followed, _Queue):
    """The list as it is now, for a script to put in place: an order that
    leaves the queue moves all that are behind it."""

    template_name = "gpubroker/_live_table.html"

    def get_data(self) -> list[owned.Owned]:
        pool = self.request.GET.get("pool", "")
        found = self.ask(all_projects=True, state="queued", pool=pool)
        return owned.owned(self.request, found)


class End(ending.End):
    panel = tables.PANEL

    def get_success_url(self) -> str:
        asked = urllib.parse.urlencode({"pool": self.lease.pool})
        return f"{reverse(f'{self.panel}:index')}?{asked}"
