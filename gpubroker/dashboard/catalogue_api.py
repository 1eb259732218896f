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

"""What operators keep, asked of the service: flavors, models and pools.

A part of ``api.py``, in a file of its own for its length. A change names the
generation that it was read at, so that the service refuses one of something
that has changed meanwhile.
"""

from __future__ import annotations

from typing import Any

from gpubroker.client.sdk import flavor as flavor_sdk
from gpubroker.client.sdk import host as host_sdk
from gpubroker.client.sdk import model as model_sdk
from gpubroker.client.sdk import pool as pool_sdk
from gpubroker.dashboard import api


def flavor(request: Any, flavor_id: str) -> flavor_sdk.Flavor:
    with api.told():
        return api.broker(request).get_flavor(flavor_id)


def create_flavor(request: Any, **attrs: Any) -> flavor_sdk.Flavor:
    """:raises BrokerError: with the field that was wrong."""
    with api.told():
        return api.broker(request).create_flavor(**attrs)


def update_flavor(
    request: Any, flavor_id: str, **attrs: Any
) -> flavor_sdk.Flavor:
    """:raises BrokerError: with the field that was wrong."""
    with api.told():
        return api.broker(request).update_flavor(flavor_id, **attrs)


def delete_flavor(request: Any, flavor_id: str) -> None:
    with api.told():
        api.broker(request).delete_flavor(flavor_id, ignore_missing=False)


def model(request: Any, name: str) -> model_sdk.Model:
    with api.told():
        return api.broker(request).get_model(name)


def create_model(request: Any, **attrs: Any) -> model_sdk.Model:
    """:raises BrokerError: with the field that was wrong."""
    with api.told():
        return api.broker(request).create_model(**attrs)


def update_model(request: Any, name: str, **attrs: Any) -> model_sdk.Model:
    """:raises BrokerError: with the field that was wrong."""
    with api.told():
        return api.broker(request).update_model(name, **attrs)


def delete_model(request: Any, name: str) -> None:
    """:raises BrokerError: while a flavor or a device is of it."""
    with api.told():
        api.broker(request).delete_model(name, ignore_missing=False)


def cards(request: Any, model_name: str, most: int) -> int:
    """How many devices are of a model; ``most`` where there are more."""
    with api.told():
        found = api.broker(request).devices(
            model=model_name, paginated=False, limit=most
        )
        return len(list(found))


def pool(request: Any, name: str) -> pool_sdk.Pool:
    with api.told():
        return api.broker(request).get_pool(name)


def create_pool(request: Any, **attrs: Any) -> pool_sdk.Pool:
    """:raises BrokerError: with the field that was wrong."""
    with api.told():
        return api.broker(request).create_pool(**attrs)


def update_pool(request: Any, name: str, **attrs: Any) -> pool_sdk.Pool:
    """:raises BrokerError: with the field that was wrong."""
    with api.told():
        return api.broker(request).update_pool(name, **attrs)


def delete_pool(request: Any, name: str) -> None:
    """:raises BrokerError: while hosts or leases that are not over are in
    it.
    """
    with api.told():
        api.broker(request).delete_pool(name, ignore_missing=False)


def move_host(request: Any, name: str, pool_name: str) -> host_sdk.Host:
    """:raises BrokerError: while a lease holds a card of the host."""
    with api.told():
        return api.broker(request).update_host(name, pool=pool_name)
