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

"""The forms of a device: fence, unfence."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import forms as horizon_forms

from gpubroker.client.sdk import device as device_sdk
from gpubroker.dashboard import fleet_api
from gpubroker.dashboard.content import forms
from gpubroker.dashboard.content.admin.fleet import rules
from gpubroker.dashboard.words import devices as words


class _OfOneDevice(forms.Form):
    @property
    def device(self) -> device_sdk.Device:
        found: device_sdk.Device = self.initial["device"]
        return found


class Fence(_OfOneDevice):
    detail = horizon_forms.CharField(
        label=_("Why"),
        max_length=1024,
        help_text=_(
            "In words for the next operator; they are shown with the fence "
            "and stay in the history of the device."
        ),
        widget=horizon_forms.Textarea(attrs={"rows": 3}),
    )

    def act(self, request: Any, data: dict[str, Any]) -> None:
        fleet_api.fence(request, self.device.id, data["detail"])

    def done(self, data: dict[str, Any], made: Any) -> str:
        return str(
            _("%(address)s of %(host)s is fenced.")
            % {"address": self.device.pci_address, "host": self.device.host}
        )


class Unfence(_OfOneDevice):
    reason = horizon_forms.ChoiceField(
        label=_("The fence to lift"), widget=horizon_forms.RadioSelect
    )
    detail = horizon_forms.CharField(
        label=_("Why"),
        max_length=1024,
        required=False,
        help_text=_(
            "What was found or done, in words for the next operator; they "
            "stay in the history of the device."
        ),
        widget=horizon_forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        found = rules.liftable(self.device)
        field = self.fields["reason"]
        field.choices = [(one, words.fence(one)) for one in found]
        if len(found) == 1:
            field.initial = found[0]

    def act(self, request: Any, data: dict[str, Any]) -> None:
        fleet_api.unfence(
            request, self.device.id, data["reason"], data["detail"]
        )

    def done(self, data: dict[str, Any], made: Any) -> str:
        return str(
            _("The fence \u201c%(fence)s\u201d of %(address)s is lifted.")
            % {
                "fence": words.fence(data["reason"]),
                "address": self.device.pci_address,
            }
        )
