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

"""Hosts and their devices, asked of the service, and fences set and lifted.

A part of ``api.py``, in a file of its own for its length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpubroker.client.sdk import device as device_sdk
from gpubroker.client.sdk import event as event_sdk
from gpubroker.client.sdk import host as host_sdk
from gpubroker.dashboard import api


def hosts(
    request: Any,
    pool: str,
    size: int,
    marker: str | None = None,
    forth: bool = True,
    **only: Any,
) -> tuple[list[host_sdk.Host], bool]:
    """Some hosts of a pool by name, and whether there are others beyond.

    :param marker: the name that they come after, or before.
    :param only: filters of the list.
    """
    with api.told():
        found = list(
            api.broker(request).hosts(
                paginated=False,
                pool=pool,
                # One more than is shown tells whether there are others.
                limit=size + 1,
                marker=marker,
                sort_key="name",
                sort_dir="asc" if forth else "desc",
                **only,
            )
        )
    some = found[:size]
    return some if forth else some[::-1], len(found) > size


def all_hosts(request: Any, pool: str) -> list[host_sdk.Host]:
    """Those of a pool, by name."""
    with api.told():
        return list(api.broker(request).hosts(pool=pool, sort_key="name"))


def host(request: Any, name: str) -> host_sdk.Host:
    with api.told():
        return api.broker(request).get_host(name)


def find_host(request: Any, name: str) -> host_sdk.Host | None:
    with api.told():
        return api.broker(request).find_host(name)


def devices(request: Any, hosts: Sequence[str]) -> list[device_sdk.Device]:
    """All devices of at most a hundred hosts."""
    if not hosts:
        return []
    with api.told():
        return list(api.broker(request).devices(host=list(hosts)))


def device(request: Any, device_id: str) -> device_sdk.Device:
    with api.told():
        return api.broker(request).get_device(device_id)


def search_devices(request: Any, text: str) -> list[device_sdk.Device]:
    """By id, host and PCI address, serial number or UUID."""
    with api.told():
        return api.broker(request).search_devices(text)


def device_events(
    request: Any, device_id: str, size: int, marker: str | None = None
) -> tuple[list[event_sdk.DeviceEvent], bool]:
    """Some of a device's history, the newest first, and whether there is
    more of it.

    :param marker: the id of the event that they come before.
    """
    events = api.broker(request).device_events
    return api.newest(events, device_id, size, marker)


def fence(request: Any, device_id: str, detail: str) -> None:
    """Keep a device back for the operator's reason.

    :param detail: why, for the next operator.
    """
    with api.told():
        api.broker(request).fence_device(device_id, detail)


def unfence(request: Any, device_id: str, reason: str, detail: str) -> None:
    """Lift one fence of a device.

    :param detail: why, for the history; may be empty.
    """
    with api.told():
        api.broker(request).unfence_device(device_id, reason, detail)
