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


"""A line of a history as the API shows it."""

from __future__ import annotations

from typing import Any

from gpubroker.api.call import Call
from gpubroker.api.views import times
from gpubroker.domain import events
from gpubroker.services import paging


def listing(
    call: Call, found: paging.Listing[events.Event], detail: bool
) -> dict[str, Any]:
    items = [show(event, detail) for event in found.items]
    return call.listing("events", items, found, "id")


def show(event: events.Event, detail: bool) -> dict[str, Any]:
    """:param detail: whether an operator asks: hosts, addresses, serials."""
    view: dict[str, Any] = {
        "id": event.id,
        "at": times.exact(event.at),
        "kind": event.kind,
        "message": event.message,
        "request_id": event.request_id,
        "by": _by(event, detail),
    }
    if detail:
        view["detail"] = dict(event.detail)
    return view


def _by(event: events.Event, detail: bool) -> str | None:
    if event.operator and not detail:
        return "operator"
    return event.by or None
