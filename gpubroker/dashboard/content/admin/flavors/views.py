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

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from gpubroker.client.sdk import flavor as flavor_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard import catalogue_api
from gpubroker.dashboard.content.admin import dialogs
from gpubroker.dashboard.content.admin import lists
from gpubroker.dashboard.content.admin.flavors import forms
from gpubroker.dashboard.content.admin.flavors import tables
from gpubroker.dashboard.content.admin.leases import tally

_KEPT = _("Leases that were ordered before keep what they were ordered with.")


class Index(lists.Index):
    table_class = tables.Flavors
    page_title = _("GPU Flavors")
    panel = tables.PANEL
    noun = "flavor"
    create_label = _("Create GPU Flavor")
    unread = _("The flavors could not be read.")

    def read(self) -> list[flavor_sdk.Flavor]:
        found = api.flavors(self.request)
        return sorted(found, key=lambda flavor: flavor.name)


class Create(dialogs.Create):
    form_class = forms.Create
    page_title = _("Create GPU Flavor")
    panel = tables.PANEL
    rule = "flavor:create"

    def sentences(self) -> list[Any]:
        return [
            _("Everybody who may order sees it among the offers at once."),
            _(
                "Nova gets no flavor of this: the service makes one for each "
                "start and deletes it."
            ),
            _(
                "Guests with several big GPUs and much memory often need "
                "hw:maxphysaddr_mode=passthrough."
            ),
        ]


class _OfOne:
    panel = tables.PANEL
    unread = _("The flavor could not be read.")
    request: Any
    kwargs: dict[str, Any]

    def read(self) -> flavor_sdk.Flavor:
        return catalogue_api.flavor(
            self.request, str(self.kwargs["flavor_id"])
        )


class Update(_OfOne, dialogs.Update):
    form_class = forms.Update
    page_title = _("Edit GPU Flavor")
    rule = "flavor:update"

    def sentences(self) -> list[Any]:
        return [_KEPT, _("Orders that come from now on get the new one.")]


class Delete(_OfOne, dialogs.Delete):
    form_class = forms.Delete
    form_id = "gpu_flavor_delete"
    modal_header = page_title = _("Delete GPU Flavor")
    rule = "flavor:delete"

    def sentences(self) -> list[Any]:
        return [
            _("Nobody can order it any more."),
            *tally.living(self.request, flavor=self.thing.name),
            _KEPT,
        ]
