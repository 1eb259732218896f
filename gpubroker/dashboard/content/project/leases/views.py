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

from django.utils.translation import gettext_lazy as _
from horizon import tables

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard.content import access
from gpubroker.dashboard.content.leases import pages
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.content.project.leases import tables as lists
from gpubroker.dashboard.content.project.leases.console import Console
from gpubroker.dashboard.content.project.leases.detail import Detail
from gpubroker.dashboard.content.project.leases.detail import Now
from gpubroker.dashboard.content.project.leases.dialogs import End
from gpubroker.dashboard.content.project.leases.dialogs import Extend
from gpubroker.dashboard.content.project.leases.ordering import Check
from gpubroker.dashboard.content.project.leases.ordering import Order

__all__ = [
    "Check",
    "Console",
    "Detail",
    "End",
    "Extend",
    "Index",
    "Now",
    "Order",
    "Past",
]


class _Leases(pages.Paged, tables.DataTableView):
    """A list by pages, the newest order first.

    :cvar states: of the leases in it.
    """

    template_name = "project/gpu_leases/index.html"
    states: tuple[str, ...]
    past: bool

    def get_data(self) -> list[lease_sdk.Lease]:
        return self.page(state=self.states)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["past"] = self.past
        # Not an action of the table: those are shared by all requests, and
        # the reason of one person would be shown to the next.
        context["why_not_order"] = access.why_not_order(self.request)
        return context


class Index(_Leases):
    table_class = lists.Living
    page_title = _("GPU Leases")
    states = rules.LIVING
    past = False


class Past(_Leases):
    table_class = lists.Past
    page_title = _("Past GPU Leases")
    states = rules.OVER
    past = True
