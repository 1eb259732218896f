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

"""What a page says of one lease, in the person's words."""

from __future__ import annotations

import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from gpubroker.client.sdk import event as event_sdk
from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard.content import history as pages
from gpubroker.dashboard.content.leases import advice
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.words import leases as words
from gpubroker.dashboard.words import times


def described(lease: lease_sdk.Lease) -> dict[str, Any]:
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


def history(request: Any, lease: lease_sdk.Lease) -> dict[str, Any]:
    """A page of it, the newest first, and the ways to others."""
    found, ways = pages.page(
        request,
        lambda size, marker: api.lease_events(request, lease.id, size, marker),
        _("The history of the lease could not be read."),
    )
    return {"events": [_told(event) for event in found], **ways}


def _told(event: event_sdk.LeaseEvent) -> dict[str, str]:
    return {
        "at": times.exact(event.at),
        "title": words.event(event.kind),
        "message": event.message,
        "by": event.by or "",
    }
