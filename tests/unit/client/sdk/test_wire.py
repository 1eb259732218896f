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

"""What the SDK sends, and what it makes of the answers."""

from __future__ import annotations

import requests
from openstack import exceptions

from gpubroker.client import errors
from gpubroker.client import sdk
from gpubroker.client.sdk import lease
from tests.unit.client import wire


class Connecting(wire.TestCase):
    def test_the_connection_has_the_service_as_an_attribute(self):
        self.assertIsInstance(self.wire.conn.gpu_broker, sdk.Proxy)

    def test_every_request_names_the_microversion(self):
        self.http.get(f"{wire.V1}/models", json={"models": []})
        list(self.broker.models())
        headers = self.wire.sent[0].headers
        self.assertEqual("gpu-broker 1.0", headers["OpenStack-API-Version"])


class Listing(wire.TestCase):
    def test_pages_are_followed_by_the_links_of_the_body(self):
        self.http.get(
            f"{wire.V1}/models",
            [
                {
                    "json": {
                        "models": [{"name": "a"}, {"name": "b"}],
                        "links": [
                            {
                                "rel": "next",
                                "href": "http://inside/v1/models?marker=b"
                                "&family=x",
                            }
                        ],
                    }
                },
                {"json": {"models": [{"name": "c"}]}},
            ],
        )
        found = [one.name for one in self.broker.models(family="x")]
        self.assertEqual(["a", "b", "c"], found)
        self.assertEqual(
            [
                f"{wire.V1}/models?family=x",
                f"{wire.V1}/models?family=x&marker=b",
            ],
            [request.url for request in self.wire.sent],
        )

    def test_a_last_page_is_not_asked_for_twice(self):
        self.http.get(f"{wire.V1}/models", json={"models": [{"name": "a"}]})
        self.assertEqual(1, len(list(self.broker.models(limit=1))))
        self.assertEqual(1, len(self.wire.sent))

    def test_several_values_go_with_commas_and_truth_in_lower_case(self):
        self.http.get(f"{wire.V1}/leases", json={"leases": []})
        list(self.broker.leases(state=("queued", "active"), all_projects=True))
        self.assertEqual(
            {"state": ["queued,active"], "all_projects": ["true"]},
            self.wire.sent[0].qs,
        )

    def test_a_filter_that_is_none_is_not_sent(self):
        self.http.get(f"{wire.V1}/offers", json={"offers": []})
        list(self.broker.offers(flavor="f"))
        self.assertEqual({"flavor": ["f"]}, self.wire.sent[0].qs)

    def test_a_filter_that_does_not_exist_is_an_error(self):
        self.assertRaises(
            exceptions.InvalidResourceQuery,
            lambda: list(self.broker.leases(sate="active")),
        )


class Changing(wire.TestCase):
    def test_a_patch_has_what_changed_and_the_generation_read(self):
        self.http.get(
            f"{wire.V1}/flavors/f",
            json={"id": "f", "name": "f", "gpus": 2, "generation": 7},
        )
        self.http.patch(
            f"{wire.V1}/flavors/f",
            json={"id": "f", "name": "f", "gpus": 4, "generation": 8},
        )
        flavor = self.broker.get_flavor("f")
        changed = self.broker.update_flavor(flavor, gpus=4)
        self.assertEqual(
            {"gpus": 4, "generation": 7}, self.wire.sent[-1].json()
        )
        self.assertEqual(8, changed.generation)

    def test_a_patch_by_id_sends_no_generation(self):
        self.http.patch(f"{wire.V1}/models/m", json={"name": "m"})
        self.broker.update_model("m", family="x")
        self.assertEqual({"family": "x"}, self.wire.sent[-1].json())

    def test_a_new_thing_is_sent_bare(self):
        self.http.post(f"{wire.V1}/pools", status_code=201, json={"name": "p"})
        self.broker.create_pool(name="p", admission="manual")
        self.assertEqual(
            {"name": "p", "admission": "manual"}, self.wire.sent[-1].json()
        )

    def test_a_name_may_hold_any_character(self):
        self.http.get(f"{wire.V1}/models/a%2Fb%3Fc%20d", json={"name": "x"})
        self.broker.get_model("a/b?c d")
        self.assertEqual(
            f"{wire.V1}/models/a%2Fb%3Fc%20d", self.wire.sent[-1].url
        )

    def test_names_that_would_address_another_url_are_not_sent(self):
        for name in ("", ".", ".."):
            self.assertIsNone(self.broker.find_model(name))
            self.assertRaises(
                exceptions.NotFoundException,
                self.broker.find_model,
                name,
                ignore_missing=False,
            )
        self.assertEqual([], self.wire.sent)


