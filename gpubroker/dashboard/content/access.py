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

"""Who is shown a panel or an action."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from openstack_dashboard import policy

from gpubroker.client import sdk
from gpubroker.dashboard import apps

#: Shown only where the catalogue of who is signed in has the service.
PERMISSIONS = (f"openstack.services.{sdk.SERVICE_TYPE}",)


def rules(*names: str) -> tuple[tuple[str, str], ...]:
    """Policy rules as Horizon wants them.

    All must allow an action; any of them lets a panel be seen.

    :param names: without the prefix that all rules share, ``lease:create``.
    """
    return tuple((apps.SERVICE, f"gpubroker:{name}") for name in names)


def why_not(request: Any, name: str) -> str:
    """Why who is signed in may not do a thing; empty where they may."""
    mine = {
        "project_id": request.user.project_id,
        "user_id": request.user.id,
    }
    if policy.check(rules(name), request, mine):
        return ""
    return _("your role does not allow it")


def why_not_order(request: Any) -> str:
    """Why nothing can be ordered; empty where it can."""
    return why_not(request, "lease:create")
