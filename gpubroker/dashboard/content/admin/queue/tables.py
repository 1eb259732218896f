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

"""The queue of a pool."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import tables

from gpubroker.dashboard.content.admin.leases import owned
from gpubroker.dashboard.content.admin.leases import tables as leases
from gpubroker.dashboard.content.leases import pages
from gpubroker.dashboard.words import leases as words
from gpubroker.dashboard.words import times

PANEL = "horizon:admin:gpu_queue"


class End(leases.End):
    url = f"{PANEL}:end"


def _place(row: owned.Owned) -> str:
    number = (row.lease.queue or {}).get("place")
    return str(number) if number else _("none")


def _waits(row: owned.Owned) -> str:
    """How long, and since when."""
    ordered = times.read(row.lease.requested_at)
    if ordered is None:
        return ""
    waited = datetime.datetime.now(datetime.UTC) - ordered
    return _("%(length)s, since %(time)s") % {
        "length": times.length(max(waited.total_seconds(), 0)),
        "time": times.when(ordered),
    }


def _runs(row: owned.Owned) -> str:
    """How long it would hold its GPUs."""
    if row.lease.duration:
        return times.length(row.lease.duration)
    return _("until it is ended")


def _why(row: owned.Owned) -> str:
    return render_to_string(
        "gpubroker/leases/_standing.html", {"why": words.why(row.lease)}
    )


class Queue(pages.Filtered):
    filters: ClassVar[tuple[str, ...]] = ("pool",)

    place = tables.Column(_place, verbose_name=gettext_lazy("Place"))
    name = tables.WrappingColumn(
        "name",
        link=f"{leases.PANEL}:detail",
        verbose_name=gettext_lazy("Lease"),
    )
    project = tables.WrappingColumn(
        "project", verbose_name=gettext_lazy("Project")
    )
    user = tables.WrappingColumn("user", verbose_name=gettext_lazy("User"))
    flavor = tables.WrappingColumn(
        lambda row: row.lease.flavor, verbose_name=gettext_lazy("Flavor")
    )
    gpus = tables.Column(
        lambda row: words.gpus(row.lease), verbose_name=gettext_lazy("GPUs")
    )
    runs = tables.Column(_runs, verbose_name=gettext_lazy("Duration"))
    waits = tables.WrappingColumn(_waits, verbose_name=gettext_lazy("Waiting"))
    why = tables.WrappingColumn(_why, verbose_name=gettext_lazy("Reason"))

    def get_object_id(self, row: Any) -> str:
        return str(row.id)

    class Meta:
        name = "queue"
        verbose_name = gettext_lazy("Queue")
        row_actions = (End,)
        row_actions_dropdown_template = "gpubroker/_row_actions.html"
        pagination_param = "lease_marker"
        prev_pagination_param = "prev_lease_marker"
        hidden_title = True
        css_classes = "gpu-list"
