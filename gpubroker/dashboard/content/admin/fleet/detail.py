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

"""The page of one device, and the part of it that is asked for anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from horizon import views

from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import event as event_sdk
from gpubroker.dashboard import catalogue_api
from gpubroker.dashboard import fleet_api
from gpubroker.dashboard.content import followed
from gpubroker.dashboard.content import history as pages
from gpubroker.dashboard.content.admin import people
from gpubroker.dashboard.content.admin.fleet import blocks
from gpubroker.dashboard.content.admin.fleet import chosen
from gpubroker.dashboard.content.admin.fleet import rules
from gpubroker.dashboard.words import devices as words
from gpubroker.dashboard.words import fleet as fleet_words
from gpubroker.dashboard.words import hosts as host_words
from gpubroker.dashboard.words import states
from gpubroker.dashboard.words import times


class _Device(chosen.OfOneDevice, views.HorizonTemplateView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        request, device = self.request, self.device
        events, history = self._history()
        names = people.actors(
            request,
            [
                *(event.by for event in events),
                *(fence.get("by") for fence in device.fences or ()),
            ],
        )
        return {
            **context,
            **described(device, names),
            "host": self.host,
            "host_state": host_words.state(self.host) if self.host else "",
            "host_mode": host_words.mode(self.host) if self.host else "",
            "blocks": self._blocks(),
            "moving": rules.moving(device, self.host),
            "why_not_fence": rules.why_not_fence(request),
            "why_not_unfence": rules.why_not_unfence(request, device),
            "events": [_event(one, names) for one in events],
            **history,
            "page_url": chosen.detail_url(device.id),
            "by_whom": True,
        }

    def _blocks(self) -> list[list[int]]:
        """Slots that belong together with its own."""
        if self.device.model is None:
            return []
        try:
            model = catalogue_api.model(self.request, self.device.model)
        except Exception:
            exceptions.handle(self.request, _("The model could not be read."))
            return []
        return blocks.of_slot(self.device.slot, model.blocks or ())

    def _history(self) -> tuple[list[event_sdk.DeviceEvent], dict[str, str]]:
        request, device_id = self.request, self.device.id
        return pages.page(
            request,
            lambda size, marker: fleet_api.device_events(
                request, device_id, size, marker
            ),
            _("The history of the device could not be read."),
        )


def _event(
    one: event_sdk.DeviceEvent, names: Mapping[str, str]
) -> dict[str, str]:
    return {
        "at": times.exact(one.at),
        "title": words.event(one.kind),
        "message": one.message,
        "by": _name(one.by, names),
    }


def _name(by: str | None, names: Mapping[str, str]) -> str:
    return names.get(by or "") or by or ""


class Detail(_Device):
    template_name = "admin/gpu_fleet/detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # Not the view's attribute: Horizon takes that for a template.
        title = f"{self.device.host}/{self.device.pci_address}"
        return {**super().get_context_data(**kwargs), "page_title": title}


class Now(followed.Followed, _Device):
    """What of the page may have changed, for a script to put in place."""

    template_name = "admin/gpu_fleet/_now.html"


def described(
    device: device_sdk.Device, names: Mapping[str, str]
) -> dict[str, Any]:
    """What a page says of a device, in the person's words.

    :param names: of users, by their ids.
    """
    seen = states.seen(device)
    return {
        "device": device,
        "seen": seen,
        "state": fleet_words.state(seen.state),
        "why": fleet_words.why(device, seen.state),
        "use": words.use(device),
        "servers": (device.use or {}).get("consumers") or [],
        "model": words.model(device),
        "health": words.health(device),
        "health_reasons": [
            {"title": words.rule(one["rule"]), "detail": one["detail"]}
            for one in device.health_reasons or ()
        ],
        "fences": [_fence(one, names) for one in device.fences or ()],
        "first_seen": times.moment(device.first_seen_at),
        "last_seen": times.moment(device.last_seen_at),
    }


def _fence(found: dict[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    reason = str(found.get("reason"))
    return {
        "reason": words.fence(reason),
        "detail": found.get("detail") or "",
        "by": _name(found.get("by"), names),
        "since": times.moment(found.get("created_at")),
        "lifted": words.lifted(reason),
    }
