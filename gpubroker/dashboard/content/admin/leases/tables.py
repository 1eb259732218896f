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

"""The list of leases of all projects."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from horizon import tables

from gpubroker.dashboard.content import actions
from gpubroker.dashboard.content.admin.leases import filters
from gpubroker.dashboard.content.admin.leases import owned
from gpubroker.dashboard.content.leases import columns
from gpubroker.dashboard.content.leases import pages
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.words import labels
from gpubroker.dashboard.words import leases as words

PANEL = "horizon:admin:gpu_leases"


class End(actions.RowAction):
    name = "end"
    verbose_name = _("End")
    url = f"{PANEL}:end"
    classes = ("ajax-modal", "btn-danger")
    icon = "stop"

    def why_not(self, request: Any, row: owned.Owned) -> str:
        return rules.why_not_end(request, row.lease)

    def shown(self, row: owned.Owned) -> bool:
        return not row.lease.is_final


def ends(row: owned.Owned) -> str:
    never = "" if row.lease.is_final else str(_("when it is ended"))
    return columns.end(row.lease) or never


class Row(columns.Row):
    def get_data(self, request: Any, lease_id: str) -> owned.Owned:
        return owned.owned(request, [super().get_data(request, lease_id)])[0]


class Leases(pages.Filtered):
    filters: ClassVar[tuple[str, ...]] = filters.Filters.NAMES

    name = tables.WrappingColumn(
        "name", link=f"{PANEL}:detail", verbose_name=_("Name")
    )
    project = tables.WrappingColumn("project", verbose_name=_("Project"))
    user = tables.WrappingColumn("user", verbose_name=_("User"))
    gpus = tables.Column(
        lambda row: words.gpus(row.lease), verbose_name=_("GPUs")
    )
    pool = tables.WrappingColumn(
        lambda row: row.lease.pool, verbose_name=labels.POOL
    )
    state = tables.Column("state", **columns.STATE)
    standing = tables.Column(
        lambda row: columns.standing(row.lease),
        verbose_name=_("Details"),
    )
    hosts = tables.WrappingColumn(
        lambda row: ", ".join(row.hosts), verbose_name=labels.HOST
    )
    ends = tables.Column(ends, verbose_name=_("Ends"))

    def get_object_id(self, row: owned.Owned) -> str:
        return row.id

    class Meta:
        name = "leases"
        verbose_name = _("GPU leases of all projects")
        row_class = Row
        status_columns = ("state",)
        row_actions = (End,)
        row_actions_dropdown_template = "gpubroker/_row_actions.html"
        pagination_param = "lease_marker"
        prev_pagination_param = "prev_lease_marker"
        hidden_title = True
        css_classes = "gpu-list"
