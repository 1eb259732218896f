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

"""Making, changing and deleting one thing that operators keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import forms as horizon_forms

from gpubroker.dashboard.content import access
from gpubroker.dashboard.content import chosen
from gpubroker.dashboard.content import forms
from gpubroker.dashboard.content import zoned


class ChangeForm(forms.Form):
    """Sends what is another than the service has, with the generation that
    the page was made of.

    :cvar emptied: fields that may become empty; another one that is left
        empty stays as it is.
    """

    generation = horizon_forms.IntegerField(
        required=False, widget=horizon_forms.HiddenInput()
    )
    emptied: frozenset[str] = frozenset()

    @property
    def thing(self) -> Any:
        return self.initial["thing"]

    def changes(self, data: Mapping[str, Any]) -> dict[str, Any]:
        found = {
            name: value
            for name, value in data.items()
            if name != "generation"
            and (value not in (None, "", [], {}) or name in self.emptied)
            and value != (getattr(self.thing, name) or type(value)())
        }
        if found and data["generation"] is not None:
            found["generation"] = data["generation"]
        return found

    def act(self, request: Any, data: dict[str, Any]) -> Any:
        found = self.changes(data)
        return self.change(request, found) if found else self.thing

    def change(self, request: Any, found: dict[str, Any]) -> Any:
        raise NotImplementedError

    def done(self, data: dict[str, Any], made: Any) -> str:
        return str(_("%(name)s is changed.") % {"name": made.name})


class _View(zoned.Zoned, horizon_forms.ModalFormView):
    """:cvar panel: where it leads back to.
    :cvar rule: who may do it.
    :cvar verb: of the URL that it is sent to.
    """

    panel: ClassVar[str]
    rule: ClassVar[str]
    verb: ClassVar[str]
    request: Any
    kwargs: dict[str, Any]

    def why_not(self) -> str:
        """Why it can not be done; empty where it can."""
        return access.why_not(self.request, self.rule)

    def sentences(self) -> list[Any]:
        """What comes of it."""
        return []

    def url(self, verb: str) -> str:
        return reverse(f"{self.panel}:{verb}", kwargs=self.kwargs)

    def get_success_url(self) -> str:
        return reverse(f"{self.panel}:index")

    def get_cancel_url(self) -> str:
        return self.get_success_url()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {
            **context,
            "why_not": self.why_not(),
            "sentences": self.sentences(),
            "submit_url": self.url(self.verb),
        }


class Create(_View):
    template_name = ajax_template_name = "gpubroker/form.html"
    verb = "create"
    submit_label = _("Create")


class _OfOne(_View, chosen.OfOne):
    """Of a thing that the URL names."""


class Page(_OfOne):
    """Of a form that is too long for a dialog."""

    template_name = ajax_template_name = "gpubroker/form.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        title = f"{self.page_title}: {self.thing.name}"
        return {**context, "page_title": title}


class Update(Page):
    verb = "update"
    submit_label = _("Save")

    def get_initial(self) -> dict[str, Any]:
        names = self.form_class.base_fields
        shown = {name: getattr(self.thing, name) for name in names}
        return {**shown, "thing": self.thing}


class DeleteForm(forms.Form):
    def done(self, data: dict[str, Any], made: Any) -> str:
        name = self.initial["thing"].name
        return str(_("%(name)s is deleted.") % {"name": name})


class Delete(_OfOne):
    """:cvar form_id: also of the dialog."""

    template_name = "gpubroker/delete.html"
    verb = "delete"
    submit_label = _("Delete it")

    def get_initial(self) -> dict[str, Any]:
        return {"thing": self.thing}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "thing": self.thing,
            "modal_id": f"{self.form_id}_dialog",
        }
