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

"""The list of models."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import tables

from gpubroker.dashboard.content.admin import lists
from gpubroker.dashboard.content.admin.models import listed
from gpubroker.dashboard.words import labels
from gpubroker.dashboard.words import sizes

PANEL = "horizon:admin:gpu_models"


class Update(lists.Update):
    url = f"{PANEL}:update"
    noun = "model"


class Delete(lists.Delete):
    url = f"{PANEL}:delete"
    noun = "model"

    def why_not(self, request: Any, row: listed.Listed) -> str:
        mine = super().why_not(request, row)
        return mine or (_("a flavor names it") if row.flavors else "")


def _origin(row: listed.Listed) -> str:
    if row.model.is_builtin:
        return "gpubroker"
    return _("an operator")


class Models(tables.DataTable):
    name = tables.WrappingColumn("name", verbose_name=gettext_lazy("Name"))
    vendor = tables.Column(
        lambda row: row.model.vendor, verbose_name=gettext_lazy("Vendor")
    )
    memory = tables.Column(
        lambda row: sizes.gibibytes(row.model.memory_mib),
        verbose_name=gettext_lazy("Memory"),
    )
    ids = tables.WrappingColumn("ids", verbose_name=gettext_lazy("PCI IDs"))
    resource_class = tables.WrappingColumn(
        lambda row: row.model.resource_class,
        verbose_name=gettext_lazy("Resource class"),
    )
    flavors = tables.WrappingColumn(
        lambda row: ", ".join(row.flavors),
        verbose_name=labels.FLAVORS,
    )
    origin = tables.WrappingColumn(
        _origin, verbose_name=gettext_lazy("Made by")
    )

    def get_object_id(self, row: listed.Listed) -> str:
        return row.name

    class Meta:
        name = "models"
        verbose_name = gettext_lazy("GPU models")
        row_actions = (Update, Delete)
        row_actions_dropdown_template = "gpubroker/_row_actions.html"
        hidden_title = True
        css_classes = "gpu-list"
