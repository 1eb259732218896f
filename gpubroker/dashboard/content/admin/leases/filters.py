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

"""Which leases a list is to show."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import functional
from django.utils.translation import gettext_lazy as _

from gpubroker.dashboard.content.admin import people
from gpubroker.dashboard.content.admin import projects
from gpubroker.dashboard.content.leases import choices
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.words import labels
from gpubroker.dashboard.words import leases as words

#: What people ask for -> states of the API; none = any.
_STATES: dict[str, tuple[str, ...]] = {
    "": rules.LIVING,
    **{state: (state,) for state in words.STATES},
    "all": (),
}


class Filters(forms.Form):
    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[
            ("", _("Not over")),
            *words.STATES.items(),
            ("all", labels.ANY),
        ],
    )
    project = forms.CharField(
        label=_("Project"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"placeholder": _("name or ID")}),
    )
    pool = forms.ChoiceField(label=labels.POOL, required=False)

    #: Those that a link to another page keeps.
    NAMES = ("state", "project", "pool")

    def __init__(self, request: Any) -> None:
        super().__init__(request.GET)
        self.request = request
        pools = choices.pools(request)
        self.fields["pool"].choices = [("", labels.ANY), *pools]

    @functional.cached_property
    def projects(self) -> projects.Projects:
        return people.names(self.request)

    def clean_project(self) -> list[str]:
        """Their ids."""
        text: str = self.cleaned_data["project"]
        found = self.projects.ids(text) if text else []
        if text and not found:
            raise forms.ValidationError(
                _("There is no project %(name)s.") % {"name": text}
            )
        return found

    def asked(self) -> dict[str, Any]:
        """The filters of the API, of a form that is right."""
        data = self.cleaned_data
        wanted = {
            "state": _STATES[data["state"]],
            "project_id": data["project"],
            "pool": data["pool"],
        }
        return {name: value for name, value in wanted.items() if value}
