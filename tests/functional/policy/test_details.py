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


"""What a policy decides inside of an answer, and what operators change."""

from __future__ import annotations

from typing import Any

import testtools
from keystoneauth1 import fixture as token_fixtures

from gpubroker.services import catalogue
from gpubroker.services import enrol
from tests.fixtures import api as api_fixture

ADMIN = api_fixture.ADMIN
MEMBER = api_fixture.MEMBER
OTHER = api_fixture.OTHER_MEMBER


class OtherProjects(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())
        self.lease = self.api.world.order()

    def ids(self, path: str, who: api_fixture.Persona) -> list[str]:
        answer = self.api.call("GET", path, who=who)
        self.assertEqual(200, answer.status_int, answer.text)
        return [found["id"] for found in answer.json["leases"]]

    def test_a_list_has_the_own_projects_leases(self) -> None:
        self.assertEqual([self.lease.id], self.ids("/v1/leases", MEMBER))
        self.assertEqual([], self.ids("/v1/leases", OTHER))
        self.assertEqual([], self.ids("/v1/leases", ADMIN))

    def test_all_projects_are_the_operators(self) -> None:
        for query in ("all_projects=true", f"project_id={MEMBER.project_id}"):
            path = f"/v1/leases?{query}"
            self.assertEqual([self.lease.id], self.ids(path, ADMIN))
            answer = self.api.call("GET", path, who=OTHER)
            self.assertEqual(403, answer.status_int)

    def test_the_own_project_may_be_named(self) -> None:
        path = f"/v1/leases?project_id={MEMBER.project_id}"
        self.assertEqual([self.lease.id], self.ids(path, MEMBER))

    def test_a_marker_of_another_project_is_unknown(self) -> None:
        path = f"/v1/leases?marker={self.lease.id}"
        answer = self.api.call("GET", path, who=OTHER)
        self.assertEqual(400, answer.status_int)

    def test_a_hidden_lease_reads_like_one_that_is_not(self) -> None:
        hidden = self._error(self.lease.id)
        missing = self._error("11111111-1111-4111-8111-111111111111")
        self.assertEqual(
            hidden["detail"].replace(self.lease.id, "?"),
            missing["detail"].replace(
                "11111111-1111-4111-8111-111111111111", "?"
            ),
        )

    def _error(self, lease_id: str) -> Any:
        answer = self.api.call("GET", f"/v1/leases/{lease_id}", who=OTHER)
        self.assertEqual(404, answer.status_int)
        return answer.json["errors"][0]


class Operators(testtools.TestCase):
    """Hosts, addresses and serials are shown to operators alone."""

    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())

    def test_servers_of_a_lease(self) -> None:
        lease = self.api.world.order()
        self.api.world.settle(lease.id, "active")
        path = f"/v1/leases/{lease.id}"
        (seen,) = self.api.call("GET", path).json["servers"]
        self.assertNotIn("host", seen)
        self.assertNotIn("devices", seen)
        (seen,) = self.api.call("GET", path, who=ADMIN).json["servers"]
        self.assertEqual("gpu-1", seen["host"])
        self.assertEqual(2, len(seen["devices"]))

    def test_no_answer_to_a_member_has_a_host_or_an_address(self) -> None:
        lease = self.api.world.order()
        self.api.world.settle(lease.id, "active")
        for path in (
            "/v1/leases",
            f"/v1/leases/{lease.id}",
            f"/v1/leases/{lease.id}/events",
            "/v1/offers",
            "/v1/offers?model=a100&gpus=2",
            "/v1/pools",
        ):
            text = self.api.call("GET", path).text
            self.assertNotIn("gpu-1", text, path)
            self.assertNotIn("0000:", text, path)

    def test_hosts_of_an_offer(self) -> None:
        (seen, *_) = self.api.call("GET", "/v1/offers").json["offers"]
        self.assertNotIn("hosts", seen)
        answer = self.api.call("GET", "/v1/offers", who=ADMIN)
        (host,) = answer.json["offers"][0]["hosts"]
        self.assertEqual(("gpu-1", 8), (host["host"], host["free"]))

    def test_projects_of_a_pool(self) -> None:
        path = "/v1/pools/default"
        self.assertNotIn("projects", self.api.call("GET", path).json)
        answer = self.api.call("GET", path, who=ADMIN)
        self.assertEqual([], answer.json["projects"])


