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

"""A list of all there is of one kind, and its actions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon import tables

from gpubroker.dashboard.content import access
from gpubroker.dashboard.content import actions
from gpubroker.dashboard.content import zoned
from gpubroker.dashboard.words import labels


class Index(zoned.Zoned, tables.DataTableView):
    """:cvar panel: whose page it is.
    :cvar noun: what the rules call the things, ``flavor``.
    :cvar create_label: of the button for another one.
    :cvar unread: said where the service can not tell.
    """

    template_name = "gpubroker/list.html"
    panel: ClassVar[str]
    noun: ClassVar[str]
    create_label: ClassVar[Any]
    unread: ClassVar[Any]
    request: Any

    def read(self) -> list[Any]:
        """:raises BrokerError: where the service can not tell."""
        raise NotImplementedError

    def get_data(self) -> list[Any]:
        try:
            return self.read()
        except Exception:
            exceptions.handle(self.request, self.unread)
            return []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "create_url": reverse(f"{self.panel}:create"),
            "create_label": self.create_label,
            # Not an action of the table: those are shared by all requests,
            # and the reason of one person would be shown to the next.
            "why_not_create": access.why_not(
                self.request, f"{self.noun}:create"
            ),
        }


class Update(actions.RowAction):
    """:cvar noun: what the rules call the thing."""

    name = "update"
    verbose_name = _("Edit")
    # A page of its own: its form is too long for a dialog.
    classes = ()
    icon = "pencil"
    noun: ClassVar[str]

    def why_not(self, request: Any, thing: Any) -> str:
        return access.why_not(request, f"{self.noun}:update")


class Delete(actions.RowAction):
    """:cvar noun: what the rules call the thing."""

    name = "delete"
    verbose_name = labels.DELETE
    classes = ("ajax-modal", "btn-danger")
    icon = "trash"
    noun: ClassVar[str]

    def why_not(self, request: Any, thing: Any) -> str:
        return access.why_not(request, f"{self.noun}:delete")
