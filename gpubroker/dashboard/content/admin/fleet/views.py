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

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from django import http
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import exceptions
from horizon import views
from horizon.utils import functions

from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import host as host_sdk
from gpubroker.client.sdk import pool as pool_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard import errors
from gpubroker.dashboard import fleet_api
from gpubroker.dashboard.content import zoned
from gpubroker.dashboard.content.admin.fleet import chosen
from gpubroker.dashboard.content.admin.fleet import rows
from gpubroker.dashboard.content.admin.fleet.detail import Detail
from gpubroker.dashboard.content.admin.fleet.detail import Now
from gpubroker.dashboard.content.admin.fleet.dialogs import Fence
from gpubroker.dashboard.content.admin.fleet.dialogs import Unfence
from gpubroker.dashboard.content.admin.pools import listed
from gpubroker.dashboard.words import devices as device_words
from gpubroker.dashboard.words import fleet as words

__all__ = ["Detail", "Fence", "Index", "Now", "Unfence"]

#: Hosts on one page at most, whatever size of a list somebody prefers: so
#: many can be named in one question to the API.
MOST_HOSTS = 100


class Index(zoned.Zoned, views.HorizonTemplateView):
    template_name = "admin/gpu_fleet/index.html"
    page_title = gettext_lazy("GPU Fleet")

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """A search that finds one card leads to its page."""
        text = request.GET.get("card", "").strip()
        found, error = self._search(text) if text else ([], "")
        if len(found) == 1:
            return http.HttpResponseRedirect(chosen.detail_url(found[0].id))
        kwargs.update(
            searched=text,
            search_error=error,
            matches=[_match(one) for one in found],
        )
        return super().get(request, *args, **kwargs)

    def _search(self, text: str) -> tuple[list[device_sdk.Device], str]:
        """What was found, or why nothing was."""
        try:
            found = fleet_api.search_devices(self.request, text)
        except errors.SignInAgain:
            exceptions.handle(self.request)
            raise
        except errors.BrokerError as error:
            return [], str(error)
        return found, "" if found else _none(text)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context.update(self._fleet())
        return context

    def _fleet(self) -> dict[str, Any]:
        """Empty where the service could not tell; a message says why."""
        try:
            pools = api.pools(self.request)
            pool = _chosen(pools, self.request.GET.get("pool"))
            return {
                "pools": sorted(one.name for one in pools),
                "pool": pool,
                **(self._page(pool) if pool else {}),
            }
        except Exception:
            exceptions.handle(self.request, _("The fleet could not be read."))
            return {}

    def _page(self, pool: str) -> dict[str, Any]:
        request = self.request
        after, before = request.GET.get("after"), request.GET.get("before")
        forth = not before
        size = min(functions.get_page_size(request), MOST_HOSTS)
        hosts, more = fleet_api.hosts(
            request, pool, size, before or after, forth
        )
        fleet = rows.fleet(
            hosts,
            fleet_api.devices(request, [host.name for host in hosts]),
            api.models(request),
            datetime.datetime.now(datetime.UTC),
        )
        has_next, has_previous = (more, bool(after)) if forth else (True, more)
        return {
            "fleet": fleet,
            "legend": [
                {"state": state, "words": words.counted(state, count)}
                for state, count in fleet.tally.states
            ],
            "next": _name(hosts[-1:]) if has_next else "",
            "previous": _name(hosts[:1]) if has_previous else "",
        }


def _name(hosts: Sequence[host_sdk.Host]) -> str:
    return hosts[0].name if hosts else ""


def _chosen(pools: Sequence[pool_sdk.Pool], asked: str | None) -> str:
    """The pool that was asked for, else that of all new hosts, else any."""
    names = sorted(pool.name for pool in pools)
    for name in (asked, listed.DEFAULT):
        if name in names:
            return str(name)
    return names[0] if names else ""


def _none(text: str) -> str:
    return _(
        "There is no card \u201c%(text)s\u201d. Give its serial number, its "
        "UUID, its id, or host/PCI address."
    ) % {"text": text}


def _match(device: device_sdk.Device) -> dict[str, str]:
    return {
        "id": str(device.id),
        "words": f"{device.host}: {device_words.place(device)}, "
        f"{device_words.model(device)}",
    }
