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

"""What is done in the user's name: servers made, an order checked."""

from __future__ import annotations

import dataclasses
import logging

import fixtures
import requests

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import ports
from tests.unit.clouds import wire

SPEC = ports.ServerSpec(
    name="train",
    shape_id="shape-1",
    tag="gpubroker:1",
    image="image-1",
)

JSON = {"Content-Type": "application/json"}


class Booting(wire.ActingCase):
    def setUp(self):
        super().setUp()
        self.made = self.wire.post(
            f"{wire.NOVA}/servers",
            status_code=202,
            json={"server": {"id": "s1"}},
        )

    def body(self, **more):
        self.cloud.create_server(dataclasses.replace(SPEC, **more))
        return self.made.last_request.json()["server"]

    def test_as_the_user_with_a_trust_and_no_project(self):
        self.assertEqual("s1", self.cloud.create_server(SPEC))
        self.assertEqual(
            "trust-token", self.made.last_request.headers["X-Auth-Token"]
        )
        scopes = [
            sent["auth"].get("scope")
            for sent in self.sent("POST", "/auth/tokens")
        ]
        self.assertIn({"OS-TRUST:trust": {"id": "t1"}}, scopes)

    def test_whose_name_it_is(self):
        self.assertEqual((wire.USER, wire.PROJECT), self.cloud.whose())

    def test_the_least(self):
        self.assertEqual(
            {
                "name": "train",
                "flavorRef": "shape-1",
                "imageRef": "image-1",
                "networks": "auto",
                "tags": ["gpubroker:1"],
            },
            self.body(),
        )

    def test_everything(self):
        body = self.body(
            networks=[
                {"network": "n1", "fixed_ip": "10.0.0.9"},
                {"port": "p1"},
            ],
            key_name="k",
            security_groups=["web", "ssh"],
            availability_zone="az1",
            user_data="aGk=",
            metadata={"a": "b"},
        )
        self.assertEqual(
            [{"uuid": "n1", "fixed_ip": "10.0.0.9"}, {"port": "p1"}],
            body["networks"],
        )
        self.assertEqual(
            [{"name": "web"}, {"name": "ssh"}], body["security_groups"]
        )
        self.assertEqual(
            ("k", "az1", "aGk=", {"a": "b"}),
            (
                body["key_name"],
                body["availability_zone"],
                body["user_data"],
                body["metadata"],
            ),
        )

    def test_no_log_has_what_only_its_user_may_know(self):
        log = self.useFixture(
            fixtures.FakeLogger("keystoneauth", level=logging.DEBUG)
        )
        self.wire.get(f"{wire.NOVA}/os-keypairs/k", status_code=404)
        self.assertRaises(errors.Invalid, self.cloud.public_key, "k")
        self.assertIn("os-keypairs", log.output)
        self.wire.post(
            f"{wire.NOVA}/servers",
            json={"server": {"id": "s1", "adminPass": "Nova-made-it"}},
            headers=JSON,
        )
        url = "http://console.test/vnc?token=way-in"
        self.wire.post(
            f"{wire.NOVA}/servers/s1/remote-consoles",
            json={"remote_console": {"url": url}},
            headers=JSON,
        )
        self.cloud.create_server(SPEC)
        self.cloud.console_url("s1")
        self.assertNotIn("Nova-made-it", log.output)
        self.assertNotIn("way-in", log.output)

    def test_an_answer_that_is_none(self):
        """From something that stands before the service."""
        for answer in ({"text": "<html>Welcome</html>"}, {"text": ""}):
            self.wire.get(f"{wire.NOVA}/os-keypairs/k", **answer)
            self.assertRaises(errors.Unavailable, self.cloud.public_key, "k")
        self.wire.post(f"{wire.NOVA}/servers", text="<html>Welcome</html>")
        self.assertRaises(errors.Unavailable, self.cloud.create_server, SPEC)

    def test_from_a_volume(self):
        body = self.body(boot_volume_gib=20)
        self.assertNotIn("imageRef", body)
        self.assertEqual(
            [
                {
                    "boot_index": 0,
                    "source_type": "image",
                    "uuid": "image-1",
                    "destination_type": "volume",
                    "volume_size": 20,
                    "delete_on_termination": True,
                }
            ],
            body["block_device_mapping_v2"],
        )

    def test_novas_no_is_final_and_in_its_words(self):
        words = "Quota exceeded for instances: Requested 1, but already used 1"
        for status in (400, 403, 404, 413):
            self.wire.post(
                f"{wire.NOVA}/servers",
                status_code=status,
                json={"forbidden": {"code": status, "message": words}},
            )
            raised = self.assertRaises(
                errors.Rejected, self.cloud.create_server, SPEC
            )
            self.assertEqual(words, raised.message)

    def test_each_conflict_of_novas_is_about_the_order(self):
        for words in (
            "Port 0a7c is still in use.",
            "More than one possible network found. Specify network ID(s) to "
            "select which one(s) to connect to.",
            "Multiple security groups found matching 'web'. Use an ID to be "
            "more specific.",
            "Instance train already exists.",
        ):
            self.wire.post(
                f"{wire.NOVA}/servers",
                status_code=409,
                json={"conflictingRequest": {"code": 409, "message": words}},
            )
            raised = self.assertRaises(
                errors.Rejected, self.cloud.create_server, SPEC
            )
            self.assertEqual(words, raised.message)

    def test_a_refusal_for_now_proves_that_nothing_was_made(self):
        for status, headers, seconds in (
            (429, {}, None),
            (429, {"Retry-After": "12"}, 12.0),
            (429, {"Retry-After": "Fri, 27 Nov 2026 05:53:01 GMT"}, None),
            (413, {"Retry-After": "3"}, 3.0),
            (401, {}, None),
        ):
            self.wire.post(
                f"{wire.NOVA}/servers",
                status_code=status,
                headers=headers,
                json={"overLimit": {"code": status, "message": "Too many"}},
            )
            raised = self.assertRaises(
                errors.NotDone, self.cloud.create_server, SPEC
            )
            self.assertEqual(seconds, raised.fields["seconds"])

    def test_without_an_answer_it_may_exist(self):
        for answer in (
            {"status_code": 500},
            {"status_code": 503},
            {"status_code": 408},
            {"exc": requests.exceptions.ReadTimeout},
            {"exc": requests.exceptions.ConnectionError},
        ):
            sent = self.wire.post(f"{wire.NOVA}/servers", **answer)
            raised = self.assertRaises(
                errors.Unavailable, self.cloud.create_server, SPEC
            )
            self.assertNotIsInstance(raised, errors.NotDone)
            self.assertEqual(1, sent.call_count)

    def test_rights_gone_and_identity_lost(self):
        """Of a 401 tells the trust itself what it means: it stands while
        only its project is disabled."""
        for status, stands, error in (
            (403, 200, errors.RightsGone),
            (401, 200, errors.RightsGone),
            (401, 404, errors.IdentityLost),
        ):
            self.trust_fails(status)
            self.wire.get(f"{wire.TRUSTS}/t1", status_code=stands, json={})
            self.assertRaises(error, self.cloud.ready)

    def test_the_brokers_own_password_is_not_the_users_fault(self):
        self.wire.post(f"{wire.KEYSTONE}/auth/tokens", status_code=401)
        self.assertRaises(errors.Misconfigured, self.cloud.ready)

    def test_a_token_that_keystone_does_not_know(self):
        self.wire.get(f"{wire.KEYSTONE}/auth/tokens", status_code=404)
        self.assertRaises(
            errors.IdentityLost, self.clouds.identity.with_token, "old", {}
        )

    def test_the_public_key_of_a_key_pair(self):
        url = f"{wire.NOVA}/os-keypairs/mine"
        self.wire.get(
            url, json={"keypair": {"type": "ssh", "public_key": "ssh-rsa A"}}
        )
        self.assertEqual(
            leases.PublicKey("ssh", "ssh-rsa A"), self.cloud.public_key("mine")
        )
        self.wire.get(url, status_code=404)
        self.assertRaises(errors.Invalid, self.cloud.public_key, "mine")

    def test_a_console_where_there_is_one(self):
        url = f"{wire.NOVA}/servers/s1/remote-consoles"
        self.wire.post(url, json={"remote_console": {"url": "http://c"}})
        self.assertEqual("http://c", self.cloud.console_url("s1"))
        for status in (400, 404, 409, 501):
            self.wire.post(url, status_code=status)
            self.assertIsNone(self.cloud.console_url("s1"))


