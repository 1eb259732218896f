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

"""The forms of models."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import forms

from gpubroker.client.sdk import model as model_sdk
from gpubroker.dashboard import catalogue_api
from gpubroker.dashboard.content import forms as judged
from gpubroker.dashboard.content.admin import dialogs
from gpubroker.dashboard.content.admin import fields

#: What Nova takes a card for; words of Nova's own.
_DEVICE_TYPES = [(one, one) for one in ("type-PCI", "type-PF", "type-VF")]


class Model(judged.Form):
    """What the forms of a new one and of a change have in common."""

    family = forms.CharField(
        label=_("Family"),
        max_length=128,
        validators=[fields.is_name],
        help_text=_("What people say, for example a100."),
    )
    vendor = forms.CharField(label=_("Vendor"), max_length=255)
    memory_mib = forms.IntegerField(
        label=_("Memory in MiB"), min_value=1, help_text=_("Of one GPU.")
    )
    vendor_id = forms.CharField(
        label=_("PCI vendor ID"),
        max_length=4,
        validators=[fields.is_hex4],
        help_text=_("Four hex digits, for example 10de."),
    )
    product_ids = fields.Lines(
        each=fields.is_hex4,
        label=_("PCI product IDs"),
        required=True,
        help_text=_("Four hex digits each, one a line."),
    )
    subsystem_ids = fields.Lines(
        each=fields.is_subsystem,
        label=_("PCI subsystem IDs"),
        help_text=_(
            "Where the product ID alone does not tell the model; one a line, "
            "for example 10de:1463."
        ),
    )
    device_type = forms.ChoiceField(
        label=_("Device type"),
        choices=_DEVICE_TYPES,
        help_text=_(
            "What Nova takes its cards for: type-PF where they are able to "
            "do SR-IOV, whether that is used or not."
        ),
    )
    resource_class = forms.CharField(
        label=_("Resource class"),
        max_length=255,
        required=False,
        validators=[fields.is_custom],
        help_text=_(
            "The Placement class that its cards are counted in. Empty: made "
            "from the name."
        ),
    )
    alias = forms.CharField(
        label=_("Alias"),
        max_length=128,
        required=False,
        validators=[fields.is_name],
        help_text=_(
            "The Nova alias that asks for any card of this model. Empty: the "
            "name."
        ),
    )
    board_slots = forms.IntegerField(
        label=_("Board slots"),
        min_value=0,
        max_value=64,
        initial=0,
        help_text=_("GPUs on one baseboard; 0: single cards."),
    )
    blocks = fields.Blocks(
        label=_("Blocks"),
        help_text=_(
            "Slots that belong together, with fast links between them; one "
            "block a line, for example 0,1,2,3."
        ),
    )


class Create(Model):
    named = "name"

    name = forms.CharField(
        label=_("Name"),
        max_length=128,
        validators=[fields.is_name],
        help_text=_("For example a100-sxm4-80gb; it stays."),
    )
    field_order = ("name",)

    def act(self, request: Any, data: dict[str, Any]) -> model_sdk.Model:
        given = {k: v for k, v in data.items() if v not in ("", [])}
        return catalogue_api.create_model(request, **given)

    def done(self, data: dict[str, Any], made: model_sdk.Model) -> str:
        return str(_("%(name)s is in the catalogue.") % {"name": made.name})


class Update(dialogs.ChangeForm, Model):
    emptied = frozenset({"subsystem_ids", "blocks"})

    def change(self, request: Any, found: dict[str, Any]) -> model_sdk.Model:
        return catalogue_api.update_model(request, self.thing.name, **found)


class Delete(dialogs.DeleteForm):
    def act(self, request: Any, data: dict[str, Any]) -> None:
        catalogue_api.delete_model(request, self.initial["thing"].name)
