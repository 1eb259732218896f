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

"""The page that moves hosts of other pools into one."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils import functional
from django.utils.translation import gettext_lazy as _
from horizon import exceptions

from gpubroker.client.sdk import host as host_sdk
from gpubroker.dashboard import fleet_api
from gpubroker.dashboard.content.admin import dialogs
from gpubroker.dashboard.content.admin.pools import listed
from gpubroker.dashboard.content.admin.pools import move_form
from gpubroker.dashboard.content.admin.pools.chosen import OfOnePool
from gpubroker.dashboard.content.leases import choices
from gpubroker.dashboard.words import hosts as words

#: A page of hosts. Django takes up to a thousand fields of a form.
SIZE = 200


class Filters(forms.Form):
    """Which hosts are shown to choose from."""

    pool = forms.ChoiceField(label=_("From pool"))
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"placeholder": _("part of it")}),
    )

    def __init__(self, request: Any, here: str) -> None:
        """:param here: the pool that they go to."""
        found = [one for one in choices.pools(request) if one[0] != here]
        names = [name for name, _words in found]
        first = listed.DEFAULT if listed.DEFAULT in names else names[:1]
        asked = request.GET
        super().__init__(
            {
                "pool": asked.get("pool") or "".join(first),
                "name": asked.get("name", ""),
            }
        )
        self.fields["pool"].choices = found

    @property
    def possible(self) -> bool:
        """Whether there is another pool."""
        return bool(self.fields["pool"].choices)

    @property
    def query(self) -> str:
        return urllib.parse.urlencode(
            {name: self[name].value() for name in self.fields}
        )


class Hosts(OfOnePool, dialogs.Page):
    form_class = move_form.Move
    template_name = ajax_template_name = "admin/gpu_pools/hosts.html"
    page_title = _("Move Hosts to GPU Pool")
    submit_label = _("Move them")
    rule = "host:update"
    verb = "hosts"

    @functional.cached_property
    def filters(self) -> Filters:
        return Filters(self.request, self.thing.name)

    def get_initial(self) -> dict[str, Any]:
        return {"thing": self.thing}

    def url(self, verb: str) -> str:
        """With what is shown, for when something has to be said of it."""
        return f"{super().url(verb)}?{self.request.GET.urlencode()}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        marked = context["form"]["hosts"].value() or []
        return {
            **context,
            "filters": self.filters,
            "query": self.filters.query,
            **self._page(marked),
        }

    def _page(self, marked: Iterable[str]) -> dict[str, Any]:
        if not self.filters.is_valid():
            return {}
        asked, data = self.request.GET, self.filters.cleaned_data
        before, after = asked.get("before"), asked.get("after")
        forth = not before
        try:
            found, more = self._some(
                data["pool"], data["name"], before or after, forth
            )
        except Exception:
            exceptions.handle(self.request, _("The hosts could not be read."))
            return {}
        has_next, has_previous = (more, bool(after)) if forth else (True, more)
        return {
            "hosts": [_shown(host, marked) for host in found],
            "next": found[-1].name if found and has_next else "",
            "previous": found[0].name if found and has_previous else "",
        }

    def _some(
        self, pool: str, name: str, marker: str | None, forth: bool
    ) -> tuple[list[host_sdk.Host], bool]:
        request = self.request
        if not name:
            return fleet_api.hosts(request, pool, SIZE, marker, forth)
        every = fleet_api.all_hosts(request, pool)
        return page([one for one in every if name in one.name], marker, forth)

    def sentences(self) -> list[Any]:
        name = {"pool": self.thing.name}
        return [
            _("A host of which a lease holds a GPU can not be moved."),
            _("Their GPUs go to orders in the queue of %(pool)s from then on.")
            % name,
            _("Orders that wait for them elsewhere wait for others."),
            _("Who may not order in %(pool)s does not get them.") % name,
        ]


def page(
    every: list[host_sdk.Host], marker: str | None, forth: bool
) -> tuple[list[host_sdk.Host], bool]:
    """Some of them, as the service gives pages, which finds no parts of
    names.

    :param every: in their order.
    """
    places = {host.name: place for place, host in enumerate(every)}
    at = places.get(marker or "", -1)
    if forth:
        rest = every[at + 1 :]
        return rest[:SIZE], len(rest) > SIZE
    rest = every[: max(at, 0)]
    return rest[-SIZE:], len(rest) > SIZE


def _shown(host: host_sdk.Host, marked: Iterable[str]) -> dict[str, Any]:
    counts = host.devices or {}
    return {
        "name": host.name,
        "marked": host.name in marked,
        "state": words.state(host),
        "mode": words.mode(host),
        "total": counts.get("total", 0),
        "in_use": counts.get("in_use", 0),
    }
