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

"""A cloud on the wire, without one behind it (requests-mock).

Bodies are shortened ones of the real services; the cloud tests run the same
code against those.
"""

from __future__ import annotations

from typing import Any

import fixtures
import requests_mock
from keystoneauth1 import fixture as ksa_fixture
from openstack import config

AUTH_URL = "http://keystone.test/v3"
NOVA = "http://nova.test/v2.1"
PLACEMENT = "http://placement.test"
NEUTRON = "http://neutron.test"
GLANCE = "http://glance.test"
BROKER = "http://gpu.test"

ENDPOINTS = {
    "identity": AUTH_URL,
    "compute": NOVA,
    "placement": PLACEMENT,
    "network": NEUTRON,
    "image": GLANCE,
    "gpu-broker": BROKER,
}

RC = "CUSTOM_GPU_A100"
INSTALLATION = "5c1f0e7a"
TICKET = "CUSTOM_GPUBROKER_5C1F0E7A_0A_1"

LEASE: dict[str, Any] = {
    "id": "l1",
    "name": "train",
    "project_id": "p1",
    "user_id": "u1",
    "flavor": "vm.gpu.a100.1",
    "models": ["a100"],
    "gpus": 1,
    "pool": "default",
    "state": "active",
    "target": "active",
    "reason": "",
    "queue": None,
    "requested_at": "2026-11-23T08:00:00.123Z",
    "started_at": "2026-11-23T08:00:09.000Z",
    "ended_at": None,
    "identity_mode": "trust",
    "workload": {"type": "server", "image": "i1"},
    "servers": [
        {
            "node": 0,
            "id": "s1",
            "host": "g1",
            "devices": [
                {
                    "id": "d1",
                    "pci_address": "0000:07:00.0",
                    "slot": 0,
                    "serial": "1650001",
                }
            ],
        }
    ],
    "updated_at": "2026-11-23T08:00:09Z",
}

DEVICE: dict[str, Any] = {
    "id": "d1",
    "host": "g1",
    "pci_address": "0000:07:00.0",
    "model": "a100",
    "state": "present",
    "fences": [
        {
            "reason": "lease",
            "lease_id": "l1",
            "created_at": "2026-11-23T08:00:09Z",
        }
    ],
    "use": {"kind": "lease", "lease_id": "l1", "consumers": ["s1"]},
    "provider": {"id": "rp1"},
    "schedulable": False,
    "updated_at": "2026-11-23T08:00:09Z",
}

HOST = {
    "name": "g1",
    "hypervisor_hostname": "g1.example.org",
    "pool": "default",
    "mode": "manage",
}

MODEL = {"name": "a100", "resource_class": RC, "alias": "a100"}

SERVER: dict[str, Any] = {
    "id": "s1",
    "name": "train",
    "tenant_id": "p1",
    "status": "ACTIVE",
    "OS-EXT-STS:task_state": None,
    "OS-EXT-SRV-ATTR:hypervisor_hostname": "g1.example.org",
    "flavor": {
        "original_name": "gpubroker-5c1f0e7a-0a-1",
        "extra_specs": {f"resources:{TICKET}": "1"},
    },
    "tags": ["gpubroker:0a:1"],
    "created": "2026-11-23T08:00:01Z",
    "updated": "2026-11-23T08:00:05Z",
}

IMAGE: dict[str, Any] = {
    "id": "i1",
    "status": "active",
    "visibility": "public",
    "owner": "p2",
}

#: All that a list has of it while its cell is down.
HIDDEN: dict[str, Any] = {
    "id": "s1",
    "status": "UNKNOWN",
    "tenant_id": "p1",
    "created": "2026-11-23T08:00:01Z",
    "links": [],
}

PROVIDERS = [
    {"uuid": "root", "name": "g1.example.org", "root_provider_uuid": "root"},
    {
        "uuid": "rp1",
        "name": "g1.example.org_0000:07:00.0",
        "root_provider_uuid": "root",
    },
    {
        "uuid": "t1",
        "name": "gpubroker_5c1f0e7a_g1",
        "root_provider_uuid": "root",
    },
]


