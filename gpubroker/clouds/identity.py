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

"""Keystone: trusts, by which the broker acts for a user later (N 15.5)."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import access
from keystoneauth1 import plugin
from keystoneauth1.identity import access as access_plugin

from gpubroker import errors
from gpubroker.clouds import answers
from gpubroker.clouds import compute
from gpubroker.clouds import session
from gpubroker.clouds import user_cloud
from gpubroker.domain import leases
from gpubroker.domain import trusts
from gpubroker.services import ports

_TRUSTS = "/OS-TRUST/trusts"

#: Types of the services that are called with a user's token.
_ASKED_AS_USER = frozenset({"compute", "image", "network"})

#: Seconds over which the ends of trusts are spread: Keystone keeps one trust
#: for (trustor, trustee, project, impersonation, expires_at), cut to the
#: second, and counts deleted ones.
_SPREAD = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustPolicy:
    """:param roles: what a trust may delegate, by name.
    :param lifetime: after which a trust ends that was never deleted.

    Every trust has an end, because the broker can not delete one whose maker
    lost the right to it. It is the same for all, longer than any lease and
    not cut to one lease's duration: an order may wait long before that time
    begins to run, and a lease may be extended, but a trust can not.
    """

    roles: Sequence[str]
    lifetime: datetime.timedelta


class Identity:
    """``ports.Identity`` on the Keystone API."""

    def __init__(
        self,
        cloud: session.Cloud,
        clock: ports.Clock,
        policy: TrustPolicy,
        trusted: Callable[[str], plugin.BaseAuthPlugin],
        scoped: Callable[[str], plugin.BaseAuthPlugin],
        nova_version: compute.Microversion,
    ) -> None:
        self._cloud = cloud
        self._clock = clock
        self._policy = policy
        self._trusted = trusted
        self._scoped = scoped
        self._nova_version = nova_version

    def expiry(self) -> datetime.datetime:
        extra = datetime.timedelta(seconds=random.randrange(_SPREAD))  # noqa: S311
        end = self._clock.now() + self._policy.lifetime + extra
        return end.replace(microsecond=0)

    def can_delegate(self, token_info: Mapping[str, Any]) -> bool:
        facts = token_info.get("token", token_info)
        delegable(facts, self._policy.roles)
        return not delegated(facts)

    def user_id(self) -> str:
        return self._cloud.user_id()

    def is_member(self, project_id: str) -> bool:
        auth = self._scoped(project_id)
        try:
            self._cloud.token(auth)
        except (errors.RightsGone, errors.IdentityLost):
            self._cloud.prove()
            return False
        return self._has_role(auth)

    def as_member(self, project_id: str) -> ports.UserCloud:
        auth = self._scoped(project_id)
        return self._user_cloud(auth, token=lambda: self._member_token(auth))

    def delegate(
        self,
        token: str,
        token_info: Mapping[str, Any],
        lease_id: str,
        expires_at: datetime.datetime,
    ) -> leases.Delegation:
        facts = token_info.get("token", token_info)
        roles = delegable(facts, self._policy.roles)
        answer = self._create(token, facts, roles, expires_at)
        if answer.status == 409:
            raise errors.Duplicate(
                f"Keystone does not make the trust: {answer.words}"
            )
        if answer.status == 401:
            raise errors.Unauthenticated(
                "Keystone no longer knows the token of the request."
            )
        if not answer.found:
            # 404: the user was not given the role, who has it from a group
            # of single sign-on alone (keystone/api/trusts.py,
            # ``_require_trustor_has_role_in_project``).
            lets_not = answer.status in (403, 404)
            kind = errors.CanNotDelegate if lets_not else errors.Forbidden
            raise kind(
                "Keystone does not let you hand your rights to the broker: "
                f"{answer.words}"
            )
        return leases.Delegation(
            lease_id=lease_id,
            mode=leases.IdentityMode.TRUST,
            trust_id=answer.body["trust"]["id"],
            expires_at=expires_at,
        )

    def trusts(self) -> dict[trusts.Key, str]:
        answer = self._keystone().get(
            _TRUSTS, params={"trustee_user_id": self._cloud.user_id()}
        )
        return {
            (
                record["trustor_user_id"],
                record["project_id"],
                _moment(record["expires_at"]),
            ): record["id"]
            for record in answer.body["trusts"]
            if record["project_id"] and record["expires_at"]
        }

    def as_user(self, delegation: leases.Delegation) -> ports.UserCloud:
        trust_id = _trust(delegation)
        auth = self._trusted(trust_id)
        return self._user_cloud(
            auth, token=lambda: self._trust_token(trust_id, auth)
        )

    def with_token(
        self, token: str, token_info: Mapping[str, Any]
    ) -> ports.UserCloud:
        return self._user_cloud(self._token_plugin(token, token_info))

    def revoke(self, delegation: leases.Delegation) -> bool:
        if delegation.trust_id is None:
            return True
        trust_id = delegation.trust_id
        keystone = self._keystone(self._trusted(trust_id))
        try:
            answer = keystone.call(
                "DELETE", f"{_TRUSTS}/{trust_id}", accept=(401, 403, 404)
            )
        except errors.RightsGone:
            return False
        except errors.IdentityLost:
            return not self._stands(trust_id)
        return answer.status not in (401, 403)

    # -- ------------------------------------------------------------------

    def _create(
        self,
        token: str,
        facts: Mapping[str, Any],
        roles: list[dict[str, str]],
        expires_at: datetime.datetime,
    ) -> answers.Answer:
        """With the caller's token as it is: Keystone gives no token for a
        token that was itself delegated."""
        return self._keystone().call(
            "POST",
            _TRUSTS,
            json={
                "trust": {
                    "trustor_user_id": facts["user"]["id"],
                    "trustee_user_id": self._cloud.user_id(),
                    "project_id": facts["project"]["id"],
                    "impersonation": True,
                    "allow_redelegation": False,
                    "roles": roles,
                    "expires_at": f"{expires_at:%Y-%m-%dT%H:%M:%S.000000Z}",
                }
            },
            headers={"X-Auth-Token": token},
            authenticated=False,
            accept=(400, 401, 403, 404, 409),
        )

    def _token_plugin(
        self, token: str, token_info: Mapping[str, Any]
    ) -> plugin.BaseAuthPlugin:
        """The token as it came, with the catalogue that belongs to it.

        What came with it may be minutes old, and from a moment when an
        endpoint was missing.
        """
        known = token_info.get("token", {}).get("catalog") or ()
        if _ASKED_AS_USER <= {entry["type"] for entry in known}:
            return access_plugin.AccessInfoPlugin(
                access.AccessInfoV3(dict(token_info), token)
            )
        # Or [keystone_authtoken] include_service_catalog is off.
        answer = self._keystone().get(
            "/auth/tokens",
            headers={"X-Auth-Token": token, "X-Subject-Token": token},
            authenticated=False,
            accept=(401, 403, 404),
        )
        if not answer.found:
            raise errors.IdentityLost("Keystone does not know the token.")
        return access_plugin.AccessInfoPlugin(
            access.AccessInfoV3(answer.body, token)
        )

    def _trust_token(
        self, trust_id: str, auth: plugin.BaseAuthPlugin
    ) -> str | None:
        try:
            return self._cloud.token(auth)
        except errors.IdentityLost:
            # Keystone says 401 of a trust that is gone, of one whose project
            # is disabled, and when it is the broker's own password that it
            # refuses.
            self._cloud.prove()
            if self._stands(trust_id):
                raise errors.RightsGone(
                    "The project is disabled. The lease goes on by itself "
                    "when it is enabled again."
                ) from None
            raise errors.IdentityLost(
                "The trust by which the broker acts for the user was "
                "deleted, as it is when the user or the project is. Order "
                "again."
            ) from None

    def _member_token(self, auth: plugin.BaseAuthPlugin) -> str | None:
        """Without the role itself Nova would refuse the server for good."""
        try:
            token = self._cloud.token(auth)
            if self._has_role(auth):
                return token
        except (errors.RightsGone, errors.IdentityLost):
            self._cloud.prove()
        raise errors.RightsGone(
            "The project is disabled, or the broker's own user is no member "
            "of it any more; an operator can mend that. The lease goes on by "
            "itself then."
        )

    def _has_role(self, auth: plugin.BaseAuthPlugin) -> bool:
        wanted = {name.lower() for name in self._policy.roles}
        return not wanted.isdisjoint(
            name.lower() for name in self._cloud.roles(auth)
        )

    def _stands(self, trust_id: str) -> bool:
        """Whether Keystone has the trust, usable or not."""
        answer = self._keystone().get(
            f"{_TRUSTS}/{trust_id}", accept=(403, 404)
        )
        return answer.found

    def _user_cloud(
        self,
        auth: plugin.BaseAuthPlugin,
        token: Callable[[], object] | None = None,
    ) -> ports.UserCloud:
        cloud = self._cloud
        return user_cloud.UserCloud(
            nova=compute.Nova(
                cloud.service("Nova", "compute", auth), self._nova_version
            ),
            neutron=cloud.service(
                "Neutron",
                "network",
                auth,
                min_version="2",
                max_version="2.latest",
            ),
            glance=cloud.service(
                "Glance",
                "image",
                auth,
                min_version="2",
                max_version="2.latest",
            ),
            token=token or (lambda: cloud.token(auth)),
            user=lambda: cloud.user_id(auth),
            project=lambda: cloud.project_id(auth),
        )

    def _keystone(
        self, auth: plugin.BaseAuthPlugin | None = None
    ) -> session.Service:
        return self._cloud.service(
            "Keystone",
            "identity",
            auth,
            min_version="3",
            max_version="3.latest",
        )


def delegated(facts: Mapping[str, Any]) -> bool:
    """Whether Keystone lets the token make no trust, since it was itself
    handed on."""
    methods = set(facts.get("methods", ()))
    return bool(
        methods & {"application_credential", "trust", "oauth1"}
        or facts.get("OS-TRUST:trust")
    )


def delegable(
    facts: Mapping[str, Any], wanted: Sequence[str]
) -> list[dict[str, str]]:
    """The roles of the token that a server needs, and no others.

    :raises Forbidden: when the token holds none of them, or is for no
        project.
    """
    if not facts.get("project"):
        raise errors.Forbidden(
            "Your token is for no project; a lease belongs to a project."
        )
    names = {name.lower() for name in wanted}
    found = [
        {"id": role["id"]}
        for role in facts.get("roles", ())
        if role["name"].lower() in names
    ]
    if not found:
        raise errors.Forbidden(
            "A lease needs one of these roles in the project: "
            f"{', '.join(wanted)}."
        )
    return found


def _moment(text: str) -> datetime.datetime:
    """``2027-01-01T00:00:00.000000Z``, to the second."""
    found = datetime.datetime.fromisoformat(text)
    return found.astimezone(datetime.UTC).replace(microsecond=0)


def _trust(delegation: leases.Delegation) -> str:
    if delegation.trust_id is None:
        raise errors.IdentityLost("The lease has no trust.")
    return delegation.trust_id
