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
"""What there is to choose from in an order; each list of its service.

A service that does not answer leaves its list empty and a message behind, so
that the rest of the form can still be used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _
from horizon import exceptions
from openstack_dashboard.api import glance
from openstack_dashboard.api import neutron
from openstack_dashboard.api import nova

from gpubroker.dashboard import api
from gpubroker.dashboard.words import offers as words

Choices = list[tuple[str, str]]


def _asked(request: Any, message: Any, ask: Callable[[], Choices]) -> Choices:
    try:
        return ask()
    except Exception:
        exceptions.handle(request, message)
        return []


def flavors(request: Any) -> Choices:
    """With what could start of each now; what can start comes first."""

    def ask() -> Choices:
        known = {flavor.name: flavor for flavor in api.flavors(request)}
        offers = [o for o in api.offers(request) if o.flavor in known]
        offers.sort(key=lambda o: (not o.available, o.models, o.gpus))
        return [
            (o.flavor or "", words.choice(o, known[o.flavor or ""]))
            for o in offers
        ]

    return _asked(request, _("The GPU flavors could not be read."), ask)


def pools(request: Any) -> Choices:
    def ask() -> Choices:
        return [(pool.name, pool.name) for pool in api.pools(request)]

    return _asked(request, _("The pools could not be read."), ask)


def images(request: Any) -> Choices:
    def ask() -> Choices:
        found = glance.image_list_detailed(
            request, sort_key="name", sort_dir="asc",
            filters={"status": "active"},
        )[0]  # fmt: skip
        return [(image.id, image.name or image.id) for image in found]

    return _asked(request, _("The images could not be read."), ask)


def networks(request: Any) -> Choices:
    def ask() -> Choices:
        found = neutron.network_list_for_tenant(
            request, request.user.project_id
        )
        return sorted(
            ((one.id, one.name_or_id) for one in found), key=lambda x: x[1]
        )

    return _asked(request, _("The networks could not be read."), ask)


def key_pairs(request: Any) -> Choices:
    def ask() -> Choices:
        return [(one.name, one.name) for one in nova.keypair_list(request)]

    return _asked(request, _("The key pairs could not be read."), ask)


def security_groups(request: Any) -> Choices:
    def ask() -> Choices:
        found = neutron.security_group_list(request)
        return sorted(
            ((one.id, one.name_or_id) for one in found), key=lambda x: x[1]
        )

    return _asked(request, _("The security groups could not be read."), ask)