class Pools(testtools.TestCase):
    """One that other projects own is nobody else's business."""

    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())
        body = {"name": "merger", "projects": [OTHER.project_id]}
        catalogue.POOLS.add(self.api.world.core, body)

    def names(self, who: api_fixture.Persona) -> list[str]:
        found = self.api.call("GET", "/v1/pools", who=who).json["pools"]
        return [pool["name"] for pool in found]

    def test_lists(self) -> None:
        self.assertEqual(["default"], self.names(MEMBER))
        for who in (OTHER, ADMIN):
            self.assertEqual(["default", "merger"], self.names(who))

    def test_show(self) -> None:
        for who, status in ((MEMBER, 404), (OTHER, 200), (ADMIN, 200)):
            answer = self.api.call("GET", "/v1/pools/merger", who=who)
            self.assertEqual(status, answer.status_int, answer.text)

    def test_it_reads_like_one_that_is_not(self) -> None:
        hidden, missing = (
            self.api.call("GET", f"/v1/pools/{name}").json["errors"][0]
            for name in ("merger", "nopool")
        )
        self.assertEqual(
            hidden["detail"], missing["detail"].replace("nopool", "merger")
        )

    def test_a_marker_does_not_tell(self) -> None:
        for name in ("merger", "nopool"):
            path = f"/v1/pools?marker={name}"
            self.assertEqual(400, self.api.call("GET", path).status_int)
        answer = self.api.call("GET", "/v1/pools?marker=merger", who=OTHER)
        self.assertEqual(200, answer.status_int)


class Agents(testtools.TestCase):
    report = {  # noqa: RUF012
        "agent": {"version": "1", "boot_id": "b"},
        "devices": [],
        "observations": [],
        "conditions": [],
    }

    def test_an_admin_is_no_agent_even_when_bound(self) -> None:
        api = self.useFixture(api_fixture.Api())
        enrol.bind_agent(
            api.world.core, "gpu-1", ADMIN.user_id, lambda seen: None
        )
        answer = api.call(
            "PUT", "/v1/hosts/gpu-1/report", self.report, who=ADMIN
        )
        self.assertEqual(403, answer.status_int)

    def test_an_agent_reports_for_its_own_host_only(self) -> None:
        api = self.useFixture(api_fixture.Api(("gpu-1", "gpu-2")))
        core = api.world.core
        for name, agent in (
            ("gpu-1", api_fixture.AGENT),
            ("gpu-2", api_fixture.OTHER_AGENT),
        ):
            enrol.bind_agent(core, name, agent.user_id, lambda seen: None)
        for name, agent, status in (
            ("gpu-1", api_fixture.AGENT, 200),
            ("gpu-2", api_fixture.AGENT, 403),
            ("gpu-2", api_fixture.OTHER_AGENT, 200),
        ):
            answer = api.call(
                "PUT", f"/v1/hosts/{name}/report", self.report, who=agent
            )
            self.assertEqual(status, answer.status_int, answer.text)

    def test_no_policy_makes_somebody_else_an_agent(self) -> None:
        policy = '"gpubroker:host:report": "@"\n'
        api = self.useFixture(api_fixture.Api(policy=policy))
        answer = api.call("PUT", "/v1/hosts/gpu-1/report", self.report)
        self.assertEqual(403, answer.status_int)


class Overrides(testtools.TestCase):
    def test_an_operator_may_close_what_is_open(self) -> None:
        policy = '"gpubroker:offer:list": "role:manager"\n'
        api = self.useFixture(api_fixture.Api(policy=policy))
        self.assertEqual(403, api.call("GET", "/v1/offers").status_int)
        answer = api.call("GET", "/v1/offers", who=api_fixture.MANAGER)
        self.assertEqual(200, answer.status_int)

    def test_who_sees_only_the_own_hosts_sees_no_others_in_a_list(
        self,
    ) -> None:
        rule = '"gpubroker:lease:show:detail": "user_id:%(user_id)s"\n'
        api = self.useFixture(api_fixture.Api(policy=rule))
        for who in (MEMBER, api_fixture.COLLEAGUE):
            lease = api.world.order(who.user_id, user=who.user_id)
            api.world.settle(lease.id, "active")
        for who in (MEMBER, api_fixture.COLLEAGUE):
            found = api.call("GET", "/v1/leases", who=who).json["leases"]
            seen = {
                lease["user_id"]: "host" in lease["servers"][0]
                for lease in found
            }
            self.assertEqual(2, len(seen))
            own = seen.pop(who.user_id)
            self.assertEqual((True, [False]), (own, list(seen.values())))

    def test_only_the_owner_may_end_a_lease(self) -> None:
        policy = '"gpubroker:lease:delete": "user_id:%(user_id)s"\n'
        api = self.useFixture(api_fixture.Api(policy=policy))
        path = f"/v1/leases/{api.world.order().id}"
        answer = api.call("DELETE", path, who=api_fixture.MANAGER)
        self.assertEqual(403, answer.status_int)
        self.assertEqual(202, api.call("DELETE", path).status_int)


class Scopes(testtools.TestCase):
    """Tokens that are not of a project."""

    def test_of_the_system_and_of_a_domain_are_refused(self) -> None:
        api = self.useFixture(api_fixture.Api())
        for name in ("system", "domain"):
            token = _scoped(name)
            api.tokens.add_token(token, token_id=name)
            answer = api.call(
                "GET", "/v1/hosts", headers={"X-Auth-Token": name}, who=None
            )
            self.assertEqual(403, answer.status_int, name)


def _scoped(scope: str) -> Any:
    token = token_fixtures.V3Token(user_id="ada", user_name="ada")
    if scope == "system":
        token.set_system_scope()
    else:
        token.set_domain_scope(id="default", name="Default")
    token.add_role(name="admin")
    return token
