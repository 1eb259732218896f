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

from __future__ import annotations

import base64
import datetime
import logging

import fixtures

from gpubroker import errors
from gpubroker.services import ports
from tests.unit.clouds import wire


class Delegating(wire.WireCase):
    def setUp(self):
        super().setUp()
        self.identity = self.clouds.identity
        self.wire.post(
            wire.TRUSTS, status_code=201, json={"trust": {"id": "t1"}}
        )

    def delegate(self, **more):
        return self.identity.delegate(
            "user-token",
            wire.token(wire.USER, **more),
            "l1",
            self.identity.expiry(),
        )

    def test_a_trust_of_the_caller_for_the_broker(self):
        made = self.delegate()
        (sent,) = self.sent("POST", "/trusts")
        trust = sent["trust"]
        expires_at = trust.pop("expires_at")
        self.assertEqual(
            {
                "trustor_user_id": wire.USER,
                "trustee_user_id": wire.BROKER,
                "project_id": wire.PROJECT,
                "impersonation": True,
                "allow_redelegation": False,
                "roles": [{"id": "r-member"}],
            },
            trust,
        )
        self.assertEqual(("l1", "t1"), (made.lease_id, made.trust_id))
        self.assertEqual(
            f"{made.expires_at:%Y-%m-%dT%H:%M:%S.000000Z}", expires_at
        )
        life = made.expires_at - self.clock.now()
        self.assertTrue(
            datetime.timedelta(days=400)
            <= life
            <= datetime.timedelta(days=401)
        )

    def test_it_is_made_with_the_callers_token_as_it_is(self):
        self.delegate()
        (request,) = (
            r for r in self.wire.request_history if r.path.endswith("/trusts")
        )
        self.assertEqual("user-token", request.headers["X-Auth-Token"])

    def test_a_second_that_is_taken_is_told(self):
        self.wire.post(
            wire.TRUSTS,
            status_code=409,
            json={"error": {"message": "Duplicate entry"}},
        )
        self.assertRaises(errors.Duplicate, self.delegate)

    def test_ends_are_spread_and_whole_seconds(self):
        ends = {self.identity.expiry() for _number in range(50)}
        self.assertGreater(len(ends), 40)
        self.assertEqual({0}, {end.microsecond for end in ends})

    def test_admin_is_never_delegated(self):
        roles = [
            {"id": "r-admin", "name": "admin"},
            {"id": "r-member", "name": "Member"},
        ]
        self.delegate(roles=roles)
        (sent,) = self.sent("POST", "/trusts")
        self.assertEqual([{"id": "r-member"}], sent["trust"]["roles"])

    def test_who_may_not_make_servers_is_told(self):
        raised = self.assertRaises(
            errors.Forbidden,
            self.delegate,
            roles=[{"id": "r-reader", "name": "reader"}],
        )
        self.assertIn("member", raised.message)
        self.assertEqual([], self.sent("POST", "/trusts"))

    def test_which_tokens_can_make_a_trust(self):
        """Those that were not handed on themselves."""
        for can, more in (
            (True, {}),
            (True, {"methods": ["saml2", "token"]}),
            (False, {"methods": ["application_credential"]}),
            (False, {"methods": ["oauth1"]}),
            (False, {"OS-TRUST:trust": {"id": "t"}}),
        ):
            info = wire.token(wire.USER, **more)
            self.assertIs(can, self.identity.can_delegate(info), more)

    def test_a_token_that_is_good_for_no_server(self):
        robot = wire.token(wire.USER, methods=["application_credential"])
        reader = {"id": "r-reader", "name": "reader"}
        for without in ({"roles": [reader]}, {"project": None}):
            info = {"token": {**robot["token"], **without}}
            self.assertRaises(
                errors.Forbidden, self.identity.can_delegate, info
            )

    def test_a_token_of_no_project(self):
        info = wire.token(wire.USER)
        del info["token"]["project"]
        self.assertRaises(
            errors.Forbidden,
            self.clouds.identity.delegate,
            "user-token",
            info,
            "l1",
            self.identity.expiry(),
        )

    def test_what_keystone_says_is_told(self):
        self.wire.post(
            wire.TRUSTS,
            status_code=403,
            json={"error": {"code": 403, "message": "Not for you."}},
        )
        raised = self.assertRaises(errors.Forbidden, self.delegate)
        self.assertIn("Not for you.", raised.message)

    def test_only_who_may_hand_on_nothing_is_told_so(self):
        for status, kind in {
            400: errors.Forbidden,
            401: errors.Unauthenticated,
            403: errors.CanNotDelegate,
            404: errors.CanNotDelegate,
        }.items():
            self.wire.post(wire.TRUSTS, status_code=status)
            raised = self.assertRaises(errors.GpubrokerError, self.delegate)
            self.assertIs(kind, type(raised))

    def test_keystone_down_is_unavailable(self):
        self.wire.post(wire.TRUSTS, status_code=503)
        self.assertRaises(errors.Unavailable, self.delegate)

    def test_no_token_is_ever_logged(self):
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        self.wire.get(
            f"{wire.KEYSTONE}/auth/tokens", json=wire.token(wire.USER)
        )
        self.wire.post(
            f"{wire.NOVA}/servers",
            status_code=202,
            json={"server": {"id": "s"}},
        )
        self.delegate()
        secret = base64.b64encode(b"password: hunter2").decode()
        spec = ports.ServerSpec(
            name="n", shape_id="f", tag="t", image="i", user_data=secret
        )
        self.identity.with_token("user-token", {}).create_server(spec)
        self.assertIn("trustor_user_id", log.output)
        for word in ("user-token", "broker-token", "secret", secret):
            self.assertNotIn(word, log.output)


