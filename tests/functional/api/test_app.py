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


"""What the middleware promises, in the order it stands."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Callable
from typing import Any

import testtools
import webob
from keystoneauth1 import exceptions as ksa_exceptions
from keystonemiddleware import auth_token

from gpubroker import errors
from gpubroker.api import app
from gpubroker.api import defaults
from gpubroker.services import broker
from tests.fixtures import api as api_fixture

ADMIN = api_fixture.ADMIN
GLOBAL_ID = "req-11111111-2222-4333-8444-555555555555"


class Sick:
    """A store that a test has broken."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self) -> contextlib.AbstractContextManager[Any]:
        raise self._error

    write = read

    def ping(self) -> None:
        raise self._error


class App(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api(()))

    def break_store(self, error: Exception) -> None:
        core = self.api.world.core
        sick: Any = Sick(error)
        ports = broker.Broker(
            store=sick,
            clock=core.clock,
            bell=core.bell,
            ledger=core.ledger,
            compute=core.compute,
            identity=core.identity,
        )
        self.api.application = app.build(
            self.api.conf, ports, {"database": ports.store.ping}
        )

    def test_it_says_what_is_to_be_done_when_its_process_ends(self) -> None:
        asked: list[Callable[[], None]] = []
        app.build(self.api.conf, self.api.world.core, {}, asked.append)
        self.assertEqual(["finish"], [call.__name__ for call in asked])

    def test_every_answer_names_its_request(self) -> None:
        for path, who in (
            ("/", None),
            ("/healthcheck", None),
            ("/v1/models", None),
            ("/v1/models", ADMIN),
            ("/v1/nothing", ADMIN),
        ):
            answer = self.api.call("GET", path, who=who)
            name = answer.headers["X-OpenStack-Request-ID"]
            self.assertRegex(name, "^req-[0-9a-f-]{36}$")
            if answer.status_int >= 400:
                (error,) = answer.json["errors"]
                self.assertEqual(name, error["request_id"])

    def test_a_bug_tells_nothing_but_the_request(self) -> None:
        self.break_store(RuntimeError("password=secret"))
        answer = self.api.call("GET", "/v1/models")
        self.assertEqual(500, answer.status_int)
        self.assertNotIn("secret", answer.text)
        (error,) = answer.json["errors"]
        self.assertEqual("gpubroker.internal", error["code"])
        self.assertIn(error["request_id"], self.api.logs.output)
        self.assertIn("password=secret", self.api.logs.output)

    def test_a_database_that_is_down_is_503(self) -> None:
        self.break_store(errors.Unavailable("The database: gone"))
        answer = self.api.call("GET", "/v1/models")
        self.assertEqual(503, answer.status_int)
        self.assertEqual("5", answer.headers["Retry-After"])
        self.assertEqual(
            "gpubroker.unavailable", answer.json["errors"][0]["code"]
        )

    def test_checks_are_apart(self) -> None:
        self.break_store(errors.Unavailable("The database: gone"))
        for path, status in (
            ("/healthcheck", 200),
            ("/healthcheck/database", 503),
            ("/healthcheck/", 200),
        ):
            answer = self.api.call("GET", path, who=None)
            self.assertEqual(status, answer.status_int, path)
            self.assertNotIn("gone", answer.text)

    def test_a_keystone_that_is_down_is_503(self) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise ksa_exceptions.ConnectFailure("no route")

        # keystonemiddleware's own way out to Keystone.
        self.patch(auth_token.AuthProtocol, "fetch_token", fail)
        answer = self.api.call("GET", "/v1/models")
        self.assertEqual(503, answer.status_int)
        self.assertEqual(
            "gpubroker.unavailable", answer.json["errors"][0]["code"]
        )
        self.assertIn("Keystone", answer.json["errors"][0]["detail"])

    def odd_flavor(self) -> None:
        """One whose id is none: the API could never have made it."""
        with self.api.world.store.write() as tx:
            flavor = tx.flavors.get("gpu.1")
            tx.flavors.add(dataclasses.replace(flavor, id="odd", name="odd"))

    def test_an_answer_that_breaks_its_schema_is_a_bug(self) -> None:
        self.odd_flavor()
        self.assertEqual(500, self.api.call("GET", "/v1/flavors").status_int)
        self.assertIn("'odd' is too short", self.api.logs.output)

    def test_in_production_it_is_a_warning(self) -> None:
        self.odd_flavor()
        path = "/v1/flavors?sort_key=name&sort_dir=desc"
        self.api.conf.set_override("response_validation", "warn", "api")
        self.api.application = app.build(
            self.api.conf, self.api.world.core, {}
        )
        self.assertEqual(200, self.api.call("GET", path).status_int)
        self.assertIn("'odd' is too short", self.api.logs.output)

    def test_a_path_that_is_not_utf_8(self) -> None:
        answer = self.api.call("GET", "/v1/models/%ff")
        self.assertEqual(400, answer.status_int)
        self.assertNotIn("Traceback", self.api.logs.output)

    def test_a_body_without_a_length_is_bounded(self) -> None:
        request = webob.Request.blank("/v1/models", method="POST")
        request.headers["X-Auth-Token"] = ADMIN.token
        request.headers["Content-Type"] = "application/json"
        request.headers["Transfer-Encoding"] = "chunked"
        request.body_file = io.BytesIO(b'"' + b"x" * defaults.MAX_BODY + b'"')
        request.content_length = None
        # So web servers say that the stream ends by itself.
        request.environ["wsgi.input_terminated"] = True
        answer = request.get_response(self.api.application)
        self.assertEqual(413, answer.status_int)
        self.assertEqual(
            "gpubroker.too_large", answer.json["errors"][0]["code"]
        )

    def test_head_is_get_without_the_body(self) -> None:
        got = self.api.call("GET", "/v1/models")
        head = self.api.call("HEAD", "/v1/models")
        self.assertEqual(200, head.status_int)
        self.assertEqual(b"", head.body)
        self.assertEqual(
            got.headers["Content-Length"], head.headers["Content-Length"]
        )

    def test_a_browser_that_an_operator_has_allowed(self) -> None:
        origin = "https://horizon.example"
        self.api.conf.set_override("allowed_origin", [origin], "cors")
        self.api.application = app.build(
            self.api.conf, self.api.world.core, {}
        )
        answer = self.api.call(
            "OPTIONS",
            "/v1/leases",
            who=None,
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "X-Auth-Token",
            },
        )
        self.assertEqual(200, answer.status_int)
        self.assertEqual(origin, answer.headers["Access-Control-Allow-Origin"])
        answer = self.api.call("GET", "/v1/models", headers={"Origin": origin})
        self.assertIn("ETag", answer.headers["Access-Control-Expose-Headers"])

    def test_links_lead_back_through_a_proxy(self) -> None:
        answer = self.api.call(
            "GET",
            "/v1/models?limit=1",
            headers={
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "gpu.example",
                "X-Forwarded-Prefix": "/gpu-broker",
            },
        )
        (model,) = answer.json["models"]
        self.assertEqual(
            f"https://gpu.example/gpu-broker/v1/models/{model['name']}",
            model["links"][0]["href"],
        )
