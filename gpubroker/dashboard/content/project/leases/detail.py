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

import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon import views

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard.content.project.leases import advice
from gpubroker.dashboard.content.project.leases import chosen
from gpubroker.dashboard.content.project.leases import rules
from gpubroker.dashboard.words import leases as words
from gpubroker.dashboard.words import times


class _Lease(chosen.OfOneLease, views.HorizonTemplateView):
    console = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, **described(self.lease), **self._more()}

    def _more(self) -> dict[str, Any]:
        request, lease = self.request, self.lease
        return {
            "why_not_extend": rules.why_not_extend(request, lease),
            "why_not_end": rules.why_not_end(request, lease),
            "events": self._events(),
        }

    def _events(self) -> list[dict[str, str]]:
        """The newest first."""
        try:
            found = api.lease_events(self.request, self.lease.id)
        except Exception:
            exceptions.handle(
                self.request, _("The history of the lease could not be read.")
            )
            return []
        return [
            {
                "at": times.exact(event.at),
                "title": words.event(event.kind),
                "message": event.message,
            }
            for event in reversed(found)
        ]


class Detail(_Lease):
    template_name = "project/gpu_leases/detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.page_title = self.lease.name
        return super().get_context_data(**kwargs)


class Now(_Lease):
    """What of the page may have changed, for a script to put in place."""

    template_name = "project/gpu_leases/_now.html"


def described(lease: lease_sdk.Lease) -> dict[str, Any]:
    """What a page says of a lease, in the person's words."""
    failed, active = lease.state == "failed", lease.state == "active"
    workload = lease.workload or {}
    now = datetime.datetime.now(datetime.UTC)
    return {
        "lease": lease,
        "state": words.state(lease),
        "moving": lease.state in rules.MOVING,
        "gpus": words.gpus(lease),
        "place": words.place(lease),
        "why": words.why(lease),
        "cause": words.cause(lease),
        "advice": advice.after_failure(lease.reason or "") if failed else "",
        "steps": _steps(lease),
        "ordered": times.moment(lease.requested_at),
        "started": times.moment(lease.started_at),
        "expires": times.moment(lease.expires_at),
        "left": times.until(lease.expires_at, now) if active else "",
        "ended": times.moment(lease.ended_at),
        "duration": times.length(lease.duration) if lease.duration else "",
        "key_name": workload.get("key_name") or "",
    }


def _steps(lease: lease_sdk.Lease) -> list[dict[str, Any]]:
    """Those of the start; they stay in the journal while it ends."""
    if lease.state != "starting":
        return []
    return [
        {"name": words.step(one["step"]), "done": one["state"] == "done"}
        for one in lease.progress or ()
    ]
