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

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import ngettext

from gpubroker.client.sdk import model as model_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard import catalogue_api
from gpubroker.dashboard import errors
from gpubroker.dashboard.content.admin import dialogs
from gpubroker.dashboard.content.admin import lists
from gpubroker.dashboard.content.admin.models import forms
from gpubroker.dashboard.content.admin.models import listed
from gpubroker.dashboard.content.admin.models import tables

#: More cards than so many are many.
_MOST = 1000


class Index(lists.Index):
    table_class = tables.Models
    page_title = gettext_lazy("GPU Models")
    panel = tables.PANEL
    noun = "model"
    create_label = gettext_lazy("Create Model")
    unread = gettext_lazy("The models could not be read.")

    def read(self) -> list[listed.Listed]:
        return listed.listed(
            api.models(self.request), api.flavors(self.request)
        )


class Create(dialogs.Create):
    form_class = forms.Create
    page_title = gettext_lazy("Create GPU Model")
    panel = tables.PANEL
    rule = "model:create"

    def sentences(self) -> list[Any]:
        return [
            _(
                "Cards with these IDs that no model had are given a slot with "
                "the next look at their host; those of other cards stay."
            ),
            _(
                "Nova needs its alias in its configuration before such a card "
                "can be given out."
            ),
        ]


class _OfOne:
    panel = tables.PANEL
    unread = gettext_lazy("The model could not be read.")
    request: Any
    kwargs: dict[str, Any]
    thing: model_sdk.Model

    def read(self) -> model_sdk.Model:
        return catalogue_api.model(self.request, str(self.kwargs["name"]))

    def cards(self) -> list[str]:
        """A sentence on what there is of it; none where nobody can tell."""
        try:
            count = catalogue_api.cards(self.request, self.thing.name, _MOST)
        except errors.BrokerError:
            return []
        if count == _MOST:
            return [_("%(count)d cards or more are of it.") % {"count": count}]
        if not count:
            return [_("No card is of it.")]
        return [
            ngettext(
                "%(count)d card is of it.", "%(count)d cards are of it.", count
            )
            % {"count": count}
        ]


class Update(_OfOne, dialogs.Update):
    form_class = forms.Update
    page_title = gettext_lazy("Edit GPU Model")
    rule = "model:update"

    def sentences(self) -> list[Any]:
        found = [
            *self.cards(),
            _(
                "Another resource class or alias has to be in Nova's "
                "configuration as well."
            ),
        ]
        if self.thing.is_builtin:
            found.append(
                _(
                    "It came with the service. Once you have changed it, it "
                    "stays as you set it when the table of a later release "
                    "differs."
                )
            )
        return found


class Delete(_OfOne, dialogs.Delete):
    form_class = forms.Delete
    form_id = "gpu_model_delete"
    modal_header = page_title = gettext_lazy("Delete GPU Model")
    rule = "model:delete"

    def sentences(self) -> list[Any]:
        return [
            _("It can only go while no flavor names it and no card is of it."),
            *self.cards(),
            _(
                "A card with its IDs that comes later is shown, but never "
                "given out."
            ),
        ]
