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

"""A catalogue of services that answer what a test says (requests-mock).

Bodies and statuses are those that the real services were seen to send
(N 15); the cloud tests run the same code against them.
"""

from __future__ import annotations

from typing import Any

import fixtures
import requests_mock
import testtools
from keystoneauth1 import loading

from gpubroker import clouds
from gpubroker import conf as configuration
from gpubroker.clouds import session
from gpubroker.domain import leases
from tests.fixtures import clock as test_clock

KEYSTONE = "http://keystone.test/v3"
NOVA = "http://nova.test/v2.1"
NEUTRON = "http://neutron.test"
GLANCE = "http://glance.test"
PLACEMENT = "http://placement.test"

BROKER, USER, PROJECT = "broker-user", "user-1", "project-1"

TRUSTS = f"{KEYSTONE}/OS-TRUST/trusts"
DELEGATION = leases.Delegation(
    lease_id="l1", mode=leases.IdentityMode.TRUST, trust_id="t1"
)

_SERVICES = (
    ("identity", KEYSTONE),
    ("compute", NOVA),
    ("network", NEUTRON),
    ("image", GLANCE),
    ("placement", PLACEMENT),
)


def token(
    user: str = BROKER, project: str = PROJECT, **more: Any
) -> dict[str, Any]:
    """The body of a token, as Keystone sends it."""
    return {
        "token": {
            "methods": ["password"],
            "user": {"id": user, "name": user, "domain": {"id": "default"}},
            "project": {"id": project, "name": project},
            "roles": [
                {"id": "r-member", "name": "member"},
                {"id": "r-reader", "name": "reader"},
            ],
            "issued_at": "2026-11-02T08:00:00.000000Z",
            "expires_at": "2099-11-02T08:00:00.000000Z",
            "catalog": [
                {
                    "type": name,
                    "name": name,
                    "endpoints": [
                        {
                            "id": name,
                            "interface": "public",
                            "region": "RegionOne",
                            "region_id": "RegionOne",
                            "url": url,
                        }
                    ],
                }
                for name, url in _SERVICES
            ],
            **more,
        }
    }


def _version(number: str, url: str) -> dict[str, Any]:
    return {
        "id": number,
        "status": "CURRENT",
        "links": [{"rel": "self", "href": url}],
    }


class WireCase(testtools.TestCase):
    """``self.wire`` is what is out there, ``self.clouds`` our side of it."""

    def setUp(self):
        super().setUp()
        self.wire = self.useFixture(_Wire()).mock
        self.clock = test_clock.Clock()
        conf = configuration.new()
        conf([], project="gpubroker", default_config_files=[])
        for name, value in {
            "auth_type": "password",
            "auth_url": KEYSTONE,
            "username": "gpubroker",
            "password": "secret",
            "user_domain_id": "default",
            "project_name": "service",
            "project_domain_id": "default",
        }.items():
            _set(conf, name, value)
        self.session = session.connect(conf)
        self.clouds = clouds.build(conf, self.clock, cloud=self.session)

    def sent(self, method, ending):
        """Bodies of the requests that went there."""
        return [
            request.json() if request.body else None
            for request in self.wire.request_history
            if request.method == method and request.path.endswith(ending)
        ]


class ActingCase(WireCase):
    """``self.cloud`` acts as the user who ordered, by a trust."""

    def setUp(self):
        super().setUp()
        self.wire.post(
            f"{KEYSTONE}/auth/tokens",
            additional_matcher=_for_trust,
            json=token(USER),
            headers={"X-Subject-Token": "trust-token"},
        )
        self.cloud = self.clouds.identity.as_user(DELEGATION)

    def trust_fails(self, status):
        self.wire.post(
            f"{KEYSTONE}/auth/tokens",
            additional_matcher=_for_trust,
            status_code=status,
            json={"error": {"message": "no"}},
        )


def _for_trust(request):
    scope = request.json()["auth"].get("scope", {})
    return isinstance(scope, dict) and "OS-TRUST:trust" in scope


def _set(conf, name, value):
    loader = loading.get_plugin_loader("password")
    conf.register_opts(
        [option._to_oslo_opt() for option in loader.get_options()],
        group="service_user",
    )
    conf.set_override(name, value, group="service_user")


class _Wire(fixtures.Fixture):
    def _setUp(self):
        self.mock = requests_mock.Mocker()
        self.mock.start()
        self.addCleanup(self.mock.stop)
        self.mock.get(
            KEYSTONE, json={"version": _version("v3.14", f"{KEYSTONE}/")}
        )
        self.mock.post(
            f"{KEYSTONE}/auth/tokens",
            json=token(),
            headers={"X-Subject-Token": "broker-token"},
        )
        self.mock.get(
            f"{NOVA}/",
            json={
                "version": {
                    **_version("v2.1", f"{NOVA}/"),
                    "version": "2.104",
                    "min_version": "2.1",
                }
            },
        )
        self.mock.get(
            NEUTRON, json={"versions": [_version("v2.0", f"{NEUTRON}/v2.0/")]}
        )
        self.mock.get(
            GLANCE, json={"versions": [_version("v2.9", f"{GLANCE}/v2/")]}
        )
