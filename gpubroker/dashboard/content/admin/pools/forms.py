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

"""The forms of pools."""

from __future__ import annotations

from typing import Any

from django.core import exceptions
from django.utils.translation import gettext_lazy as _
from horizon import forms

from gpubroker.client.sdk import pool as pool_sdk
from gpubroker.dashboard import catalogue_api
from gpubroker.dashboard.content import forms as judged
from gpubroker.dashboard.content.admin import dialogs
from gpubroker.dashboard.content.admin import fields
from gpubroker.dashboard.content.admin import people
from gpubroker.dashboard.words import pools as words


class Pool(judged.Form):
    """What the forms of a new one and of a change have in common."""

    description = forms.CharField(
        label=_("Description"), max_length=1024, required=False
    )
    admission = forms.ChoiceField(
        label=_("Admission"),
        choices=list(words.ADMISSIONS.items()),
        help_text=_("What becomes of a GPU that was never seen before."),
    )
    projects = fields.Lines(
        label=_("Projects"),
        help_text=_(
            "The only ones that may order in it, name or ID, one a line. "
            "None: everybody may."
        ),
    )

    def clean_projects(self) -> list[str]:
        """Their ids."""
        words: list[str] = self.cleaned_data["projects"]
        if not words:
            return []
        known = people.names(self.request)
        found: list[str] = []
        for word in words:
            meant = known.ids(word)
            if not meant:
                raise exceptions.ValidationError(
                    _("There is no project %(name)s.") % {"name": word}
                )
            if len(meant) > 1:
                raise exceptions.ValidationError(
                    _(
                        "More than one project is named %(name)s; use one "
                        "of the IDs: %(ids)s."
                    )
                    % {"name": word, "ids": ", ".join(meant)}
                )
            found += meant
        return list(dict.fromkeys(found))


class Create(Pool):
    named = "name"

    name = forms.CharField(
        label=_("Name"),
        max_length=128,
        validators=[fields.is_name],
        help_text=_("It can not be changed later."),
    )
    field_order = ("name",)

    def act(self, request: Any, data: dict[str, Any]) -> pool_sdk.Pool:
        given = {k: v for k, v in data.items() if v not in ("", [])}
        return catalogue_api.create_pool(request, **given)

    def done(self, data: dict[str, Any], made: pool_sdk.Pool) -> str:
        return str(
            _("%(name)s is made; no host is in it yet.") % {"name": made.name}
        )


class Update(dialogs.ChangeForm, Pool):
    emptied = frozenset({"description", "projects"})

    def change(self, request: Any, found: dict[str, Any]) -> pool_sdk.Pool:
        return catalogue_api.update_pool(request, self.thing.name, **found)


class Delete(dialogs.DeleteForm):
    def act(self, request: Any, data: dict[str, Any]) -> None:
        catalogue_api.delete_pool(request, self.initial["thing"].name)
