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

"""The lease that a page is about."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard.content import chosen


class OfOneLease(chosen.OfOne):
    """A view whose URL names a lease.

    :cvar console: whether ways to the consoles of its servers are made.
    """

    unread = _("The lease could not be read.")
    console = False

    def read(self) -> lease_sdk.Lease:
        return api.lease(
            self.request, str(self.kwargs["lease_id"]), console=self.console
        )

    @property
    def lease(self) -> lease_sdk.Lease:
        found: lease_sdk.Lease = self.thing
        return found
