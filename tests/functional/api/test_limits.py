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
"""Too much of anything is refused in words, and is never a 500."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import testtools
import webob
from testtools import content

from gpubroker.api import defaults
from gpubroker.api import routing
from gpubroker.api.controllers import root
from gpubroker.services import enrol
from tests.fixtures import api as api_fixture
from tests.fixtures import cloud

REPORT = {
    "agent": {"version": "1", "boot_id": "b"},
    "devices": [],
    "observations": [],
    "conditions": [],
}
ROUTES = [r for r in routing.walk(root.TREE) if r.operation.rule is not None]

#: More than that would be a way to make the service send what it was sent.
LONGEST_ANSWER = 4096

#: What JSON allows and no schema of ours does.
MONSTERS = {
    "deep lists": b"[" * 500_000,
    "deep objects": b'{"a":' * 100_000,
    "closed deep lists": b"[" * 40_000 + b"]" * 40_000,
    "a long integer": b'{"name": ' + b"9" * 1_000_000 + b"}",
    "a long exponent": b'{"nodes": 1e999999999}',
    "a small exponent": b'{"nodes": 1e-999999999}',
    "an integer of 4000 digits": b'{"nodes": ' + b"9" * 4000 + b"}",
    "a long text": b'{"name": "' + b"x" * 1_000_000 + b'"}',
    "many names": json.dumps({f"n{i}": i for i in range(60_000)}).encode(),
    "many items": b"[" + b"0," * 500_000 + b"0]",
    "a long name": b'{"' + b"n" * 1_000_000 + b'": 1}',
    "one name often": b"{" + b'"name": 1,' * 80_000 + b'"name": 1}',
    "not even text": bytes(range(256)) * 4000,
}


_RICH = ("/v1/leases", "/v1/hosts/{name}/report")
_FEW = {n: MONSTERS[n] for n in ("deep lists", "a long integer", "many names")}


class _Endless(io.RawIOBase):
    """Zeroes, and how many of them were taken."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.left = length
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        size = self.left if size is None or size < 0 else min(size, self.left)
        self.left -= size
        self.given += size
        return b"0" * size


class LimitsCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api())

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        who: api_fixture.Persona = api_fixture.ADMIN,
        **environ: Any,
    ) -> webob.Response:
        request = webob.Request.blank(
            path,
            method=method,
            headers={
                "X-Auth-Token": who.token,
                "Content-Type": "application/json",
            },
            environ=environ,
        )
        if body is not None:
            request.body = body
        return request.get_response(self.api.application)

    def refused(self, answer: webob.Response, *statuses: int) -> Any:
        """Its error, which is short and in the one shape."""
        self.assertIn(answer.status_int, statuses, answer.text[:500])
        self.assertLess(len(answer.body), LONGEST_ANSWER)
        (error,) = answer.json["errors"]
        self.assertEqual(answer.status_int, error["status"])
        self.assertGreater(len(error["detail"]), 10)
        return error


def _path(route: Any) -> str:
    known = {
        "name": "gpu-1",
        "flavor": "gpu.1",
        "device_id": str(uuid.uuid4()),
        "lease_id": str(uuid.uuid4()),
        "reason": "operator",
    }
    return str(route.path.format_map(known))


class Bodies(LimitsCase):
    def test_of_every_operation_that_reads_one(self) -> None:
        routes = [r for r in ROUTES if r.operation.bodies]
        self.assertGreater(len(routes), 10)
        for route in routes:
            who = api_fixture.ADMIN
            if route.operation.rule == "host:report":
                who = api_fixture.AGENT
            # All of them where most is read; one of each kind elsewhere.
            some = MONSTERS if route.path in _RICH else _FEW
            for name, body in some.items():
                answer = self.send(route.method, _path(route), body, who)
                self.addDetail("of", content.text_content(name))
                self.refused(answer, 400, 404)

    def test_too_large_by_its_own_words(self) -> None:
        body = b" " * (defaults.MAX_BODY + 1)
        error = self.refused(self.send("POST", "/v1/leases", body), 413)
        self.assertEqual("gpubroker.too_large", error["code"])

    def test_too_large_without_a_length(self) -> None:
        """In chunks, as a web server hands it over."""
        for path in ("/v1/leases", "/v1/models"):
            stream = _Endless(defaults.MAX_BODY * 4)
            answer = self.send(
                "POST",
                path,
                **{
                    "wsgi.input": stream,
                    "wsgi.input_terminated": True,
                    "HTTP_TRANSFER_ENCODING": "chunked",
                },
            )
            self.refused(answer, 413)
            # It was not read to its end.
            self.assertLess(stream.given, defaults.MAX_BODY * 2)

    def test_in_chunks_and_small_enough(self) -> None:
        body = json.dumps({"name": "chunky"}).encode()
        answer = self.send(
            "POST",
            "/v1/pools",
            **{
                "wsgi.input": io.BytesIO(body),
                "wsgi.input_terminated": True,
                "HTTP_TRANSFER_ENCODING": "chunked",
            },
        )
        self.assertEqual(201, answer.status_int, answer.text)

    def test_lengths_that_are_none(self) -> None:
        for length in ("-1", "x", "1e9", "9" * 400, "1 2", ""):
            answer = self.send("POST", "/v1/pools", CONTENT_LENGTH=length)
            self.refused(answer, 400, 413)


