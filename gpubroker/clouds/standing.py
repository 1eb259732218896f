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

import datetime
import uuid
from collections.abc import Collection
from email import utils
from typing import Any

from keystoneauth1 import access
from keystoneauth1 import adapter
from keystoneauth1.identity import base

from gpubroker import clock as system_clock
from gpubroker import errors
from gpubroker.clouds import compute
from gpubroker.clouds import placement
from gpubroker.clouds import session
from gpubroker.domain import traits
from gpubroker.services import ports
from gpubroker.services.checks import outside

_SECOND = datetime.timedelta(seconds=1)


class Standing:
    """``checks.outside.Standing`` with the identity of [service_user]."""

    def __init__(
        self, cloud: session.Cloud, clock: ports.Clock | None = None
    ) -> None:
        self._cloud = cloud
        self._clock = clock or system_clock.SystemClock()
        self._placement = cloud.service(
            "Placement",
            "placement",
            default_microversion=placement.MICROVERSION,
        )
        self._keystone = cloud.service(
            "Keystone", "identity", min_version="3", max_version="3.latest"
        )
        self._plain_nova = cloud.service("Nova", "compute")
        self._nova_version = compute.Microversion(self._plain_nova)
        self._nova = compute.Nova(self._plain_nova, self._nova_version)

    # -- Keystone --------------------------------------------------------

    def roles(self) -> frozenset[str]:
        return frozenset(self._access().role_names or ())

    def endpoints(
        self, service_type: str, interface: Collection[str] | None = None
    ) -> list[str]:
        found = self._access().service_catalog.get_urls(
            service_type=service_type,
            region_name=self._cloud.region_name,
            interface=list(interface or self._cloud.interface),
        )
        return sorted(url for url in found if url)

    def missing_role(self, name: str) -> bool:
        """Keystone does not show its roles to those who are no admin, but
        names the first that it does not know of those that a trust shall
        delegate. The second never exists, so that none is ever made."""
        nobody = f"gpubroker-probe-{uuid.uuid4()}"
        me = self._cloud.user_id()
        answer = self._keystone.call(
            "POST",
            "/OS-TRUST/trusts",
            json={
                "trust": {
                    "impersonation": True,
                    "trustor_user_id": me,
                    "trustee_user_id": me,
                    "project_id": self._access().project_id,
                    "roles": [{"name": name}, {"name": nobody}],
                }
            },
            accept=(403, 404),
        )
        if answer.status == 403:
            raise errors.Forbidden(answer.words)
        if nobody in answer.words:
            return False
        if name in answer.words:
            return True
        raise errors.Unavailable(f"Keystone: {answer.words}")

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

    def one_time_cards(self) -> frozenset[str]:
        return self._holders("HW_PCI_ONE_TIME_USE")

    def capacities(self, resource_class: str) -> dict[str, int]:
        answer = self._placement.get(
            "/allocation_candidates",
            params={
                "resources": f"{resource_class}:1",
                "required": placement.MANAGED,
            },
            # A class of which Placement has never heard.
            accept=(400,),
        )
        return {
            provider_id: summary["resources"][resource_class]["capacity"]
            for provider_id, summary in answer.body.get(
                "provider_summaries", {}
            ).items()
            if resource_class in summary["resources"]
        }

    # -- Nova ------------------------------------------------------------

    def nova_versions(self) -> tuple[str, str]:
        return self._nova_version.newest(), compute.NEEDED

    def computes(self) -> list[ports.ComputeService]:
        return compute.Compute(self._nova).services()

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

    def flavors(self) -> list[outside.Flavor]:
        """All that Nova has, page by page."""
        found: list[outside.Flavor] = []
        asked = {"is_public": "None"}
        while True:
            body = self._nova.get("/flavors/detail", params=asked).body
            found += [_flavor(record) for record in body["flavors"]]
            if not body["flavors"] or not body.get("flavors_links"):
                return found
            asked["marker"] = str(body["flavors"][-1]["id"])

    # -- the web ---------------------------------------------------------

    def answer_at(self, url: str) -> object:
        response = session.ask(
            "The API",
            session.Who.BROKER,
            lambda: self._cloud.session.get(
                url, authenticated=False, raise_exc=False
            ),
        )
        try:
            found: object = response.json()
        except ValueError:
            return None
        return found

    def offset(self, name: str) -> datetime.timedelta | None:
        """Of a service type; the date of an answer is cut to the second."""
        api = adapter.Adapter(
            session=self._cloud.session,
            service_type=name,
            region_name=self._cloud.region_name,
            interface=list(self._cloud.interface),
        )
        # A first answer may take long, and a date says nothing of that.
        session.ask(
            name, session.Who.BROKER, lambda: api.get("/", raise_exc=False)
        )
        before = self._clock.now()
        answer = session.ask(
            name, session.Who.BROKER, lambda: api.get("/", raise_exc=False)
        )
        after = self._clock.now()
        try:
            date = utils.parsedate_to_datetime(answer.headers["Date"])
        except (KeyError, ValueError):
            return None
        if before - _SECOND <= date <= after:
            return datetime.timedelta()
        return date - (after if date > after else before - _SECOND)


def _flavor(record: dict[str, Any]) -> outside.Flavor:
    return outside.Flavor(
        name=record["name"],
        public=record.get("os-flavor-access:is_public", True),
        # Those that the broker's user may not see are not there.
        extra_specs=record.get("extra_specs") or {},
    )