class Wire(fixtures.Fixture):
    """One lease on one card, and nothing wrong.

    :ivar http: requests-mock's Mocker, to say what else is answered.
    """

    def _setUp(self) -> None:
        self.http = requests_mock.Mocker()
        self.http.start()
        self.addCleanup(self.http.stop)
        self._identity()
        self._placement()
        self._compute()
        self.http.get(NEUTRON, json=_versions(NEUTRON, "v2.0"))
        self.http.get(f"{NEUTRON}/v2.0/ports", json={"ports": []})
        self.http.get(GLANCE, json=_versions(GLANCE, "v2.0"))
        self.http.get(f"{GLANCE}/v2.0/images/i1", json=IMAGE)
        self._broker()
        self.region = config.get_cloud_region(
            auth={
                "auth_url": AUTH_URL,
                "username": "operator",
                "password": "p",
                "project_name": "admin",
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
            region_name="RegionOne",
            load_yaml_config=False,
            load_envvars=False,
        )

    def _identity(self) -> None:
        token = ksa_fixture.V3Token(project_id="admin")
        for kind, url in ENDPOINTS.items():
            token.add_service(kind).add_standard_endpoints(
                public=url, region="RegionOne"
            )
        self.http.get(
            AUTH_URL, json={"version": ksa_fixture.V3Discovery(AUTH_URL)}
        )
        self.http.post(
            f"{AUTH_URL}/auth/tokens",
            json=token,
            headers={"X-Subject-Token": "t"},
        )
        self.http.get(f"{AUTH_URL}/users", json={"users": [{"id": "b1"}]})
        self.http.get(f"{AUTH_URL}/OS-TRUST/trusts", json={"trusts": []})

    def _placement(self) -> None:
        self.http.get(PLACEMENT, json={"versions": []})
        self.http.get(
            f"{PLACEMENT}/resource_providers",
            json={"resource_providers": PROVIDERS},
        )
        self.http.get(
            f"{PLACEMENT}/resource_classes",
            json={"resource_classes": [{"name": "VCPU"}, {"name": TICKET}]},
        )
        for provider, name in (("rp1", RC), ("t1", TICKET)):
            reserved = int(provider == "rp1")
            url = f"{PLACEMENT}/resource_providers/{provider}"
            self.http.get(
                f"{url}/inventories",
                json={
                    "inventories": {name: {"total": 1, "reserved": reserved}}
                },
            )
            self.http.get(
                f"{url}/allocations",
                json={"allocations": {"s1": {"resources": {name: 1}}}},
                headers={"Last-Modified": "Mon, 23 Nov 2026 08:00:02 GMT"},
            )

    def _compute(self) -> None:
        self.http.get(
            f"{NOVA}/", json={"version": {"id": "v2.1", "version": "2.100"}}
        )
        self.http.get(f"{NOVA}/servers/detail", json={"servers": [SERVER]})
        self.http.get(f"{NOVA}/flavors/detail", json={"flavors": []})
        self.http.get(f"{NOVA}/os-keypairs", json={"keypairs": []})
        self.http.get(
            f"{NOVA}/os-services",
            json={
                "services": [
                    {"host": "g1", "state": "up", "status": "enabled"}
                ]
            },
        )

    def _broker(self) -> None:
        self.http.get(BROKER, json=_versions(BROKER, "v1"))
        self.http.get(f"{BROKER}/v1/installation", json={"name": INSTALLATION})
        self.http.get(f"{BROKER}/v1/leases?state=ended", json={"leases": []})
        for name, things in (
            ("leases", [LEASE]),
            ("devices", [DEVICE]),
            ("hosts", [HOST]),
            ("models", [MODEL]),
        ):
            self.http.get(f"{BROKER}/v1/{name}", json={name: things})
        self.http.get(
            f"{BROKER}/v1/leases?state=ended,failed", json={"leases": []}
        )

    def asked(self, url: str) -> list[Any]:
        """The requests for a URL, whatever the query."""
        return [
            request
            for request in self.http.request_history
            if request.url.partition("?")[0] == url
        ]


def _versions(url: str, version: str) -> dict[str, Any]:
    return {
        "versions": [
            {
                "id": version,
                "status": "CURRENT",
                "links": [{"rel": "self", "href": f"{url}/{version}/"}],
            }
        ]
    }
