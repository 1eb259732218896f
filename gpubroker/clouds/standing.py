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


"""What the broker's own identity is and may do, found without writing.

Keystone does not tell which rules of a service a token passes, so each
service is asked something that it answers differently to those who may.
"""

from __future__ import annotations

import uuid
from typing import Any

from keystoneauth1 import access
from keystoneauth1.identity import base

from gpubroker import errors
from gpubroker.clouds import compute
from gpubroker.clouds import placement
from gpubroker.clouds import session
from gpubroker.domain import traits
from gpubroker.services import flavor_check


class Standing:
    """``services.checks.Standing`` with the identity of [service_user]."""

    def __init__(self, cloud: session.Cloud) -> None:
        self._cloud = cloud
        self._placement = cloud.service(
            "Placement",
            "placement",
            default_microversion=placement.MICROVERSION,
        )
        nova = cloud.service("Nova", "compute")
        self._nova = compute.Nova(nova, compute.Microversion(nova))

    # -- Keystone --------------------------------------------------------

    def roles(self) -> frozenset[str]:
        return frozenset(self._access().role_names or ())

    def endpoints(self, service_type: str) -> list[str]:
        found = self._access().service_catalog.get_urls(
            service_type=service_type,
            region_name=self._cloud.region_name,
            interface=list(self._cloud.interface),
        )
        return sorted(url for url in found if url)

    def role_exists(self, name: str) -> bool | None:
        keystone = self._cloud.service(
            "Keystone", "identity", min_version="3", max_version="3.latest"
        )
        answer = keystone.get("/roles", params={"name": name}, accept=(403,))
        if not answer.found:
            return None
        return bool(answer.body.get("roles"))

    def _access(self) -> access.AccessInfo:
        auth = self._cloud.session.auth
        if not isinstance(auth, base.BaseIdentityPlugin):
            raise errors.Unavailable(
                "[service_user] names no user: set auth_type = password, "
                "auth_url, username and the rest."
            )
        return session.ask(
            "Keystone",
            session.Who.BROKER,
            lambda: auth.get_access(self._cloud.session),
        )

    # -- Placement -------------------------------------------------------

    def placement_versions(self) -> tuple[str, str]:
        # The root document needs no microversion and is there in each.
        answer = self._placement.get("/", microversion="1.0")
        try:
            (version,) = answer.body["versions"]
            return version["min_version"], version["max_version"]
        except (KeyError, TypeError, ValueError):
            raise errors.Unavailable(
                "Placement: the endpoint in the catalogue does not answer "
                "with Placement's version document."
            ) from None

    def placement_writable(self) -> bool:
        """Placement asks its policy before it looks whether the provider
        exists, and this one does not."""
        answer = self._placement.call(
            "PUT",
            f"/resource_providers/{uuid.uuid4()}/inventories/VCPU",
            json={"total": 1, "resource_provider_generation": 0},
            accept=(403, 404),
        )
        return answer.status == 404

    def slot_holders(self) -> dict[str, frozenset[str]]:
        """One call for each slot number in use, however many hosts."""
        answer = self._placement.get(
            "/traits", params={"name": f"startswith:{traits.SLOT_PREFIX}"}
        )
        return {trait: self._holders(trait) for trait in answer.body["traits"]}

    def _holders(self, trait: str) -> frozenset[str]:
        answer = self._placement.get(
            "/resource_providers",
            params={"required": f"{trait},{placement.MANAGED}"},
        )
        return frozenset(
            record["uuid"] for record in answer.body["resource_providers"]
        )

    # -- Nova ------------------------------------------------------------

    def nova_admin(self) -> bool:
        """Nova reads ``is_public`` for admins only, so only they are told
        that this value makes no sense (nova/api/openstack/compute/flavors.py,
        ``_get_flavors``)."""
        answer = self._nova.get(
            "/flavors",
            params={"is_public": "gpubroker-probe", "limit": 1},
            accept=(400,),
        )
        return answer.status == 400

    def flavors(self) -> list[flavor_check.Flavor]:
        """All that Nova has, page by page."""
        found: list[flavor_check.Flavor] = []
        asked = {"is_public": "None"}
        while True:
            body = self._nova.get("/flavors/detail", params=asked).body
            found += [_flavor(record) for record in body["flavors"]]
            if not body["flavors"] or not body.get("flavors_links"):
                return found
            asked["marker"] = str(body["flavors"][-1]["id"])


def _flavor(record: dict[str, Any]) -> flavor_check.Flavor:
    return flavor_check.Flavor(
        name=record["name"],
        public=record.get("os-flavor-access:is_public", True),
        # Those that the broker's user may not see are not there.
        extra_specs=record.get("extra_specs") or {},
    )
