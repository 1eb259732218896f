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

"""Short dialogs about a lease, which say what comes of it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard.content import chosen as one
from gpubroker.dashboard.content import forms
from gpubroker.dashboard.content.leases import chosen
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.words import leases as words
from gpubroker.dashboard.words import times


class Dialog(chosen.OfOneLease, one.Dialog):
    noun = "lease"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "gpus": words.gpus(self.lease),
            "expires": times.moment(self.lease.expires_at),
            "place": words.place(self.lease),
        }


class EndForm(forms.Form):
    def act(self, request: Any, data: dict[str, Any]) -> None:
        api.end(request, self.initial["lease"].id)

    def done(self, data: dict[str, Any], made: Any) -> str:
        lease: lease_sdk.Lease = self.initial["lease"]
        if lease.state == "queued":
            return _("The order %(name)s is cancelled.") % {"name": lease.name}
        return _("%(name)s is ending.") % {"name": lease.name}


class End(Dialog):
    form_class = EndForm
    template_name = "gpubroker/leases/end.html"
    modal_id = "gpu_lease_end"
    form_id = "gpu_lease_end_form"
    modal_header = page_title = gettext_lazy("End Lease")
    submit_label = gettext_lazy("End it")
    verb = "end"

    def why_not(self) -> str:
        return rules.why_not_end(self.request, self.lease)
