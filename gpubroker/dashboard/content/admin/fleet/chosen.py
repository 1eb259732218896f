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

"""The device that a page is about, and its host."""

from __future__ import annotations

from django.urls import reverse
from django.utils import functional
from django.utils.translation import gettext_lazy as _
from horizon import exceptions

from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import host as host_sdk
from gpubroker.dashboard import fleet_api
from gpubroker.dashboard.content import chosen

PANEL = "horizon:admin:gpu_fleet"


def detail_url(device_id: str) -> str:
    return str(reverse(f"{PANEL}:detail", args=[device_id]))


class OfOneDevice(chosen.OfOne):
    """A view whose URL names a device."""

    panel = PANEL
    unread = _("The device could not be read.")

    def read(self) -> device_sdk.Device:
        return fleet_api.device(self.request, str(self.kwargs["device_id"]))

    @property
    def device(self) -> device_sdk.Device:
        found: device_sdk.Device = self.thing
        return found

    @functional.cached_property
    def host(self) -> host_sdk.Host | None:
        """``None`` where it could not be read; a message says so."""
        try:
            return fleet_api.host(self.request, self.device.host)
        except Exception:
            exceptions.handle(self.request, _("The host could not be read."))
            return None
