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

from typing import Any

from django.urls import reverse
from django.utils import functional
from django.utils.translation import gettext_lazy as _
from horizon import exceptions

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard.content import followed
from gpubroker.dashboard.content import zoned


class OfOneLease(zoned.Zoned):
    """A view whose URL names a lease.

    :cvar panel: where it leads back to when there is no such lease.
    :cvar console: whether the page leads to the console of its server.
    """

    panel: str
    console = False
    request: Any
    kwargs: dict[str, Any]

    @functional.cached_property
    def lease(self) -> lease_sdk.Lease:
        try:
            return api.lease(
                self.request,
                str(self.kwargs["lease_id"]),
                console=self.console,
            )
        except Exception:
            if isinstance(self, followed.Followed):
                raise
            # Horizon's way: it logs, tells the user and leads back, or, for
            # what it does not know, lets it through.
            exceptions.handle(
                self.request,
                _("The lease could not be read."),
                redirect=reverse(f"{self.panel}:index"),
            )
            raise
