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

"""The page of one lease, and the part of it that is asked for anew."""

from __future__ import annotations

from typing import Any

from horizon import views

from gpubroker.dashboard.content import followed
from gpubroker.dashboard.content.leases import chosen
from gpubroker.dashboard.content.leases import described
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.content.project.leases import tables as lists


class _Lease(chosen.OfOneLease, views.HorizonTemplateView):
    panel = lists.PANEL

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        request, lease = self.request, self.lease
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {
            **context,
            **described.described(lease),
            "why_not_extend": rules.why_not_extend(request, lease),
            "why_not_end": rules.why_not_end(request, lease),
            **described.history(request, lease),
            "page_url": lists.detail_url(lease.id),
        }


class Detail(_Lease):
    template_name = "project/gpu_leases/detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # Not as an attribute: Horizon takes that for a template, and people
        # name their leases as they like.
        return {**context, "page_title": self.lease.name}


class Now(followed.Followed, _Lease):
    """What of the page may have changed, for a script to put in place."""

    template_name = "project/gpu_leases/_now.html"
