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
"""What went wrong in Cyborg's API must not be so here.

CVE-2026-40213 (Cyborg's bug 2143263): the default rule of many operations
was "@", so that a token without any role could read, and reprogram, what was
everybody's. CVE-2026-40214 (bug 2144056): the project of an accelerator
request was never filled in, so that no rule could tell whose it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
import testtools
from keystoneauth1 import fixture as token_fixtures
from oslo_policy import _checks as oslo_checks
from oslo_policy import policy

from gpubroker import conf as configuration
from gpubroker import context
from gpubroker import policies
from gpubroker.api import routing
from gpubroker.api.controllers import root
from gpubroker.db import tables
from gpubroker.services import end
from tests.fixtures import api as api_fixture
from tests.fixtures import cloud

MEMBER = api_fixture.MEMBER
OTHERS = (
    api_fixture.OTHER_READER,
    api_fixture.OTHER_MEMBER,
    api_fixture.OTHER_MANAGER,
)
ROUTES = [r for r in routing.walk(root.TREE) if r.operation.rule is not None]
OF_A_LEASE = [r for r in ROUTES if "{lease_id}" in r.path]


def enforcer() -> policy.Enforcer:
    conf = configuration.load([], files=[])
    found = policies.enforcer(conf)
    found.load_rules()
    return found


def parts(check: Any, rules: Any) -> Iterator[Any]:
    """All that a check is made of."""
    yield check
    if isinstance(check, oslo_checks.RuleCheck):
        yield from parts(rules[check.match], rules)
    inner = [getattr(check, "rule", None), *getattr(check, "rules", ())]
    for one in filter(None, inner):
        yield from parts(one, rules)


class OpenRules(testtools.TestCase):
    """CVE-2026-40213."""

    def setUp(self) -> None:
        super().setUp()
        self.enforcer = enforcer()
        self.names = [rule.name for rule in policies.list_rules()]

    def test_no_rule_is_true_for_everybody(self) -> None:
        self.assertGreater(len(self.names), 40)
        for name in self.names:
            for part in parts(self.enforcer.rules[name], self.enforcer.rules):
                self.assertNotIsInstance(part, oslo_checks.TrueCheck, name)

    def test_every_rule_asks_for_a_role(self) -> None:
        for name in self.names:
            found = parts(self.enforcer.rules[name], self.enforcer.rules)
            self.assertTrue(
                any(isinstance(p, oslo_checks.RoleCheck) for p in found), name
            )

    def test_a_token_without_a_role_may_nothing_even_in_its_project(
        self,
    ) -> None:
        for roles in ([], ["unrelated"], ["gpubroker"], ["service"]):
            for project in ("demo", None):
                ctx = context.RequestContext(
                    user_id="u", project_id=project, roles=roles
                )
                target = {"project_id": project, "user_id": "u"}
                for name in self.names:
                    self.assertFalse(
                        self.enforcer.authorize(name, target, ctx),
                        (name, roles),
                    )

    def test_a_rule_that_nobody_defined_lets_nobody_through(self) -> None:
        admin = context.RequestContext(
            user_id="a", project_id="p", roles=["admin"]
        )
        self.assertNotIn("default", self.enforcer.rules)
        self.assertRaises(
            policy.PolicyNotRegistered,
            self.enforcer.authorize,
            "gpubroker:lease:creat",
            {},
            admin,
        )

    def test_every_rule_of_every_route_is_defined(self) -> None:
        for route in ROUTES:
            name = f"gpubroker:{route.operation.rule}"
            self.assertIn(name, self.names, route.path)

    def test_no_route_answers_a_token_without_a_role(self) -> None:
        api = self.useFixture(api_fixture.Api())
        lease = api.world.order()
        with api.world.store.read() as tx:
            device = tx.devices.of_host("gpu-1")[0].id
        known = {
            "name": "gpu-1",
            "flavor": "gpu.1",
            "device_id": device,
            "reason": "operator",
            "lease_id": lease.id,
        }
        for token_id, token in _powerless():
            api.tokens.add_token(token, token_id=token_id)
            for route in ROUTES:
                answer = api.call(
                    route.method,
                    route.path.format_map(known),
                    _body(route),
                    who=None,
                    headers={"X-Auth-Token": token_id},
                )
                self.assertIn(
                    answer.status_int,
                    (403, 404) if route in OF_A_LEASE else (403,),
                    f"{token_id}: {route.method} {route.path}: {answer.text}",
                )


def _body(route: Any) -> dict[str, Any] | None:
    """One that the routes of a lease take: their policy is asked last."""
    if not route.operation.bodies:
        return None
    known = route.operation.bodies[-1].validator.schema["properties"]
    values = {"name": "x", "by": 60}
    return {name: v for name, v in values.items() if name in known}


def _powerless() -> Iterator[tuple[str, Any]]:
    """Tokens that Keystone knows and that say nothing of what one may."""
    token = token_fixtures.V3Token(user_id="u", user_name="u")
    yield "unscoped", token
    token = token_fixtures.V3Token(user_id="u", user_name="u")
    token.set_project_scope(
        id=MEMBER.project_id,
        name="demo",
        domain_id="default",
        domain_name="Default",
    )
    yield "no roles", token


class Whose(testtools.TestCase):
    """CVE-2026-40214."""

    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())

    def order(self, who: api_fixture.Persona = MEMBER, **more: Any) -> Any:
        body = {
            "name": "train",
            "flavor": "gpu.1",
            "duration": 3600,
            "workload": {"type": "server", "image": cloud.IMAGE},
            **more.pop("body", {}),
        }
        return self.api.call("POST", "/v1/leases", body, who=who, **more)

    def rows(self) -> list[tuple[str, str]]:
        with self.api.world.store.engine.connect() as connection:
            found = connection.execute(
                sa.select(tables.Lease.project_id, tables.Lease.user_id)
            )
            return [(row.project_id, row.user_id) for row in found]

    def test_a_lease_is_its_orderers_from_the_first_to_the_last(self) -> None:
        lease_id = self.order().json["id"]
        wanted = [(MEMBER.project_id, MEMBER.user_id)]
        self.assertEqual(wanted, self.rows())
        path = f"/v1/leases/{lease_id}"
        # Whoever acts on it does not become its owner.
        for method, more, body in (
            ("PATCH", "", {"name": "other"}),
            ("POST", "/extensions", {"by": 60}),
        ):
            for who in (api_fixture.MANAGER, api_fixture.ADMIN):
                self.api.call(method, f"{path}{more}", body, who=who)
                self.assertEqual(wanted, self.rows())
        self.api.world.settle(lease_id, "active")
        self.assertEqual(wanted, self.rows())
        end.end(self.api.world.core, lease_id)
        self.api.world.settle(lease_id, "ended")
        self.assertEqual(wanted, self.rows())

    def test_the_body_can_not_say_whose_it_is(self) -> None:
        for key, value in (
            ("project_id", api_fixture.OTHER),
            ("project_id", None),
            ("tenant_id", api_fixture.OTHER),
            ("user_id", "olga"),
            ("state", "active"),
            ("identity_mode", "service"),
        ):
            for who in (MEMBER, api_fixture.ADMIN):
                answer = self.order(who, body={key: value})
                self.assertEqual(400, answer.status_int, answer.text)
                self.assertEqual(key, answer.json["errors"][0]["field"])
        self.assertEqual([], self.rows())
        lease_id = self.order().json["id"]
        answer = self.api.call(
            "PATCH", f"/v1/leases/{lease_id}", {"project_id": "other"}
        )
        self.assertEqual(400, answer.status_int)

    def test_headers_and_query_can_not_say_it_either(self) -> None:
        answer = self.order(
            headers={
                "X-Project-Id": api_fixture.OTHER,
                "X-Tenant-Id": api_fixture.OTHER,
                "X-User-Id": "olga",
                "X-Roles": "admin",
                "X-Is-Admin-Project": "True",
                "X-Identity-Status": "Confirmed",
                "Openstack-System-Scope": "all",
            }
        )
        self.assertEqual(202, answer.status_int)
        self.assertEqual([(MEMBER.project_id, MEMBER.user_id)], self.rows())
        answer = self.api.call(
            "GET", "/v1/hosts", headers={"X-Roles": "admin"}
        )
        self.assertEqual(403, answer.status_int)
        answer = self.api.call("POST", "/v1/leases?project_id=other", {})
        self.assertEqual(400, answer.status_int)

    def test_no_row_is_nobodys(self) -> None:
        found = sa.inspect(self.api.world.store.engine).get_columns("lease")
        for name in ("project_id", "user_id"):
            (column,) = (c for c in found if c["name"] == name)
            self.assertFalse(column["nullable"], name)

    def test_every_route_of_a_lease_is_404_to_another_project(self) -> None:
        self.assertGreater(len(OF_A_LEASE), 4)
        lease_id = self.order().json["id"]
        self.api.world.settle(lease_id, "active")
        for route in OF_A_LEASE:
            for who in OTHERS:
                said = set()
                for found in (lease_id, str(uuid.uuid4())):
                    answer = self.api.call(
                        route.method,
                        route.path.format(lease_id=found),
                        _body(route),
                        who=who,
                        headers={"X-Project-Id": MEMBER.project_id},
                    )
                    self.assertEqual(404, answer.status_int, route)
                    said.add(
                        answer.json["errors"][0]["detail"].replace(found, "?")
                    )
                self.assertEqual(1, len(said), said)
        self.assertEqual(
            "active",
            self.api.call("GET", f"/v1/leases/{lease_id}").json["state"],
        )
