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
"""How a host is, in the operator's language."""

from __future__ import annotations

import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from gpubroker.client.sdk import host as host_sdk
from gpubroker.dashboard.words import times

STATES = {
    "up": pgettext_lazy("state of a GPU host", "Up"),
    "down": pgettext_lazy("state of a GPU host", "Down"),
    "disabled": pgettext_lazy("state of a GPU host", "Disabled"),
    "unknown": pgettext_lazy("state of a GPU host", "Not known"),
}

MODES = {
    "manage": pgettext_lazy("mode of a GPU host", "Managed"),
    "observe": pgettext_lazy("mode of a GPU host", "Observed"),
}


def state(host: host_sdk.Host) -> str:
    """Of its nova-compute."""
    return str(STATES.get(host.compute_state, host.compute_state))


def mode(host: host_sdk.Host) -> str:
    return str(MODES.get(host.mode, host.mode))


def notes(host: host_sdk.Host, now: datetime.datetime) -> list[str]:
    """What else keeps its cards back, or should be known of it."""
    found = [host.compute_reason or ""]
    if host.drain:
        found.append(_drained(host.drain))
    if times.until(host.suspect_until, now):
        found.append(
            _("No lease starts here until %(when)s: %(why)s")
            % {
                "when": times.moment(host.suspect_until),
                "why": host.suspect_reason or "",
            }
        )
    if (host.agent or {}).get("state") == "silent":
        found.append(_("Its agent is silent"))
    found += [
        one.get("detail") or one.get("kind") or ""
        for one in host.conditions or ()
    ]
    return [note for note in found if note]


def _drained(drain: dict[str, str]) -> str:
    since = _("Drained since %(when)s") % {
        "when": times.moment(drain.get("at"))
    }
    return ": ".join(filter(None, [since, drain.get("detail")]))
