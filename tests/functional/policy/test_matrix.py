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


"""Every operation x every persona, in the own and in another project.

The table has a line for every route; a route without one fails. The own
project is ``demo``: all leases of these tests are its.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import testtools

from gpubroker.api import routing
from gpubroker.api.controllers import root
from gpubroker.services import catalogue
from gpubroker.services import enrol
from tests.fixtures import api as api_fixture
from tests.fixtures import brownfield
from tests.fixtures import cloud
from tests.fixtures import world

#: What a persona may do with a thing: the status that a denial has.
READERS = frozenset({"reader", "member", "colleague", "manager", "admin"})
OTHERS = frozenset({"other_reader", "other_member", "other_manager"})
ANYONE = READERS | OTHERS
MEMBERS = frozenset({"member", "colleague", "manager", "admin"})
#: The leases are those of the member.
OWNERS = MEMBERS - {"colleague"}
OTHER_MEMBERS = frozenset({"other_member", "other_manager"})
ADMIN = frozenset({"admin"})
AGENT = frozenset({"agent"})

Prepare = Callable[[api_fixture.Api], tuple[str, Any]]


@dataclass(frozen=True)
class Line:
    """:param prepare: makes what the request is about, afresh; the path and
        the body to send.
    :param allowed: personas that succeed.
    :param hidden: personas who may not even know: 404 instead of 403.
    """

    prepare: Prepare
    allowed: frozenset[str]
    hidden: frozenset[str] = frozenset()


def at(path: str, body: Any = None) -> Prepare:
    return lambda api: (path, body)


def _unseen(seen: int) -> None:
    """Any generation will do."""


def _word() -> str:
    return f"x{uuid.uuid4().hex[:12]}"


def _model_body() -> dict[str, Any]:
    name = _word()
    return {
        "name": name,
        "family": "x",
        "vendor": "X",
        "vendor_id": "ffff",
        "product_ids": ["0001"],
        "subsystem_ids": [f"{name[1:5]}:{name[5:9]}"],
        "memory_mib": 1024,
    }


def _flavor_body() -> dict[str, Any]:
    return {
        "name": _word(),
        "models": [world.MODEL],
        "gpus": 1,
        "vcpus": 1,
        "ram_mib": 1,
        "disk_gib": 1,
    }


def model(api: api_fixture.Api) -> tuple[str, Any]:
    made = catalogue.MODELS.add(api.world.core, _model_body())
    return f"/v1/models/{made.name}", None


def flavor(api: api_fixture.Api) -> tuple[str, Any]:
    made = catalogue.FLAVORS.add(api.world.core, _flavor_body())
    return f"/v1/flavors/{made.id}", None


def pool(api: api_fixture.Api) -> tuple[str, Any]:
    made = catalogue.POOLS.add(api.world.core, {"name": _word()})
    return f"/v1/pools/{made.name}", None


def host(api: api_fixture.Api) -> tuple[str, Any]:
    made = enrol.add_host(api.world.core, {"name": _word()})
    return f"/v1/hosts/{made.name}", None


def bind(api: api_fixture.Api) -> tuple[str, Any]:
    return f"{host(api)[0]}/agent", {"user_id": _word()}


def report(api: api_fixture.Api) -> tuple[str, Any]:
    enrol.bind_agent(
        api.world.core, "gpu-1", api_fixture.AGENT.user_id, _unseen
    )
    body: dict[str, Any] = {
        "agent": {"version": "1", "boot_id": "b"},
        "devices": [],
        "observations": [],
        "conditions": [],
    }
    return "/v1/hosts/gpu-1/report", body


def device(api: api_fixture.Api) -> tuple[str, Any]:
    with api.world.store.read() as tx:
        return f"/v1/devices/{tx.devices.of_host('gpu-1')[0].id}", None


def fenced(api: api_fixture.Api) -> tuple[str, Any]:
    path = f"{device(api)[0]}/fences/operator"
    api.call("PUT", path, {"detail": "test"}, who=api_fixture.ADMIN)
    return path, None


def order(api: api_fixture.Api) -> tuple[str, Any]:
    body = {
        "name": "train",
        "flavor": "gpu.1",
        "workload": {"type": "server", "image": cloud.IMAGE},
    }
    return "/v1/leases", body


def old_server(api: api_fixture.Api) -> tuple[str, Any]:
    if not api.world.cloud.machines:
        brownfield.server(api.world)
    (server_id,) = api.world.cloud.machines
    return "/v1/adoptions", {"server_id": server_id}


def lease(api: api_fixture.Api) -> tuple[str, Any]:
    made = api.world.order(flavor="gpu.1", duration=3600)
    return f"/v1/leases/{made.id}", None


def below(prepare: Prepare, path: str = "", body: Any = None) -> Prepare:
    return lambda api: (f"{prepare(api)[0]}{path}", body)


def lease_line(
    allowed: frozenset[str], path: str = "", body: Any = None
) -> Line:
    """Who may not see a lease does not learn that it exists."""
    hidden = frozenset(api_fixture.PERSONAS) - READERS
    return Line(below(lease, path, body), allowed, hidden)


TABLE: dict[str, Line] = {
    "GET /v1/models": Line(at("/v1/models"), ANYONE),
    "POST /v1/models": Line(lambda a: ("/v1/models", _model_body()), ADMIN),
    "GET /v1/models/{name}": Line(model, ANYONE),
    "PATCH /v1/models/{name}": Line(
        below(model, body={"memory_mib": 1}), ADMIN
    ),
    "DELETE /v1/models/{name}": Line(model, ADMIN),
    "GET /v1/flavors": Line(at("/v1/flavors"), ANYONE),
    "POST /v1/flavors": Line(lambda a: ("/v1/flavors", _flavor_body()), ADMIN),
    "GET /v1/flavors/{flavor}": Line(flavor, ANYONE),
    "PATCH /v1/flavors/{flavor}": Line(below(flavor, body={"gpus": 2}), ADMIN),
    "DELETE /v1/flavors/{flavor}": Line(flavor, ADMIN),
    "GET /v1/pools": Line(at("/v1/pools"), ANYONE),
    "POST /v1/pools": Line(lambda a: ("/v1/pools", {"name": _word()}), ADMIN),
    "GET /v1/pools/{name}": Line(pool, ANYONE),
    "PATCH /v1/pools/{name}": Line(
        below(pool, body={"description": "x"}), ADMIN
    ),
    "DELETE /v1/pools/{name}": Line(pool, ADMIN),
    "GET /v1/hosts": Line(at("/v1/hosts"), ADMIN),
    "POST /v1/hosts": Line(lambda a: ("/v1/hosts", {"name": _word()}), ADMIN),
    "GET /v1/hosts/{name}": Line(host, ADMIN),
    "PATCH /v1/hosts/{name}": Line(
        below(host, body={"mode": "manage"}), ADMIN
    ),
    "DELETE /v1/hosts/{name}": Line(host, ADMIN),
    "PUT /v1/hosts/{name}/agent": Line(bind, ADMIN),
    "DELETE /v1/hosts/{name}/agent": Line(below(host, "/agent"), ADMIN),
    "PUT /v1/hosts/{name}/drain": Line(
        below(host, "/drain", {"detail": "x"}), ADMIN
    ),
    "DELETE /v1/hosts/{name}/drain": Line(below(host, "/drain"), ADMIN),
    "PUT /v1/hosts/{name}/report": Line(report, AGENT),
    "GET /v1/hosts/{name}/config": Line(below(host, "/config"), ADMIN),
    "GET /v1/devices": Line(at("/v1/devices"), ADMIN),
    "GET /v1/devices/{device_id}": Line(device, ADMIN),
    "GET /v1/devices/{device_id}/fences": Line(
        below(device, "/fences"), ADMIN
    ),
    "GET /v1/devices/{device_id}/fences/{reason}": Line(fenced, ADMIN),
    "PUT /v1/devices/{device_id}/fences/{reason}": Line(
        below(device, "/fences/operator", {"detail": "x"}), ADMIN
    ),
    "DELETE /v1/devices/{device_id}/fences/{reason}": Line(fenced, ADMIN),
    "GET /v1/devices/{device_id}/events": Line(
        below(device, "/events"), ADMIN
    ),
    "GET /v1/traits": Line(at("/v1/traits"), ADMIN),
    "GET /v1/installation": Line(at("/v1/installation"), ADMIN),
    "GET /v1/offers": Line(at("/v1/offers"), ANYONE),
    "GET /v1/leases": Line(at("/v1/leases"), ANYONE),
    "POST /v1/leases": Line(order, MEMBERS | OTHER_MEMBERS),
    "GET /v1/leases/{lease_id}": lease_line(READERS),
    "PATCH /v1/leases/{lease_id}": lease_line(OWNERS, body={"name": "y"}),
    "DELETE /v1/leases/{lease_id}": lease_line(OWNERS),
    "POST /v1/leases/{lease_id}/extensions": lease_line(
        OWNERS, "/extensions", {"by": 60}
    ),
    "POST /v1/adoptions": Line(old_server, ADMIN),
    "GET /v1/leases/{lease_id}/events": lease_line(READERS, "/events"),
}

ROUTES = {
    f"{route.method} {route.path}": route
    for route in routing.walk(root.TREE)
    if route.operation.rule is not None
}


class Completeness(testtools.TestCase):
    def test_every_route_has_a_line_and_every_line_a_route(self) -> None:
        self.assertEqual(set(ROUTES), set(TABLE))


class Matrix(testtools.TestCase):
    """One test a route, added below."""

    def check(self, name: str) -> None:
        api = self.useFixture(api_fixture.Api())
        line, route = TABLE[name], ROUTES[name]
        # Those who succeed come last: what they do shows.
        order = sorted(api_fixture.PERSONAS, key=lambda p: p in line.allowed)
        for persona in order:
            path, body = line.prepare(api)
            answer = api.call(
                route.method, path, body, who=api_fixture.PERSONAS[persona]
            )
            wanted = 403
            if persona in line.allowed:
                wanted = route.operation.status
            elif persona in line.hidden:
                wanted = 404
            self.assertEqual(
                wanted,
                answer.status_int,
                f"{persona}: {name}: {answer.text}",
            )
        path, body = line.prepare(api)
        answer = api.call(route.method, path, body, who=None)
        self.assertEqual(401, answer.status_int)


def _add(name: str) -> None:
    def test(self: Matrix) -> None:
        self.check(name)

    words = "".join(c if c.isalnum() else "_" for c in name)
    setattr(Matrix, f"test_{words}", test)


for _name in TABLE:
    _add(_name)
