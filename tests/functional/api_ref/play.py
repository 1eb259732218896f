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


"""The exchanges that the API reference shows, played against the real API.

Names and ids come out the same each time: the clock stands still, and ids are
numbered in the order in which they turn up.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from typing import Any

from tests.fixtures import api
from tests.fixtures import brownfield
from tests.fixtures import cloud
from tests.fixtures import estate

URL = "https://gpu.example.com:9876"
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

MODEL = {
    "name": "mycard-32gb",
    "family": "mycard",
    "vendor": "Example",
    "vendor_id": "1234",
    "product_ids": ["5678"],
    "memory_mib": 32768,
}
FLAVOR = {
    "name": "vm.gpu.a100.4",
    "description": "Four A100 on one NVLink block",
    "models": ["a100-sxm4-80gb"],
    "gpus": 4,
    "vcpus": 32,
    "ram_mib": 262144,
    "disk_gib": 200,
    "topology": "require",
    "extra_specs": {"hw:cpu_policy": "dedicated"},
}
LEASE = {
    "name": "training",
    "flavor": "gpu.2",
    "nodes": 1,
    "duration": 28800,
    "workload": {
        "type": "server",
        "image": cloud.IMAGE,
        "networks": "auto",
        "key_name": cloud.KEY,
        "metadata": {"team": "vision"},
    },
}
CARD = "0000:07:00.0"
INSTALLATION = "5c1f0e7a"


@dataclass(frozen=True, slots=True)
class Exchange:
    """:param name: of the samples: ``<name>-req.json``, ``<name>-resp.json``.
    :param path: with the keys filled in, without the query.
    """

    name: str
    method: str
    path: str
    request: Any
    response: Any


class Play:
    """:ivar exchanges: what was said so far."""

    def __init__(self, stage: api.Api) -> None:
        self._stage = stage
        self._ids: dict[str, str] = {}
        with stage.world.store.read() as tx:
            self._installation = tx.installation.name()
        self.exchanges: list[Exchange] = []

    def say(
        self,
        name: str,
        method: str,
        path: str,
        body: Any = None,
        who: api.Persona = api.ADMIN,
        status: int = 200,
    ) -> Any:
        """:raises AssertionError: for an answer with another status."""
        answer = self._stage.call(method, path, body, who)
        if answer.status_int != status:
            raise AssertionError(f"{name}: {answer.status} {answer.text}")
        found = answer.json if answer.body else None
        self.exchanges.append(
            Exchange(name, method, path.split("?")[0], body, found)
        )
        return found

    def texts(self) -> dict[str, str]:
        """File name -> text of every sample."""
        found = {}
        for said in self.exchanges:
            for kind, value in (
                ("req", said.request),
                ("resp", said.response),
            ):
                if value is not None:
                    found[f"{said.name}-{kind}.json"] = self._text(value)
        return found

    def _text(self, value: Any) -> str:
        text = json.dumps(value, indent=4, ensure_ascii=False)
        text = text.replace("http://localhost", URL)
        text = text.replace(self._installation, INSTALLATION)
        return _UUID.sub(lambda match: self._number(match[0]), text) + "\n"

    def _number(self, found: str) -> str:
        if found == cloud.IMAGE:
            return found
        name = f"sample {len(self._ids)}"
        fresh = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        return self._ids.setdefault(found, fresh)


def play(stage: api.Api) -> Play:
    """Every exchange, in an order that makes sense of each."""
    made = Play(stage)
    for act in (_versions, _catalogue, _pools, _leases, _hosts, _devices):
        act(made, stage)
    return made


def _versions(on: Play, stage: api.Api) -> None:
    on.say("versions-list", "GET", "/")
    on.say("version-show", "GET", "/v1/")
    on.say("installation-show", "GET", "/v1/installation")


def _catalogue(on: Play, stage: api.Api) -> None:
    on.say("model-create", "POST", "/v1/models", MODEL, status=201)
    path = "/v1/models/mycard-32gb"
    on.say("model-show", "GET", path, who=api.READER)
    on.say("model-update", "PATCH", path, {"alias": "mycard", "generation": 1})
    on.say("model-delete", "DELETE", path, status=204)
    on.say("models-list", "GET", "/v1/models", who=api.READER)
    on.say("flavor-create", "POST", "/v1/flavors", FLAVOR, status=201)
    path = "/v1/flavors/vm.gpu.a100.4"
    on.say("flavor-show", "GET", path, who=api.READER)
    on.say("flavor-update", "PATCH", path, {"topology": "prefer"})
    on.say("flavor-delete", "DELETE", path, status=204)
    on.say("flavors-list", "GET", "/v1/flavors?limit=1", who=api.READER)


def _pools(on: Play, stage: api.Api) -> None:
    pool = {
        "name": "research",
        "description": "The cards of the research group",
        "admission": "automatic",
        "projects": [api.PROJECT],
    }
    on.say("pool-create", "POST", "/v1/pools", pool, status=201)
    path = "/v1/pools/research"
    on.say("pool-show", "GET", path)
    on.say("pool-update", "PATCH", path, {"admission": "manual"})
    on.say("pool-delete", "DELETE", path, status=204)
    on.say("pools-list", "GET", "/v1/pools", who=api.READER)


def _hosts(on: Play, stage: api.Api) -> None:
    host = {"name": "gpu-2", "pool": "default", "mode": "observe"}
    on.say("host-create", "POST", "/v1/hosts", host, status=201)
    path = "/v1/hosts/gpu-2"
    on.say("host-update", "PATCH", path, {"mode": "manage"})
    on.say("host-delete", "DELETE", path, status=204)
    path = "/v1/hosts/gpu-1"
    why = {"detail": "new firmware"}
    on.say("host-drain", "PUT", f"{path}/drain", why)
    on.say("host-resume", "DELETE", f"{path}/drain", status=204)
    user = {"user_id": api.AGENT.user_id}
    on.say("host-agent-bind", "PUT", f"{path}/agent", user)
    report = estate.body(
        estate.card(
            CARD,
            link={"width": 16, "max_width": 16, "speed": 16, "max_speed": 16},
            serial="1563921034567",
            uuid="GPU-5a3a2b6e-7c1d-4e8f-9b0a-1c2d3e4f5a6b",
            name="NVIDIA A100-SXM4-80GB",
        ),
        observations=[estate.xid(CARD, 31)],
    )
    on.say("host-report", "PUT", f"{path}/report", report, who=api.AGENT)
    on.say("host-show", "GET", path)
    on.say("hosts-list", "GET", "/v1/hosts")
    on.say("host-config", "GET", f"{path}/config")
    on.say("host-agent-unbind", "DELETE", f"{path}/agent", status=204)


def _leases(on: Play, stage: api.Api) -> None:
    member = api.MEMBER
    on.say("offers-list", "GET", "/v1/offers?flavor=gpu.2", who=member)
    path = "/v1/leases"
    made = on.say("lease-create", "POST", path, LEASE, member, 202)
    stage.world.settle(made["id"], "active")
    path = f"/v1/leases/{made['id']}"
    on.say("lease-show", "GET", path, who=member)
    on.say("lease-show-operator", "GET", path)
    on.say("leases-list", "GET", "/v1/leases?state=active", who=member)
    on.say("lease-update", "PATCH", path, {"name": "training-2"}, member)
    on.say("lease-extend", "POST", f"{path}/extensions", {"by": 7200}, member)
    on.say("offers-list-operator", "GET", "/v1/offers?model=a100&gpus=8")
    on.say("lease-delete", "DELETE", path, who=member, status=202)
    stage.world.settle(made["id"], "ended")
    on.say("lease-events-list", "GET", f"{path}/events", who=member)
    old = brownfield.server(stage.world, slots=(0, 1))
    adopted = {
        "server_id": old,
        "name": "training-old",
        "flavor": "gpu.2",
        "duration": 604800,
    }
    made = on.say("lease-adopt", "POST", "/v1/adoptions", adopted, status=201)
    stage.call("DELETE", f"/v1/leases/{made['id']}", who=member)
    stage.world.settle(made["id"], "ended")
    wrong = {**LEASE, "nodes": 0}
    on.say("errors", "POST", "/v1/leases", wrong, member, 400)


def _devices(on: Play, stage: api.Api) -> None:
    query = f"/v1/devices?pci_address={CARD}"
    (device,) = on.say("devices-list", "GET", query)["devices"]
    path = f"/v1/devices/{device['id']}"
    fence = f"{path}/fences/operator"
    why = {"detail": "The fan is loud, ticket 4711"}
    on.say("device-fence", "PUT", fence, why)
    on.say("device-show", "GET", path)
    on.say("device-fences-list", "GET", f"{path}/fences")
    on.say("device-fence-show", "GET", fence)
    on.say("device-unfence", "DELETE", fence, status=204)
    on.say("device-events-list", "GET", f"{path}/events")
    on.say("traits-list", "GET", f"/v1/traits?device_id={device['id']}")
