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
"""The state of a card on the map of all of them, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy
from django.utils.translation import pgettext_lazy

from gpubroker.client.sdk import device as device_sdk
from gpubroker.dashboard.words import devices as words
from gpubroker.dashboard.words import states

STATES = {
    states.State.FREE: pgettext_lazy("state of a GPU", "Free"),
    states.State.LEASED: pgettext_lazy("state of a GPU", "Leased"),
    states.State.OUTSIDE: pgettext_lazy("state of a GPU", "Used outside"),
    states.State.FENCED: pgettext_lazy("state of a GPU", "Fenced"),
    states.State.SICK: pgettext_lazy("state of a GPU", "Sick"),
    states.State.VANISHED: pgettext_lazy("state of a GPU", "Vanished"),
    states.State.UNKNOWN: pgettext_lazy("state of a GPU", "Unknown"),
}

_COUNTED = {
    states.State.FREE: ngettext_lazy(
        "%(count)d free", "%(count)d free", "count"
    ),
    states.State.LEASED: ngettext_lazy(
        "%(count)d leased", "%(count)d leased", "count"
    ),
    states.State.OUTSIDE: ngettext_lazy(
        "%(count)d used outside", "%(count)d used outside", "count"
    ),
    states.State.FENCED: ngettext_lazy(
        "%(count)d fenced", "%(count)d fenced", "count"
    ),
    states.State.SICK: ngettext_lazy(
        "%(count)d sick", "%(count)d sick", "count"
    ),
    states.State.VANISHED: ngettext_lazy(
        "%(count)d vanished", "%(count)d vanished", "count"
    ),
    states.State.UNKNOWN: ngettext_lazy(
        "%(count)d unknown", "%(count)d unknown", "count"
    ),
}


def counted(state: states.State, count: int) -> str:
    return str(_COUNTED[state] % {"count": count})


def state(found: states.State) -> str:
    return str(STATES[found])


def why(device: device_sdk.Device, found: states.State) -> str:
    """What makes it so; may be empty. What the service or an operator wrote
    comes as they did."""
    return _WHY[found](device)


def _health(device: device_sdk.Device) -> str:
    facts = [one.get("detail") or "" for one in device.health_reasons or ()]
    return " ".join(fact for fact in facts if fact)


def _sick(device: device_sdk.Device) -> str:
    return _health(device) or _fences(device, "health")


def _fenced(device: device_sdk.Device) -> str:
    known = sorted(states.reasons(device) - states.TOLD_OTHERWISE)
    return "; ".join(_fences(device, reason) for reason in known)


def _fences(device: device_sdk.Device, reason: str) -> str:
    said = [
        str(fence.get("detail") or "")
        for fence in device.fences or ()
        if fence.get("reason") == reason
    ]
    return ": ".join(filter(None, [words.fence(reason), *said]))


_WHY: dict[states.State, Callable[[device_sdk.Device], str]] = {
    states.State.FREE: lambda device: "",
    states.State.LEASED: words.use,
    states.State.OUTSIDE: words.use,
    states.State.FENCED: _fenced,
    states.State.SICK: _sick,
    states.State.VANISHED: _health,
    states.State.UNKNOWN: words.missing,
}


def label(device: device_sdk.Device, seen: states.Seen) -> str:
    """All that a square says, for who can not see it."""
    parts: list[Any] = [words.place(device), words.model(device)]
    said = state(seen.state)
    because = why(device, seen.state)
    parts.append(f"{said} ({because})" if because else said)
    if seen.used:
        parts.append(words.use(device))
    if seen.suspect:
        parts.append(_("suspect: %(why)s") % {"why": _health(device)})
    return ", ".join(parts)
