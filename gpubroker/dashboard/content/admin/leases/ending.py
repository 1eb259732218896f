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

"""An operator ends a lease of anybody's."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from gpubroker.dashboard.content.admin.leases import owned
from gpubroker.dashboard.content.leases import dialogs


class End(dialogs.End):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "whose": _whose(owned.owned(self.request, [self.lease])[0]),
        }


def _whose(row: owned.Owned) -> str:
    return _(
        "It is a lease of %(user)s in the project %(project)s, who will see "
        "that an operator ended it; nobody else tells them."
    ) % {"user": row.user, "project": row.project}
