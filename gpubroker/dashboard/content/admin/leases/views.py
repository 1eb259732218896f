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

from typing import Any

from django.urls import reverse
from django.utils import functional
from django.utils.translation import gettext_lazy as _
from horizon import tables as horizon_tables
from horizon import views

from gpubroker.dashboard.content import followed
from gpubroker.dashboard.content.admin import people
from gpubroker.dashboard.content.admin.leases import ending
from gpubroker.dashboard.content.admin.leases import filters
from gpubroker.dashboard.content.admin.leases import owned
from gpubroker.dashboard.content.admin.leases import tables
from gpubroker.dashboard.content.leases import chosen
from gpubroker.dashboard.content.leases import described
from gpubroker.dashboard.content.leases import pages
from gpubroker.dashboard.content.leases import rules


class Index(pages.Paged, horizon_tables.DataTableView):
    table_class = tables.Leases
    template_name = "gpubroker/list.html"
    page_title = _("GPU Leases of All Projects")

    @functional.cached_property
    def filters(self) -> filters.Filters:
        return filters.Filters(self.request)

    def get_data(self) -> list[owned.Owned]:
        if not self.filters.is_valid():
            return []
        found = self.page(all_projects=True, **self.filters.asked())
        return owned.owned(self.request, found, self.filters.projects)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "filters": self.filters}


class _Lease(chosen.OfOneLease, views.HorizonTemplateView):
    panel = tables.PANEL

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        request, lease = self.request, self.lease
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {
            **context,
            **described.described(lease),
            "whose": owned.owned(request, [lease])[0],
            "why_not_end": rules.why_not_end(request, lease),
            **self._history(),
            "page_url": reverse(f"{self.panel}:detail", args=[lease.id]),
            "by_whom": True,
        }

    def _history(self) -> dict[str, Any]:
        """With the names of who did what."""
        found = described.history(self.request, self.lease)
        events = found["events"]
        names = people.actors(self.request, (one["by"] for one in events))
        named = [{**e, "by": names.get(e["by"], e["by"])} for e in events]
        return {**found, "events": named}


class Detail(_Lease):
    template_name = "admin/gpu_leases/detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # Not as an attribute: Horizon takes that for a template, and people
        # name their leases as they like.
        return {**context, "page_title": self.lease.name}


class Now(followed.Followed, _Lease):
    """What of the page may have changed, for a script to put in place."""

    template_name = "admin/gpu_leases/_now.html"


class End(ending.End):
    panel = tables.PANEL
