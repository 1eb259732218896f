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


"""Rules of devices. Serial numbers and addresses are the operators'."""

from __future__ import annotations

from gpubroker.policies import base

_DEVICE = "/v1/devices/{device_id}"
_FENCE = f"{_DEVICE}/fences/{{reason}}"

RULES = [
    base.rule(
        "device",
        "list",
        base.ADMIN,
        "List devices.",
        (("GET", "/v1/devices"),),
    ),
    base.rule(
        "device",
        "show",
        base.ADMIN,
        "Show a device and its fences.",
        (("GET", _DEVICE), ("GET", f"{_DEVICE}/fences"), ("GET", _FENCE)),
    ),
    base.rule(
        "device",
        "fence",
        base.ADMIN,
        "Keep a device from being given out.",
        (("PUT", _FENCE),),
    ),
    base.rule(
        "device",
        "unfence",
        base.ADMIN,
        "Lift a fence of a device.",
        (("DELETE", _FENCE),),
    ),
    base.rule(
        "device",
        "event:list",
        base.ADMIN,
        "List the history of a device.",
        (("GET", f"{_DEVICE}/events"),),
    ),
]
