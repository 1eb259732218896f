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
"""What can be done with a lease now, by whom, and why not. Pure but for the
question to the policy."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from openstack_dashboard import policy

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard.content import access

#: States in which a lease is not over.
LIVING = ("queued", "starting", "active", "ending")
OVER = ("ended", "failed")

#: In these something is being done that a page should follow.
MOVING = frozenset({"queued", "starting", "ending"})


def target(lease: lease_sdk.Lease) -> dict[str, str]:
    """Of whom the policy has to judge."""
    return {"project_id": lease.project_id, "user_id": lease.user_id}


def why_not_extend(request: Any, lease: lease_sdk.Lease) -> str:
    """Why it can not be extended; empty where it can."""
    if lease.state in OVER or lease.state == "ending":
        return _("it is over")
    if lease.duration is None:
        return _("it has no end of its own")
    return _not_theirs(request, "lease:extend", lease)


def why_not_end(request: Any, lease: lease_sdk.Lease) -> str:
    """Why it can not be ended; empty where it can."""
    if lease.state in OVER:
        return _("it is over")
    if lease.state == "ending":
        return _("it is ending already")
    return _not_theirs(request, "lease:delete", lease)


def _not_theirs(request: Any, rule: str, lease: lease_sdk.Lease) -> str:
    if policy.check(access.rules(rule), request, target(lease)):
        return ""
    return _("only who ordered it, or a manager of the project, may")
