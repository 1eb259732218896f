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

"""Keystone: who the broker is, and what it may do for others."""

from __future__ import annotations

from collections.abc import Collection

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.services.checks import finding as f
from gpubroker.services.checks import outside
from gpubroker.services.checks.mistakes import Mistake

#: What the install guide gives the broker's user, and no more.
NEEDED_ROLES = frozenset({"service", "gpubroker"})

AGENT_ROLE = "gpubroker_agent"


def roles(standing: outside.Identity) -> f.Findings:
    found = standing.roles()
    if "admin" in found:
        yield f.failure(
            Mistake.ROLE_ADMIN,
            "The user of [service_user] has the role admin. It needs none: "
            'take it away with "openstack role remove --user gpubroker '
            '--project service admin" and give it the roles '
            f"{f.words(NEEDED_ROLES)} in that project.",
        )
    elif missing := NEEDED_ROLES - found:
        yield f.failure(
            Mistake.ROLE_MISSING,
            f"The user of [service_user] lacks {f.words(missing)}. Run "
            '"openstack role add --user gpubroker --project service ROLE" '
            "for each; service opens Placement, gpubroker opens Nova through "
            "its policy file.",
        )
    elif spare := found - NEEDED_ROLES:
        yield f.warning(
            Mistake.ROLE_SPARE,
            f"The user of [service_user] also has {f.words(spare)}, which "
            "the broker never uses. Remove what nothing else needs.",
        )


def trusts(
    standing: outside.Identity, delegated: Collection[str]
) -> f.Findings:
    """:param delegated: [service_user] trust_roles."""
    try:
        unknown = [name for name in delegated if standing.missing_role(name)]
    except errors.Forbidden as error:
        yield f.failure(
            Mistake.TRUSTS_REFUSED,
            "Keystone lets the broker's user make no trust "
            f"({error.message}), so it will not let those who order. Open "
            '"identity:create_trust" in the policy.yaml of Keystone: '
            '"user_id:%(trust.trustor_user_id)s" is the default. Where it is '
            "open, [service_user] signs in with an application credential: "
            "use a password.",
        )
        return
    if unknown:
        yield f.failure(
            Mistake.TRUST_ROLE_UNKNOWN,
            f"[service_user] trust_roles names {f.words(unknown)}, a role "
            "that Keystone does not have, so that no order is taken. Name "
            "the role that members of a project have: member.",
        )


def agent_role(
    standing: outside.Identity, every_host: Collection[hosts.Host]
) -> f.Findings:
    """An agent that reports proves the role, even where Keystone lets the
    broker ask for no trust."""
    try:
        missing = standing.missing_role(AGENT_ROLE)
    except errors.Forbidden:
        if not any(host.heartbeat_at for host in every_host):
            yield f.unseen(
                "Keystone lets the broker's user make no trust, by which it "
                f"would tell whether it has the role {AGENT_ROLE}, and no "
                f'agent has reported so far. Look with "openstack role show '
                f'{AGENT_ROLE}".'
            )
        return
    if missing:
        yield f.failure(
            Mistake.AGENT_ROLE_MISSING,
            f"Keystone has no role {AGENT_ROLE}, so no agent can report. Run "
            f'"openstack role create {AGENT_ROLE}", then "openstack gpu host '
            'enroll HOST" for each host.',
        )
