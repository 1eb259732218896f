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

"""What lists say of a lease."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from horizon import tables

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard.words import leases as words
from gpubroker.dashboard.words import times

#: How the state of a lease is shown, and when its row is asked for anew.
STATE: dict[str, Any] = {
    "verbose_name": _("Status"),
    "status": True,
    "status_choices": (
        ("queued", None),
        ("starting", None),
        ("ending", None),
        ("active", True),
        ("ended", True),
        ("failed", False),
    ),
    "display_choices": tuple(words.STATES.items()),
}


class Row(tables.Row):
    """Asked for anew while something is being done with the lease."""

    ajax = True

    def get_data(self, request: Any, lease_id: str) -> Any:
        return api.lease(request, lease_id)


def standing(lease: lease_sdk.Lease) -> str:
    """Place in the queue, what is being done, or what is wrong."""
    return render_to_string(
        "gpubroker/leases/_standing.html",
        {
            "place": words.place(lease),
            "doing": words.now_doing(lease.progress or ()),
            "why": words.why(lease),
        },
    )


def end(lease: lease_sdk.Lease) -> str:
    """When it ends; empty where nothing is set or it is over."""
    if lease.expires_at:
        return times.moment(lease.expires_at)
    if lease.duration and not lease.is_final:
        return str(_("%s after its start") % times.length(lease.duration))
    return ""
