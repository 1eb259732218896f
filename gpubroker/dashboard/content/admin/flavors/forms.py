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

"""The forms of flavors."""

from __future__ import annotations

from typing import Any

from django.core import exceptions
from django.utils.translation import gettext_lazy as _
from horizon import forms

from gpubroker.client.sdk import flavor as flavor_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard import catalogue_api
from gpubroker.dashboard import errors
from gpubroker.dashboard.content import forms as judged
from gpubroker.dashboard.content.admin import dialogs
from gpubroker.dashboard.content.admin import fields
from gpubroker.dashboard.words import flavors as words


class Flavor(judged.Form):
    """What the forms of a new one and of a change have in common."""

    named = "name"

    name = forms.CharField(
        label=_("Name"), max_length=128, validators=[fields.is_name]
    )
    models = fields.Lines(
        label=_("Models"),
        required=True,
        help_text=_(
            "Acceptable GPU models, one a line, the most wanted first. A "
            "server takes all its GPUs from one model."
        ),
    )
    gpus = forms.IntegerField(
        label=_("GPUs"),
        min_value=1,
        max_value=64,
        help_text=_("GPUs of each server."),
    )
    vcpus = forms.IntegerField(label=_("vCPUs"), min_value=1, max_value=65536)
    ram_mib = forms.IntegerField(label=_("Memory in MiB"), min_value=1)
    disk_gib = forms.IntegerField(
        label=_("Local disk in GiB"), min_value=0, max_value=1_000_000
    )
    topology = forms.ChoiceField(
        label=_("Topology"),
        choices=list(words.TOPOLOGIES.items()),
        initial="prefer",
        help_text=_(
            "Whether the GPUs have to be one block of their baseboard, with "
            "fast links between them."
        ),
    )
    traits = fields.Lines(
        label=_("Traits"),
        help_text=_(
            "Placement traits that the host must have (not its GPUs), one a "
            "line."
        ),
    )
    extra_specs = fields.Pairs(
        label=_("Properties"),
        help_text=_(
            "Of the Nova flavor, one KEY=VALUE a line; only hw:... is allowed."
        ),
    )
    description = forms.CharField(
        label=_("Description"), max_length=1024, required=False
    )

    def clean_models(self) -> list[str]:
        """The service says it, too, but of one model at a time."""
        wanted: list[str] = self.cleaned_data["models"]
        try:
            known = {model.name for model in api.models(self.request)}
        except errors.BrokerError:
            # Said when it is sent.
            return wanted
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise exceptions.ValidationError(
                _("There is no model %(names)s.")
                % {"names": ", ".join(unknown)}
            )
        return wanted


class Create(Flavor):
    def act(self, request: Any, data: dict[str, Any]) -> flavor_sdk.Flavor:
        given = {k: v for k, v in data.items() if v not in ("", [], {})}
        return catalogue_api.create_flavor(request, **given)

    def done(self, data: dict[str, Any], made: flavor_sdk.Flavor) -> str:
        return str(_("%(name)s can be ordered.") % {"name": made.name})


class Update(dialogs.ChangeForm, Flavor):
    emptied = frozenset({"description", "traits", "extra_specs"})

    def change(self, request: Any, found: dict[str, Any]) -> flavor_sdk.Flavor:
        return catalogue_api.update_flavor(request, self.thing.id, **found)


class Delete(dialogs.DeleteForm):
    def act(self, request: Any, data: dict[str, Any]) -> None:
        catalogue_api.delete_flavor(request, self.initial["thing"].id)
