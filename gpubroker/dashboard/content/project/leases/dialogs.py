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

from django.utils.translation import gettext_lazy as _

from gpubroker.dashboard.content.leases import dialogs
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.content.project.leases import forms
from gpubroker.dashboard.content.project.leases import tables as lists


class Extend(dialogs.Dialog):
    panel = lists.PANEL
    form_class = forms.Extend
    template_name = "project/gpu_leases/extend.html"
    modal_id = "gpu_lease_extend"
    form_id = "gpu_lease_extend_form"
    modal_header = page_title = _("Extend Lease")
    submit_label = _("Extend")
    verb = "extend"

    def why_not(self) -> str:
        return rules.why_not_extend(self.request, self.lease)


class End(dialogs.End):
    panel = lists.PANEL
