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

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import html
from django.utils.translation import gettext_lazy as _
from horizon import tables

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard.content.project.leases import rules
from gpubroker.dashboard.words import leases as words
from gpubroker.dashboard.words import times

_PANEL = "horizon:project:gpu_leases"


class _RowAction(tables.LinkAction):
    """Shown also where it can not be done, with the reason."""

    classes: tuple[str, ...] = ("ajax-modal",)

    def why_not(self, request: Any, lease: lease_sdk.Lease) -> str:
        raise NotImplementedError

    def allowed(
        self, request: Any, lease: lease_sdk.Lease | None = None
    ) -> bool:
        if lease is None:
            return True
        why = self.why_not(request, lease)
        if why:
            _disable(self, why)
        return not lease.is_final


class Extend(_RowAction):
    name = "extend"
    verbose_name = _("Extend")
    url = f"{_PANEL}:extend"
    icon = "clock"

    def why_not(self, request: Any, lease: lease_sdk.Lease) -> str:
        return rules.why_not_extend(request, lease)


class End(_RowAction):
    name = "end"
    verbose_name = _("End")
    url = f"{_PANEL}:end"
    classes = ("ajax-modal", "btn-danger")
    icon = "stop"

    def why_not(self, request: Any, lease: lease_sdk.Lease) -> str:
        return rules.why_not_end(request, lease)


def _disable(action: tables.LinkAction, why: str) -> None:
    """As Horizon's own "Launch Instance (Quota exceeded)"."""
    action.classes = [c for c in action.classes if c != "ajax-modal"]
    action.classes.append("disabled")
    action.attrs = {**action.attrs, "aria-disabled": "true"}
    action.verbose_name = f"{action.verbose_name} ({why})"


class Row(tables.Row):
    """Asked for anew while something is being done with the lease."""

    ajax = True

    def get_data(self, request: Any, lease_id: str) -> lease_sdk.Lease:
        return api.lease(request, lease_id)


def _standing(lease: lease_sdk.Lease) -> str:
    """Place in the queue, what is being done, or what is wrong."""
    return render_to_string(
        "project/gpu_leases/_standing.html",
        {
            "place": words.place(lease),
            "doing": words.now_doing(lease.progress or ()),
            "why": words.why(lease),
        },
    )


def _ends(lease: lease_sdk.Lease) -> str:
    if lease.expires_at:
        return times.moment(lease.expires_at)
    if lease.duration and not lease.is_final:
        return str(_("%s after its start") % times.length(lease.duration))
    return "" if lease.is_final else str(_("when you end it"))


def _login(lease: lease_sdk.Lease) -> str:
    logins = [one["login"] for one in lease.servers or () if one.get("login")]
    return str(
        html.format_html_join("", "<div><code>{}</code></div>", zip(logins))
    )


_NAME = {"link": f"{_PANEL}:detail", "verbose_name": _("Name")}


class Living(tables.DataTable):
    name = tables.WrappingColumn("name", **_NAME)
    gpus = tables.Column(words.gpus, verbose_name=_("GPUs"))
    state = tables.Column(
        "state",
        verbose_name=_("State"),
        status=True,
        status_choices=(
            ("queued", None),
            ("starting", None),
            ("ending", None),
            ("active", True),
        ),
        display_choices=tuple(words.STATES.items()),
    )
    standing = tables.Column(_standing, verbose_name=_("Where it stands"))
    login = tables.Column(
        _login,
        verbose_name=_("Log in"),
    )
    ends = tables.Column(_ends, verbose_name=_("Ends"))

    def get_object_id(self, lease: lease_sdk.Lease) -> str:
        return str(lease.id)

    class Meta:
        name = "leases"
        verbose_name = _("Current GPU leases")
        row_class = Row
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
        verbose_name=_("State"),
        display_choices=tuple(words.STATES.items()),
    )
    why = tables.WrappingColumn(
        lambda lease: words.why(lease) or words.cause(lease),
        verbose_name=_("Why"),
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
    return str(reverse(f"{_PANEL}:detail", args=[lease_id]))