class Queries(LimitsCase):
    def test_of_every_list(self) -> None:
        queries = {
            "a long value": "name=" + "x" * 100_000,
            "a long name": "x" * 100_000 + "=1",
            "many parameters": "&".join(f"p{i}=1" for i in range(10_000)),
            "many values": "state=" + "queued," * 20_000,
            "one often": "limit=1&" * 60,
            "a large limit": "limit=" + "9" * 100_000,
            "a negative limit": "limit=-1",
            "a long marker": "marker=" + "x" * 100_000,
            "a long key": "sort_key=" + "x" * 100_000,
            "bytes": "%ff%fe=%00",
            "separators": "&" * 100_000,
        }
        for route in ROUTES:
            if route.method != "GET":
                continue
            for name, query in queries.items():
                if name == "separators" and not route.operation.row:
                    # Says nothing, and so asks for nothing.
                    continue
                answer = self.send("GET", f"{_path(route)}?{query}")
                self.addDetail("of", content.text_content(name))
                self.refused(answer, 400, 404)

    def test_a_limit_is_cut_to_the_services_own(self) -> None:
        for number in (10**6, 10**17):
            answer = self.send("GET", f"/v1/leases?limit={number}")
            self.assertIn(answer.status_int, (200, 400))
            self.assertLess(len(answer.body), LONGEST_ANSWER)


class Headers(LimitsCase):
    def test_long_ones(self) -> None:
        long = "x" * 1_000_000
        for name, value in {
            "HTTP_IF_MATCH": f'"{long}"',
            "HTTP_OPENSTACK_API_VERSION": f"gpu-broker {long}",
            "HTTP_X_OPENSTACK_REQUEST_ID": f"req-{long}",
            "HTTP_ACCEPT": long,
            "HTTP_ORIGIN": long,
            "HTTP_FORWARDED": "for=" + long,
            "HTTP_X_FORWARDED_PROTO": long,
            "HTTP_X_SERVICE_TOKEN": long,
            "CONTENT_TYPE": long,
        }.items():
            answer = self.send(
                "PATCH",
                f"/v1/leases/{uuid.uuid4()}",
                b'{"name": "x"}',
                **{name: value},
            )
            self.assertLess(answer.status_int, 500, name)
            self.assertLess(len(answer.body), LONGEST_ANSWER, name)

    def test_an_if_match_that_is_hard_to_parse(self) -> None:
        for value in (
            '"a",' * 100_000,
            '"' * 100_001,
            "W/" * 100_000,
            "," * 99,
        ):
            answer = self.send(
                "PATCH",
                f"/v1/leases/{uuid.uuid4()}",
                b'{"name": "x"}',
                HTTP_IF_MATCH=value,
            )
            self.refused(answer, 400)

    def test_a_token_that_is_long(self) -> None:
        request = webob.Request.blank(
            "/v1/leases", headers={"X-Auth-Token": "x" * 1_000_000}
        )
        answer = request.get_response(self.api.application)
        self.refused(answer, 401)


