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
"""Extending and ending: short dialogs that say what comes of it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import forms

from gpubroker.dashboard.content.project.leases import chosen
from gpubroker.dashboard.content.project.leases import forms as lease_forms
from gpubroker.dashboard.content.project.leases import rules
from gpubroker.dashboard.content.project.leases import tables as lists
from gpubroker.dashboard.words import leases as words
from gpubroker.dashboard.words import times


class _Dialog(chosen.OfOneLease, forms.ModalFormView):
    """:cvar verb: of the URL that it is sent to."""

    verb: str

    def why_not(self) -> str:
        """Why it can not be done; empty where it can."""
        raise NotImplementedError

    def get_initial(self) -> dict[str, Any]:
        return {"lease": self.lease}

    def get_success_url(self) -> str:
        return lists.detail_url(self.lease.id)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {
            **context,
            "lease": self.lease,
            "why_not": self.why_not(),
            "gpus": words.gpus(self.lease),
            "expires": times.moment(self.lease.expires_at),
            "place": words.place(self.lease),
            "submit_url": reverse(
                f"{chosen.PANEL}:{self.verb}", args=[self.lease.id]
            ),
            "cancel_url": self.get_success_url(),
        }


class Extend(_Dialog):
    form_class = lease_forms.Extend
    template_name = "project/gpu_leases/extend.html"
    modal_id = "gpu_lease_extend"
    form_id = "gpu_lease_extend_form"
    modal_header = page_title = _("Extend Lease")
    submit_label = _("Extend")
    verb = "extend"

    def why_not(self) -> str:
        return rules.why_not_extend(self.request, self.lease)


class End(_Dialog):
    form_class = lease_forms.End
    template_name = "project/gpu_leases/end.html"
    modal_id = "gpu_lease_end"
    form_id = "gpu_lease_end_form"
    modal_header = page_title = _("End Lease")
    submit_label = _("End it")
    verb = "end"

    def why_not(self) -> str:
        return rules.why_not_end(self.request, self.lease)
