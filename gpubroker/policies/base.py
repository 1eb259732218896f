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


"""Who the personas are; every other rule is made of these.

Keystone implies roles (admin > manager > member > reader), so a rule names
the least one that is enough. All tokens are scoped to a project.
"""

from __future__ import annotations

from oslo_policy import policy

#: The only scope there is (the goal "Consistent and Secure RBAC").
SCOPES = ["project"]

ADMIN = "rule:context_is_admin"
READER = "rule:project_reader_or_admin"
MEMBER = "rule:project_member_or_admin"
MANAGER = "rule:project_manager_or_admin"
OWNER = "rule:owner_or_manager"
AGENT = "rule:agent"

RULES = [
    policy.RuleDefault(
        "context_is_admin",
        "role:admin",
        "Operators of the GPUs.",
        scope_types=SCOPES,
    ),
    policy.RuleDefault(
        "project_reader_or_admin",
        "(role:reader and project_id:%(project_id)s) or " + ADMIN,
        "Who may look at what a project has.",
        scope_types=SCOPES,
    ),
    policy.RuleDefault(
        "project_member_or_admin",
        "(role:member and project_id:%(project_id)s) or " + ADMIN,
        "Who may order for a project.",
        scope_types=SCOPES,
    ),
    policy.RuleDefault(
        "project_manager_or_admin",
        "(role:manager and project_id:%(project_id)s) or " + ADMIN,
        "Who may decide about what others of the project have.",
        scope_types=SCOPES,
    ),
    policy.RuleDefault(
        "owner_or_manager",
        "(role:member and project_id:%(project_id)s and user_id:%(user_id)s) "
        "or " + MANAGER,
        "Who may decide about a thing of a project: whose it is, and the "
        "project's managers.",
        scope_types=SCOPES,
    ),
    policy.RuleDefault(
        "agent",
        "role:gpubroker_agent",
        "The agents on GPU hosts. Nobody else has this role, and they have "
        "no other.",
        scope_types=SCOPES,
    ),
]


def rule(
    noun: str,
    verb: str,
    check: str,
    description: str,
    operations: tuple[tuple[str, str], ...],
) -> policy.DocumentedRuleDefault:
    """``gpubroker:<noun>:<verb>``.

    :param operations: (HTTP method, path) pairs that ask this rule.
    """
    return policy.DocumentedRuleDefault(
        name=f"gpubroker:{noun}:{verb}",
        check_str=check,
        description=description,
        operations=[
            {"method": method, "path": path} for method, path in operations
        ],
        scope_types=SCOPES,
    )


def crud(
    noun: str, plural: str, key: str, check_read: str
) -> list[policy.DocumentedRuleDefault]:
    """The usual five; changes are the operators'."""
    path = f"/v1/{plural}"
    one = f"{path}/{{{key}}}"
    return [
        rule(noun, "list", check_read, f"List {plural}.", (("GET", path),)),
        rule(noun, "show", check_read, f"Show a {noun}.", (("GET", one),)),
        rule(noun, "create", ADMIN, f"Make a {noun}.", (("POST", path),)),
        rule(noun, "update", ADMIN, f"Change a {noun}.", (("PATCH", one),)),
        rule(noun, "delete", ADMIN, f"Delete a {noun}.", (("DELETE", one),)),
    ]