class Refusals(wire.TestCase):
    def refuse(self, status, **answer):
        self.http.get(f"{wire.V1}/models/m", status_code=status, **answer)
        return self.assertRaises(
            errors.ServiceError, self.broker.get_model, "m"
        )

    def test_the_text_is_the_sentence_of_the_service(self):
        for status, ours, theirs in (
            (400, errors.BadRequest, exceptions.BadRequestException),
            (403, errors.Forbidden, exceptions.ForbiddenException),
            (404, errors.NotFound, exceptions.NotFoundException),
            (409, errors.Conflict, exceptions.ConflictException),
            (412, errors.Precondition, exceptions.PreconditionFailedException),
        ):
            error = self.refuse(
                status,
                json=wire.refusal(
                    status, "gpus: 0 is less than 1", field="gpus"
                ),
            )
            self.assertIsInstance(error, ours)
            self.assertIsInstance(error, theirs)
            self.assertEqual("gpus: 0 is less than 1", str(error))
            self.assertEqual("gpus", error.field)
            self.assertEqual("gpubroker.invalid", error.code)
            self.assertEqual("req-1", error.request_id)

    def test_several_refusals_are_several_lines(self):
        both = wire.refusal(400, "one")
        both["errors"] += wire.refusal(400, "two")["errors"]
        self.assertEqual("one\ntwo", str(self.refuse(400, json=both)))

    def test_an_error_of_the_service_names_the_request(self):
        error = self.refuse(
            500,
            json=wire.refusal(500, "An error of the service itself."),
            headers={"x-openstack-request-id": "req-9"},
        )
        self.assertEqual("An error of the service itself. (req-9)", str(error))

    def test_a_page_of_a_proxy_is_named_by_its_status(self):
        error = self.refuse(
            502,
            text="<html>Bad Gateway</html>",
            reason="Bad Gateway",
            headers={"Content-Type": "text/html"},
        )
        self.assertEqual(
            "The gpu-broker service answered 502 Bad Gateway", str(error)
        )

    def test_a_refusal_of_keystonemiddleware_is_read(self):
        error = self.refuse(
            401, json={"error": {"message": "Authenticate.", "code": 401}}
        )
        self.assertEqual("Authenticate.", str(error))

    def test_bodies_that_are_no_error_documents_do_no_harm(self):
        for body in ([], {"errors": "x"}, {"errors": ["x"]}, {}, "text"):
            self.assertIn("409", str(self.refuse(409, json=body)))

    def test_a_raw_answer_can_be_had(self):
        self.http.get(f"{wire.V1}/x", status_code=404, json={})
        answer = self.broker.get("/x", raise_exc=False)
        self.assertEqual(404, answer.status_code)

    def test_a_find_hides_only_what_is_missing(self):
        self.http.get(
            f"{wire.V1}/models/m",
            status_code=403,
            json=wire.refusal(403, "No."),
        )
        self.assertRaises(errors.Forbidden, self.broker.find_model, "m")


class Ordering(wire.TestCase):
    def setUp(self):
        super().setUp()
        self.pauses = []
        self.patch(lease.time, "sleep", self.pauses.append)

    def answers(self, *answers):
        self.http.post(f"{wire.V1}/leases", [*answers])

    def order(self):
        return self.broker.create_lease(name="train", flavor="gpu.1")

    def ids(self):
        return {one.json()["id"] for one in self.wire.sent}

    def test_one_without_an_answer_is_sent_again_as_the_same(self):
        self.answers(
            {"exc": requests.exceptions.ReadTimeout},
            {"status_code": 503},
            {"status_code": 202, "json": {"id": "x", "state": "queued"}},
        )
        self.assertEqual("queued", self.order().state)
        self.assertEqual(3, len(self.wire.sent))
        self.assertEqual(1, len(self.ids()))
        self.assertEqual([1.0, 3.0], self.pauses)

    def test_not_for_ever(self):
        self.answers({"status_code": 503})
        self.assertRaises(errors.ServiceError, self.order)
        self.assertEqual(3, len(self.wire.sent))

    def test_what_is_refused_is_not(self):
        self.answers({"status_code": 409})
        self.assertRaises(errors.Conflict, self.order)
        self.assertEqual(1, len(self.wire.sent))

    def test_each_order_is_another_one(self):
        self.answers({"status_code": 202, "json": {"id": "x"}})
        self.order()
        self.order()
        self.assertEqual(2, len(self.ids()))