class Checking(wire.ActingCase):
    def setUp(self):
        super().setUp()
        self.wire.get(
            f"{wire.GLANCE}/v2/images/image-1", json={"status": "active"}
        )
        self.wire.get(f"{wire.NOVA}/os-keypairs/my%20key", json={})
        self.wire.get(
            f"{wire.NOVA}/os-availability-zone",
            json={
                "availabilityZoneInfo": [
                    {"zoneName": "az1", "zoneState": {"available": True}},
                    {"zoneName": "az2", "zoneState": {"available": False}},
                ]
            },
        )
        self.offer_networks()
        for url in (
            f"{wire.GLANCE}/v2/images/other",
            f"{wire.NEUTRON}/v2.0/networks/other",
            f"{wire.NEUTRON}/v2.0/ports/other",
            f"{wire.NOVA}/os-keypairs/other",
        ):
            self.wire.get(url, status_code=404)

    def offer_networks(self):
        self.wire.get(
            f"{wire.NEUTRON}/v2.0/networks/n1", json={"network": {"id": "n1"}}
        )
        self.wire.get(
            f"{wire.NEUTRON}/v2.0/ports/p1", json={"port": {"device_id": ""}}
        )
        self.wire.get(
            f"{wire.NEUTRON}/v2.0/ports/p2", json={"port": {"device_id": "s9"}}
        )
        self.groups = self.wire.get(
            f"{wire.NEUTRON}/v2.0/security-groups",
            json={
                "security_groups": [
                    {"id": "g1", "name": "web"},
                    {"id": "g2", "name": "twice"},
                    {"id": "g3", "name": "twice"},
                ]
            },
        )

    def test_what_is_there_is_fine(self):
        self.cloud.check(
            {
                "image": "image-1",
                "networks": [{"network": "n1"}, {"port": "p1"}],
                "key_name": "my key",
                "security_groups": ["web", "g2"],
                "availability_zone": "az1",
            }
        )
        self.assertEqual(
            [wire.PROJECT], self.groups.last_request.qs["project_id"]
        )
        self.cloud.check({"image": "image-1", "networks": "none"})

    def test_what_is_not_is_named(self):
        for workload, field in (
            ({"image": "other"}, "workload.image"),
            (
                {"networks": [{"network": "n1"}, {"network": "other"}]},
                "workload.networks[1].network",
            ),
            ({"networks": [{"port": "other"}]}, "workload.networks[0].port"),
            ({"networks": [{"port": "p2"}]}, "workload.networks[0].port"),
            ({"key_name": "other"}, "workload.key_name"),
            (
                {"security_groups": ["web", "no"]},
                "workload.security_groups[1]",
            ),
            ({"security_groups": ["twice"]}, "workload.security_groups[0]"),
            ({"availability_zone": "az2"}, "workload.availability_zone"),
        ):
            raised = self.assertRaises(
                errors.Invalid, self.cloud.check, workload
            )
            self.assertEqual(field, raised.fields["field"])
            self.assertTrue(raised.message.startswith(f"{field}: "))

    def test_whom_the_image_lets_log_in(self):
        self.assertEqual(
            ports.Checked(), self.cloud.check({"image": "image-1"})
        )
        self.wire.get(
            f"{wire.GLANCE}/v2/images/image-1",
            json={"status": "active", "os_distro": "ubuntu"},
        )
        self.assertEqual(
            ports.Checked(login_user="ubuntu"),
            self.cloud.check({"image": "image-1"}),
        )

    def test_an_image_that_is_not_ready(self):
        self.wire.get(
            f"{wire.GLANCE}/v2/images/image-1", json={"status": "queued"}
        )
        raised = self.assertRaises(
            errors.Invalid, self.cloud.check, {"image": "image-1"}
        )
        self.assertIn("queued", raised.message)

    def test_a_service_that_is_down_is_not_the_users_fault(self):
        self.wire.get(f"{wire.GLANCE}/v2/images/image-1", status_code=503)
        self.assertRaises(
            errors.Unavailable, self.cloud.check, {"image": "image-1"}
        )
