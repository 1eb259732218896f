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
from horizon import exceptions
from horizon import forms
from horizon import messages

from gpubroker.client.sdk import device as device_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard import errors
from gpubroker.dashboard.content.admin.fleet import rules
from gpubroker.dashboard.words import devices as words


class _OfOneDevice(forms.SelfHandlingForm):
    def _refused(self, request: Any, error: errors.BrokerError) -> bool:
        """Say the service's own words beside the field they are about."""
        if isinstance(error, errors.SignInAgain):
            exceptions.handle(request)
        field = error.field if error.field in self.fields else None
        self.add_error(field, str(error))
        return False


class Fence(_OfOneDevice):
    detail = forms.CharField(
        label=_("Why"),
        max_length=1024,
        help_text=_(
            "In words for the next operator; they are shown with the fence "
            "and stay in the history of the device."
        ),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def handle(self, request: Any, data: dict[str, Any]) -> bool:
        device: device_sdk.Device = self.initial["device"]
        try:
            api.fence(request, device.id, data["detail"])
        except errors.BrokerError as error:
            return self._refused(request, error)
        messages.success(
            request,
            _("%(address)s of %(host)s is fenced.")
            % {"address": device.pci_address, "host": device.host},
        )
        return True


class Unfence(_OfOneDevice):
    reason = forms.ChoiceField(
        label=_("The fence to lift"), widget=forms.RadioSelect
    )

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        found = rules.liftable(self.initial["device"])
        field = self.fields["reason"]
        field.choices = [(one, words.fence(one)) for one in found]
        if len(found) == 1:
            field.initial = found[0]

    def handle(self, request: Any, data: dict[str, Any]) -> bool:
        device: device_sdk.Device = self.initial["device"]
        try:
            api.unfence(request, device.id, data["reason"])
        except errors.BrokerError as error:
            return self._refused(request, error)
        messages.success(
            request,
            _("The fence \u201c%(fence)s\u201d of %(address)s is lifted.")
            % {
                "fence": words.fence(data["reason"]),
                "address": device.pci_address,
            },
        )
        return True
