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

"""What the proxy answers in a service's name, as the broker reads it."""

from __future__ import annotations

import json

import requests
import testtools

from gpubroker import errors
from gpubroker.clouds import answers
from gpubroker.clouds import session
from sandbox.faults import refusals
from sandbox.faults import rules

ONE = "/resource_providers/4e1b"


def refused(service, status=409, method="PUT", path="/", accept=""):
    request = rules.Request(service, method, path)
    headers, body = refusals.refusal(request, status, accept)
    response = requests.Response()
    response.status_code = status
    response.headers.update(dict(headers))
    response._content = body
    return response


class Api:
    """keystoneauth's adapter, on the way to a proxy that refuses."""

    def __init__(self, path):
        self._path = path

    def request(self, _path, method, **_options):
        return refused("placement", method=method, path=self._path)


class Bodies(testtools.TestCase):
    def body(self, *what, **more):
        return refused(*what, **more).json()

    def test_each_service_has_its_own(self):
        self.assertEqual(
            {"conflictingRequest": {"code": 409, "message": "Conflict"}},
            self.body("nova"),
        )
        self.assertEqual(
            {
                "error": {
                    "code": 409,
                    "title": "Conflict",
                    "message": "Conflict",
                }
            },
            self.body("keystone"),
        )
        self.assertEqual(
            {
                "NeutronError": {
                    "type": "Conflict",
                    "message": "Conflict",
                    "detail": "",
                }
            },
            self.body("neutron"),
        )
        (entry,) = self.body("gpubroker", 503)["errors"]
        self.assertEqual("gpubroker.unavailable", entry["code"])

    def test_nova_has_a_name_for_each_status(self):
        self.assertEqual(["computeFault"], [*self.body("nova", 500)])
        self.assertEqual(
            {"code": 429, "message": "Too Many Requests", "retryAfter": "1"},
            self.body("nova", 429)["overLimit"],
        )

    def test_placement_says_by_a_code_what_collides(self):
        for method, path, code in (
            ("PUT", f"{ONE}/inventories/VCPU", "concurrent_update"),
            ("POST", f"{ONE}/inventories", "concurrent_update"),
            ("DELETE", ONE, "resource_provider.inuse"),
            ("POST", "/resource_providers", "duplicate_name"),
            ("DELETE", "/resource_classes/CUSTOM_A", "undefined_code"),
        ):
            found = self.body("placement", method=method, path=path)
            (entry,) = found["errors"]
            self.assertEqual(f"placement.{code}", entry["code"])

    def test_a_token_that_is_none_is_refused_before_the_service(self):
        for service in ("nova", "placement", "neutron", "glance", "keystone"):
            answer = refused(service, 401)
            self.assertEqual("Unauthorized", answer.json()["error"]["title"])
            self.assertIn("WWW-Authenticate", answer.headers)

    def test_glance_answers_as_it_is_asked(self):
        for accept, kind in (
            ("application/json", "application/json"),
            ("text/html", "text/html; charset=UTF-8"),
            ("*/*", "text/html; charset=UTF-8"),
            ("", "text/plain; charset=UTF-8"),
        ):
            answer = refused("glance", 500, accept=accept)
            self.assertEqual(kind, answer.headers["Content-Type"])
            self.assertIn(b"Internal Server Error", answer.content)
        found = refused("glance", accept="application/json").json()
        self.assertEqual("409 Conflict", found["code"])

    def test_who_is_busy_says_for_how_long(self):
        for status, seconds in ((429, "1"), (503, "1"), (409, None)):
            headers = refused("nova", status).headers
            self.assertEqual(seconds, headers.get("Retry-After"))


class Read(testtools.TestCase):
    """Words and code come through as they do from the service itself."""

    def test_the_words_of_all_of_them(self):
        for service in ("nova", "keystone", "neutron", "placement"):
            found = answers.read("PUT", refused(service))
            self.assertEqual("Conflict", found.words, service)
        accept = "application/json"
        found = answers.read("GET", refused("glance", accept=accept))
        self.assertIn("Conflict", found.words)

    def test_a_conflict_of_generations_is_one_to_be_tried_again(self):
        path = f"{ONE}/inventories/CUSTOM_GPU"
        for where, kind in (
            (path, errors.ConcurrentUpdate),
            ("/resource_classes/CUSTOM_A", errors.Conflict),
        ):
            found = session.Service("Placement", Api(where))
            error = self.assertRaises(errors.Conflict, found.call, "PUT", "/")
            self.assertIs(kind, type(error))


class Page(testtools.TestCase):
    def test_it_is_no_json_where_none_is_asked_for(self):
        page = refused("glance", 503, accept="*/*").content
        self.assertRaises(ValueError, json.loads, page)
