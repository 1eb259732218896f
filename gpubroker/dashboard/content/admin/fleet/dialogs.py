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

"""Fencing and unfencing: short dialogs that say what comes of it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from gpubroker.dashboard.content import chosen as one
from gpubroker.dashboard.content.admin.fleet import chosen
from gpubroker.dashboard.content.admin.fleet import forms as device_forms
from gpubroker.dashboard.content.admin.fleet import rules
from gpubroker.dashboard.words import devices as words


class _Dialog(chosen.OfOneDevice, one.Dialog):
    noun = "device"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "observed": self.host is not None and self.host.mode == "observe",
            "use": words.use(self.device),
        }


class Fence(_Dialog):
    form_class = device_forms.Fence
    template_name = "admin/gpu_fleet/fence.html"
    modal_id = "gpu_device_fence"
    form_id = "gpu_device_fence_form"
    modal_header = page_title = _("Fence Device")
    submit_label = _("Fence")
    verb = "fence"

    def why_not(self) -> str:
        return rules.why_not_fence(self.request)

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "detail": self._said()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "said": self._said()}

    def _said(self) -> str:
        """The words of the fence that it has already."""
        return next(
            (
                str(fence.get("detail") or "")
                for fence in self.device.fences or ()
                if fence.get("reason") == "operator"
            ),
            "",
        )


class Unfence(_Dialog):
    form_class = device_forms.Unfence
    template_name = "admin/gpu_fleet/unfence.html"
    modal_id = "gpu_device_unfence"
    form_id = "gpu_device_unfence_form"
    modal_header = page_title = _("Lift a Fence")
    submit_label = _("Lift it")
    verb = "unfence"

    def why_not(self) -> str:
        return rules.why_not_unfence(self.request, self.device)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["liftable"] = [
            {
                "reason": reason,
                "title": words.fence(reason),
                "means": words.lifting(reason),
                "staying": [
                    words.fence(one)
                    for one in rules.staying(self.device, reason)
                ],
            }
            for reason in rules.liftable(self.device)
        ]
        return context
