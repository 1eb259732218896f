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
"""The lists of leases."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from horizon import tables

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard.content import actions
from gpubroker.dashboard.content.leases import columns
from gpubroker.dashboard.content.leases import rules
from gpubroker.dashboard.words import leases as words
from gpubroker.dashboard.words import times

PANEL = "horizon:project:gpu_leases"


class _LeaseAction(actions.RowAction):
    def shown(self, lease: lease_sdk.Lease) -> bool:
        return not lease.is_final


class Extend(_LeaseAction):
    name = "extend"
    verbose_name = _("Extend")
    url = f"{PANEL}:extend"
    icon = "clock"

    def why_not(self, request: Any, lease: lease_sdk.Lease) -> str:
        return rules.why_not_extend(request, lease)


class End(_LeaseAction):
    name = "end"
    verbose_name = _("End")
    url = f"{PANEL}:end"
    classes = ("ajax-modal", "btn-danger")
    icon = "stop"

    def why_not(self, request: Any, lease: lease_sdk.Lease) -> str:
        return rules.why_not_end(request, lease)


def _ends(lease: lease_sdk.Lease) -> str:
    never = "" if lease.is_final else str(_("when you end it"))
    return columns.end(lease) or never


def _login(lease: lease_sdk.Lease) -> str:
    logins = [one["login"] for one in lease.servers or () if one.get("login")]
    return str(
        html.format_html_join("", "<div><code>{}</code></div>", zip(logins))
    )


_NAME = {"link": f"{PANEL}:detail", "verbose_name": _("Name")}


class Living(tables.DataTable):
    name = tables.WrappingColumn("name", **_NAME)
    gpus = tables.Column(words.gpus, verbose_name=_("GPUs"))
    state = tables.Column("state", **columns.STATE)
    standing = tables.Column(columns.standing, verbose_name=_("Details"))
    login = tables.Column(
        _login,
        # Without a context it would be said on Horizon's own login page.
        verbose_name=pgettext_lazy("to a server", "Log in"),
    )
    ends = tables.Column(_ends, verbose_name=_("Ends"))

    def get_object_id(self, lease: lease_sdk.Lease) -> str:
        return str(lease.id)

    class Meta:
        name = "leases"
        verbose_name = _("Current GPU leases")
        row_class = columns.Row
        status_columns = ("state",)
        row_actions = (Extend, End)
        row_actions_dropdown_template = "gpubroker/_row_actions.html"
        pagination_param = "lease_marker"
        prev_pagination_param = "prev_lease_marker"
        hidden_title = True


class Past(tables.DataTable):
    name = tables.WrappingColumn("name", **_NAME)
    gpus = tables.Column(words.gpus, verbose_name=_("GPUs"))
    state = tables.Column(
        "state",
        verbose_name=_("Status"),
        display_choices=tuple(words.STATES.items()),
    )
    why = tables.WrappingColumn(
        lambda lease: words.why(lease) or words.cause(lease),
        verbose_name=_("Reason"),
    )
    ended = tables.Column(
        lambda lease: times.moment(lease.ended_at), verbose_name=_("Ended at")
    )

    def get_object_id(self, lease: lease_sdk.Lease) -> str:
        return str(lease.id)

    class Meta:
        name = "past_leases"
        verbose_name = _("Past GPU leases")
        pagination_param = "past_lease_marker"
        prev_pagination_param = "prev_past_lease_marker"
        hidden_title = True


def detail_url(lease_id: str) -> str:
    return str(reverse(f"{PANEL}:detail", args=[lease_id]))
