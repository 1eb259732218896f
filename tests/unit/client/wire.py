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

"""A catalogue and an endpoint on the wire, without a cloud behind them."""

from __future__ import annotations

import fixtures
import requests_mock
import testtools
from keystoneauth1 import fixture as ksa_fixture
from openstack import config
from openstack import connection

from gpubroker.client import sdk

AUTH_URL = "http://keystone.test/v3"
ENDPOINT = "http://gpu.test"
V1 = f"{ENDPOINT}/v1"

VERSION = {
    "id": "v1",
    "status": "CURRENT",
    "min_version": "1.0",
    "max_version": "1.0",
    "version": "1.0",
    "links": [{"rel": "self", "href": f"{V1}/"}],
}


class Wire(fixtures.Fixture):
    """:ivar http: requests-mock's Mocker, to say what is answered.
    :ivar broker: the proxy under test.
    """

    def _setUp(self) -> None:
        self.http = requests_mock.Mocker()
        self.http.start()
        self.addCleanup(self.http.stop)
        self._identity()
        self.http.get(ENDPOINT, json={"versions": [VERSION]})
        self.http.get(f"{ENDPOINT}/", json={"versions": [VERSION]})
        self.http.get(V1, json={"version": VERSION})
        self.http.get(f"{V1}/", json={"version": VERSION})
        region = config.get_cloud_region(
            auth={
                "auth_url": AUTH_URL,
                "username": "u",
                "password": "p",
                "project_name": "demo",
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
            region_name="RegionOne",
            load_yaml_config=False,
            load_envvars=False,
        )
        self.conn = connection.Connection(config=region)
        self.broker = sdk.add_to(self.conn)

    def _identity(self) -> None:
        token = ksa_fixture.V3Token(project_id="p1")
        token.add_service("gpu-broker").add_standard_endpoints(
            public=ENDPOINT, region="RegionOne"
        )
        self.http.get(
            AUTH_URL, json={"version": ksa_fixture.V3Discovery(AUTH_URL)}
        )
        self.http.post(
            f"{AUTH_URL}/auth/tokens",
            json=token,
            headers={"X-Subject-Token": "t"},
        )

    @property
    def sent(self):
        """The requests to the API itself, in order."""
        return [
            request
            for request in self.http.request_history
            if request.url.startswith(f"{V1}/") and request.path != "/v1/"
        ]


def refusal(status, detail, code="gpubroker.invalid", **more):
    return {
        "errors": [
            {
                "status": status,
                "code": code,
                "title": "Title",
                "detail": detail,
                "request_id": "req-1",
                "links": [],
                **more,
            }
        ]
    }


class TestCase(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.wire = self.useFixture(Wire())
        self.http = self.wire.http
        self.broker = self.wire.broker