class Rates(LimitsCase):
    """Of the running application, with limits that one reaches."""

    def setUp(self) -> None:
        super().setUp()
        self.api.conf.set_override("requests_per_minute", 3, "api")
        self.api.conf.set_override("reports_per_minute", 2, "api")
        self.api.rebuild()
        enrol.bind_agent(
            self.api.world.core,
            "gpu-1",
            api_fixture.AGENT.user_id,
            lambda seen: None,
        )

    def test_a_project_that_asks_too_often(self) -> None:
        for who in (api_fixture.MEMBER, api_fixture.READER) * 2:
            last = self.send("GET", "/v1/leases", who=who)
        error = self.refused(last, 429)
        self.assertEqual("gpubroker.too_many_requests", error["code"])
        self.assertEqual("20", last.headers["Retry-After"])
        self.assertIn("in 20 seconds", error["detail"])
        # What costs more than reading does not get further either.
        self.refused(
            self.send("POST", "/v1/leases", b"{}", api_fixture.MEMBER), 429
        )
        other = self.send("GET", "/v1/leases", who=api_fixture.OTHER_MEMBER)
        self.assertEqual(200, other.status_int)
        self.api.world.clock.advance(20)
        again = self.send("GET", "/v1/leases", who=api_fixture.MEMBER)
        self.assertEqual(200, again.status_int)

    def test_what_is_refused_counts_as_well(self) -> None:
        for _ in range(3):
            answer = self.send("GET", "/v1/hosts", who=api_fixture.MEMBER)
            self.refused(answer, 403)
        answer = self.send("GET", "/v1/hosts", who=api_fixture.MEMBER)
        self.refused(answer, 429)

    def test_so_does_what_is_nowhere_or_makes_no_sense(self) -> None:
        requests: dict[str, tuple[int, dict[str, Any]]] = {
            "GET /v1/nothing": (404, {}),
            "PATCH /v1/offers": (405, {}),
            "GET /v1/leases": (400, {"HTTP_IF_MATCH": "x"}),
        }
        for what, (status, environ) in requests.items():
            method, path = what.split()
            for expected in (status,) * 3 + (429,) * 2:
                answer = self.send(
                    method, path, who=api_fixture.MEMBER, **environ
                )
                self.refused(answer, expected)
            self.api.world.clock.advance(60)

    def test_reports_of_who_is_no_agent_are_requests(self) -> None:
        path, body = "/v1/hosts/gpu-1/report", json.dumps(REPORT).encode()
        for expected in (403, 403, 403, 429):
            answer = self.send("PUT", path, body, api_fixture.MEMBER)
            self.refused(answer, expected)
        self.refused(
            self.send("GET", "/v1/leases", who=api_fixture.MEMBER), 429
        )

    def test_tokens_without_a_project_share_nothing(self) -> None:
        lone = [api_fixture.Persona(n, "", "member") for n in ("a", "b")]
        for who in lone:
            self.api.tokens.add_token_data(
                token_id=who.token, user_id=who.user_id, role_list=["member"]
            )
        for expected in (403, 403, 403, 429):
            answer = self.send("GET", "/v1/leases", who=lone[0])
            self.refused(answer, expected)
        self.refused(self.send("GET", "/v1/leases", who=lone[1]), 403)

    def test_nobody_uses_up_what_is_anothers(self) -> None:
        """What needs no token does not look at one either."""
        for _ in range(5):
            request = webob.Request.blank(
                "/v1", headers={"X-Project-Id": api_fixture.MEMBER.project_id}
            )
            self.assertEqual(
                200, request.get_response(self.api.application).status_int
            )
        answer = self.send("GET", "/v1/leases", who=api_fixture.MEMBER)
        self.assertEqual(200, answer.status_int)

    def test_each_agent_has_a_limit_of_its_own(self) -> None:
        path, body = "/v1/hosts/gpu-1/report", json.dumps(REPORT).encode()
        for status in (200, 200, 429):
            answer = self.send("PUT", path, body, api_fixture.AGENT)
            self.assertEqual(status, answer.status_int, answer.text)
        # Of the same project.
        other = self.send("PUT", path, body, api_fixture.OTHER_AGENT)
        self.refused(other, 403)

    def test_reports_are_not_their_projects_requests(self) -> None:
        for _ in range(4):
            self.send("GET", "/v1/offers", who=api_fixture.AGENT)
        answer = self.send(
            "PUT",
            "/v1/hosts/gpu-1/report",
            json.dumps(REPORT).encode(),
            api_fixture.AGENT,
        )
        self.assertEqual(200, answer.status_int, answer.text)

    def test_who_has_no_token_is_never_counted(self) -> None:
        for path in ("/", "/v1", "/healthcheck", "/v1/openapi.json") * 3:
            request = webob.Request.blank(path)
            answer = request.get_response(self.api.application)
            self.assertLess(answer.status_int, 400)

    def test_the_default_is_far_from_what_people_do(self) -> None:
        conf = self.api.conf
        for name in ("requests_per_minute", "reports_per_minute"):
            conf.clear_override(name, "api")
        self.api.rebuild()
        body = {
            "name": "train",
            "flavor": "gpu.1",
            "workload": {"type": "server", "image": cloud.IMAGE},
        }
        self.send("POST", "/v1/leases", json.dumps(body).encode())
        for _ in range(100):
            self.assertEqual(200, self.send("GET", "/v1/leases").status_int)
