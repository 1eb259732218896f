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
from collections.abc import Mapping, Sequence
from typing import Any

from django import http
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from horizon import exceptions
from horizon import views
from horizon.utils import functions

from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import host as host_sdk
from gpubroker.dashboard import api
from gpubroker.dashboard import errors
from gpubroker.dashboard import fleet_api
from gpubroker.dashboard.content import zoned
from gpubroker.dashboard.content.admin.fleet import asked
from gpubroker.dashboard.content.admin.fleet import chosen
from gpubroker.dashboard.content.admin.fleet import rows
from gpubroker.dashboard.content.admin.fleet.detail import Detail
from gpubroker.dashboard.content.admin.fleet.detail import Now
from gpubroker.dashboard.content.admin.fleet.dialogs import Fence
from gpubroker.dashboard.content.admin.fleet.dialogs import Unfence
from gpubroker.dashboard.words import devices as device_words
from gpubroker.dashboard.words import states

__all__ = ["Detail", "Fence", "Index", "Now", "Unfence"]

#: Hosts on one page at most, whatever size of a list somebody prefers: so
#: many can be named in one question to the API.
MOST_HOSTS = 100


class Index(zoned.Zoned, views.HorizonTemplateView):
    template_name = "admin/gpu_fleet/index.html"
    page_title = gettext_lazy("GPU Fleet")

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """A search that finds one card leads to its page, and one for a host
        to the host."""
        text = request.GET.get("card", "").strip()
        found, error = self._search(text) if text else ([], "")
        if len(found) == 1:
            return http.HttpResponseRedirect(chosen.detail_url(found[0].id))
        host = self._host(text) if text and not found else None
        if host is not None:
            query = asked.Asked(host.pool, host=host.name).query
            return http.HttpResponseRedirect(f"{request.path}?{query}")
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

    def _host(self, name: str) -> host_sdk.Host | None:
        try:
            return fleet_api.find_host(self.request, name)
        except errors.BrokerError:
            # What was searched for is told to be wrong already.
            return None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context.update(self._fleet())
        return context

    def _fleet(self) -> dict[str, Any]:
        """Empty where the service could not tell; a message says why."""
        try:
            pools = api.pools(self.request)
            query = self.request.GET
            wanted = asked.of(
                pools,
                query.get("pool"),
                query.getlist("state"),
                query.get("host"),
            )
            if wanted is None:
                return {"pools": []}
            (pool,) = (one for one in pools if one.name == wanted.pool)
            return {
                "pools": sorted(one.name for one in pools),
                "pool": wanted.pool,
                "asked": wanted,
                **_counted(wanted, pool.devices or {}),
                **self._page(wanted),
            }
        except Exception:
            exceptions.handle(self.request, _("The fleet could not be read."))
            return {}

    def _page(self, wanted: asked.Asked) -> dict[str, Any]:
        request = self.request
        after, before = request.GET.get("after"), request.GET.get("before")
        forth = not before
        size = min(functions.get_page_size(request), MOST_HOSTS)
        hosts, more = fleet_api.hosts(
            request, wanted.pool, size, before or after, forth, **wanted.only
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
            "next": _name(hosts[-1:]) if has_next else "",
            "previous": _name(hosts[:1]) if has_previous else "",
        }


def _counted(
    wanted: asked.Asked, devices: Mapping[str, int]
) -> dict[str, Any]:
    """The whole pool, whatever of it the page shows."""
    counts = [(one, devices.get(one.value, 0)) for one in states.LEGEND]
    return {
        "total": devices.get("total", 0),
        "withheld": devices.get("withheld", 0),
        "legend": asked.legend(wanted, counts),
        "wrong": asked.wrong(wanted, counts),
    }


def _name(hosts: Sequence[host_sdk.Host]) -> str:
    return hosts[0].name if hosts else ""


def _none(text: str) -> str:
    return _(
        "There is no card \u201c%(text)s\u201d. Give its serial number, its "
        "UUID, its id, host/PCI address, or the name of a host."
    ) % {"text": text}


def _match(device: device_sdk.Device) -> dict[str, str]:
    return {
        "id": str(device.id),
        "words": f"{device.host}: {device_words.place(device)}, "
        f"{device_words.model(device)}",
    }
