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

"""The list of pools."""

from __future__ import annotations

import urllib.parse
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import tables

from gpubroker.dashboard.content import access
from gpubroker.dashboard.content import actions
from gpubroker.dashboard.content.admin import lists
from gpubroker.dashboard.content.admin.pools import listed
from gpubroker.dashboard.words import pools as words

PANEL = "horizon:admin:gpu_pools"


class Update(lists.Update):
    url = f"{PANEL}:update"
    noun = "pool"


class Hosts(actions.RowAction):
    name = "hosts"
    verbose_name = gettext_lazy("Move Hosts Here")
    url = f"{PANEL}:hosts"
    # A page of its own: there may be many hosts.
    classes = ()
    icon = "server"

    def why_not(self, request: Any, row: listed.Listed) -> str:
        return access.why_not(request, "host:update")


class Delete(lists.Delete):
    url = f"{PANEL}:delete"
    noun = "pool"

    def why_not(self, request: Any, row: listed.Listed) -> str:
        return super().why_not(request, row) or kept(row.pool)


def kept(pool: Any) -> str:
    """Why a pool has to stay; empty where it may go."""
    if pool.name == listed.DEFAULT:
        return _("hosts that are found go there")
    return _("hosts are in it") if pool.hosts else ""


def _fleet(row: listed.Listed) -> str:
    """Where its hosts and their cards are shown."""
    asked = urllib.parse.urlencode({"pool": row.name})
    return f"{reverse('horizon:admin:gpu_fleet:index')}?{asked}"


class Pools(tables.DataTable):
    name = tables.WrappingColumn(
        "name", link=_fleet, verbose_name=gettext_lazy("Name")
    )
    description = tables.WrappingColumn(
        lambda row: row.pool.description,
        verbose_name=gettext_lazy("Description"),
    )
    hosts = tables.Column(
        lambda row: row.pool.hosts, verbose_name=gettext_lazy("Hosts")
    )
    admission = tables.WrappingColumn(
        lambda row: words.admission(row.pool),
        verbose_name=gettext_lazy("Admission"),
    )
    owners = tables.WrappingColumn(
        lambda row: ", ".join(row.owners) or _("Everybody"),
        verbose_name=gettext_lazy("Who may order"),
    )

    def get_object_id(self, row: listed.Listed) -> str:
        return row.name

    class Meta:
        name = "pools"
        verbose_name = gettext_lazy("GPU pools")
        row_actions = (Update, Hosts, Delete)
        row_actions_dropdown_template = "gpubroker/_row_actions.html"
        hidden_title = True
        css_classes = "gpu-list"
