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

"""How many leases something is about, for who is to decide on it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gpubroker.dashboard import api
from gpubroker.dashboard import errors
from gpubroker.dashboard.content.leases import rules

#: More than so many are many.
_MOST = 100


def living(request: Any, **filters: Any) -> list[str]:
    """A sentence on the leases of all projects that are not over.

    :param filters: those of the API. None where the service can not tell:
        what is asked here is no reason to keep anybody from acting.
    """
    try:
        found = api.leases(
            request, _MOST, state=rules.LIVING, all_projects=True, **filters
        )
    except errors.BrokerError:
        return []
    return [_said(len(found.leases), found.more)]


def _said(count: int, more: bool) -> str:
    if more:
        return _("More than %(count)d leases of it are not over.") % {
            "count": count
        }
    if not count:
        return _("No lease of it waits or runs.")
    return ngettext(
        "%(count)d lease of it waits or runs.",
        "%(count)d leases of it wait or run.",
        count,
    ) % {"count": count}