class Revoking(wire.ActingCase):
    def setUp(self):
        super().setUp()
        self.identity = self.clouds.identity

    def test_with_the_trusts_own_token(self):
        sent = self.wire.delete(f"{wire.TRUSTS}/t1", status_code=204)
        self.identity.revoke(wire.DELEGATION)
        self.assertEqual(
            "trust-token", sent.last_request.headers["X-Auth-Token"]
        )

    def test_gone_is_done(self):
        self.wire.delete(f"{wire.TRUSTS}/t1", status_code=404)
        self.identity.revoke(wire.DELEGATION)

    def test_without_its_makers_rights_it_can_not_be_deleted(self):
        for status, stands, gone in (
            (403, 200, False),
            (401, 200, False),
            (401, 404, True),
        ):
            self.trust_fails(status)
            self.wire.get(f"{wire.TRUSTS}/t1", status_code=stands, json={})
            self.assertIs(gone, self.identity.revoke(wire.DELEGATION))

    def test_nor_when_they_go_while_its_token_is_good(self):
        self.wire.delete(f"{wire.TRUSTS}/t1", status_code=403)
        self.assertFalse(self.identity.revoke(wire.DELEGATION))

    def test_keystone_down_is_tried_again(self):
        self.trust_fails(503)
        self.assertRaises(
            errors.Unavailable, self.identity.revoke, wire.DELEGATION
        )

    def test_with_a_wrong_password_of_the_broker_it_is_tried_again(self):
        self.wire.post(f"{wire.KEYSTONE}/auth/tokens", status_code=401)
        self.assertRaises(
            errors.Misconfigured, self.identity.revoke, wire.DELEGATION
        )


class Listing(wire.WireCase):
    def test_each_by_what_it_is_known_by(self):
        """An end of its own and a project: all that we make have both."""
        plain = {
            "trustor_user_id": wire.USER,
            "trustee_user_id": wire.BROKER,
            "project_id": wire.PROJECT,
            "impersonation": True,
            "expires_at": "2027-12-07T08:00:01.000000Z",
        }
        sent = self.wire.get(
            wire.TRUSTS,
            json={
                "trusts": [
                    {"id": "t1", **plain},
                    {"id": "t2", **plain, "expires_at": None},
                    {"id": "t3", **plain, "project_id": None},
                ]
            },
        )
        end = datetime.datetime(2027, 12, 7, 8, 0, 1, tzinfo=datetime.UTC)
        self.assertEqual(
            {(wire.USER, wire.PROJECT, end): "t1"},
            self.clouds.identity.trusts(),
        )
        self.assertEqual(
            {"trustee_user_id": [wire.BROKER.lower()]}, sent.last_request.qs
        )


class Member(wire.WireCase):
    """The broker's own user in a project of others."""

    def setUp(self):
        super().setUp()
        self.identity = self.clouds.identity

    def answer(self, **answer):
        self.wire.post(
            f"{wire.KEYSTONE}/auth/tokens",
            additional_matcher=lambda request: (
                request.json()["auth"]["scope"]["project"].get("id") == "p2"
            ),
            headers={"X-Subject-Token": "member-token"},
            **answer,
        )

    def test_the_role_in_the_project_is_the_permission(self):
        self.answer(json=wire.token(wire.BROKER, "p2"))
        self.assertTrue(self.identity.is_member("p2"))

    def test_without_one(self):
        for status in (401, 403):
            self.answer(status_code=status)
            self.assertFalse(self.identity.is_member("p2"))

    def test_with_another_role_alone(self):
        roles = [{"id": "r-reader", "name": "reader"}]
        self.answer(json=wire.token(wire.BROKER, "p2", roles=roles))
        self.assertFalse(self.identity.is_member("p2"))

    def test_keystone_down_says_neither(self):
        self.answer(status_code=503)
        self.assertRaises(errors.Unavailable, self.identity.is_member, "p2")

    def test_a_wrong_password_of_the_broker_says_neither(self):
        self.wire.post(f"{wire.KEYSTONE}/auth/tokens", status_code=401)
        self.assertRaises(errors.Misconfigured, self.identity.is_member, "p2")
        self.assertRaises(
            errors.Misconfigured, self.identity.as_member("p2").ready
        )

    def test_it_acts_there(self):
        self.answer(json=wire.token(wire.BROKER, "p2"))
        made = self.wire.post(
            f"{wire.NOVA}/servers",
            status_code=202,
            json={"server": {"id": "s"}},
        )
        cloud = self.identity.as_member("p2")
        cloud.ready()
        spec = ports.ServerSpec(name="n", shape_id="f", tag="t", image="i")
        self.assertEqual("s", cloud.create_server(spec))
        self.assertEqual(
            "member-token", made.last_request.headers["X-Auth-Token"]
        )

    def test_so_may_a_role_that_was_taken_away_beside_another(self):
        """Nova would answer 403, which fails a lease."""
        roles = [{"id": "r-reader", "name": "reader"}]
        self.answer(json=wire.token(wire.BROKER, "p2", roles=roles))
        raised = self.assertRaises(
            errors.RightsGone, self.identity.as_member("p2").ready
        )
        self.assertIn("goes on by itself", raised.message)

    def test_a_membership_that_is_over_may_come_back(self):
        self.answer(status_code=401)
        self.assertRaises(
            errors.RightsGone, self.identity.as_member("p2").ready
        )
