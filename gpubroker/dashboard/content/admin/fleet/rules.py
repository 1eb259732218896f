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

"""What can be done with a device now, by whom, and why not. Pure but for the
question to the policy."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import host as host_sdk
from gpubroker.dashboard.content import access
from gpubroker.dashboard.words import states

#: Fences that a person lifts, in the order in which they are offered.
BY_HAND = ("operator", "unadmitted", "health")


def liftable(device: device_sdk.Device) -> list[str]:
    """A card that is only suspect has no fence, and the same clears it."""
    held = states.reasons(device)
    if device.health == "SUSPECT":
        held.add("health")
    return [reason for reason in BY_HAND if reason in held]


def staying(device: device_sdk.Device, lifted: str) -> list[str]:
    """Fences that are there still when this one is gone."""
    return sorted(states.reasons(device) - {lifted})


def why_not_fence(request: Any) -> str:
    """Why it can not be fenced; empty where it can."""
    return access.why_not(request, "device:fence")


def why_not_unfence(request: Any, device: device_sdk.Device) -> str:
    """Why no fence of it can be lifted; empty where one can."""
    if not liftable(device):
        return _("it has no fence that is lifted by hand")
    return access.why_not(request, "device:unfence")


def moving(device: device_sdk.Device, host: host_sdk.Host | None) -> bool:
    """Whether something is being done that a page should follow: a lease
    starts, or Placement does not yet show what the fences say."""
    held = states.reasons(device)
    if states.use(device) == "claimed":
        return True
    if device.state == "vanished" or "external" in held:
        return False
    provider = device.provider or {}
    if not host or host.mode != "manage" or not provider.get("total"):
        return False
    return bool(held) != bool(provider.get("reserved"))
