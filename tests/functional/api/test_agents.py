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
"""An agent speaks for its own host as long as it is bound to it, and reads
nothing: what one stolen credential is worth."""

from __future__ import annotations

from typing import Any

import testtools

from gpubroker.api import routing
from gpubroker.api.controllers import root
from gpubroker.domain import pools
from gpubroker.domain.devices import Device
from gpubroker.domain.devices import Health
from gpubroker.services import enrol
from gpubroker.services import plan
from gpubroker.services import reconcile
from tests.fixtures import api as api_fixture
from tests.fixtures import estate
from tests.fixtures import nova_tree

AGENT = api_fixture.AGENT
OTHER_AGENT = api_fixture.OTHER_AGENT
ADMIN = api_fixture.ADMIN


def report(host: str = "gpu-1") -> dict[str, Any]:
    body = estate.body(*estate.whole_host(nova_tree.ADDRESSES))
    for card in body["devices"]:
        card["serial"] = f"{host}-{card['pci_address']}"
    return body


class AgentsCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.api = self.useFixture(api_fixture.Api(("gpu-1", "gpu-2")))
        for host, who in (("gpu-1", AGENT), ("gpu-2", OTHER_AGENT)):
            self.bind(host, who)

    def bind(self, host: str, who: api_fixture.Persona) -> int:
        return self.api.call(
            "PUT",
            f"/v1/hosts/{host}/agent",
            {"user_id": who.user_id},
            who=ADMIN,
        ).status_int

    def send(
        self, host: str, who: api_fixture.Persona, body: Any = None
    ) -> int:
        return self.api.call(
            "PUT", f"/v1/hosts/{host}/report", body or report(host), who=who
        ).status_int

    def cards(self, host: str) -> list[Device]:
        with self.api.world.store.read() as tx:
            return tx.devices.of_host(host)


class Bound(AgentsCase):
    """Both the report that is no news, which is not read, and another."""

    def news(self) -> dict[str, Any]:
        body = report()
        body["agent"]["version"] = "2"
        return body

    def refused(self, host: str, who: api_fixture.Persona) -> None:
        before = self.cards(host)
        for body in (report(), self.news()):
            self.assertEqual(403, self.send(host, who, body))
        self.assertEqual(before, self.cards(host))

    def test_one_that_is_replaced_is_not_heard_any_more(self) -> None:
        self.assertEqual(200, self.send("gpu-1", AGENT))
        new = api_fixture.Persona("agent-new", "service", "gpubroker_agent")
        self.api.add(new)
        self.refused("gpu-1", new)
        self.assertEqual(200, self.bind("gpu-1", new))
        self.refused("gpu-1", AGENT)
        self.assertEqual(200, self.send("gpu-1", new))

    def test_one_that_is_unbound_is_not_heard_any_more(self) -> None:
        self.assertEqual(200, self.send("gpu-1", AGENT))
        self.api.call("DELETE", "/v1/hosts/gpu-1/agent", who=ADMIN)
        self.refused("gpu-1", AGENT)
        self.assertEqual(200, self.bind("gpu-1", AGENT))
        self.assertEqual(200, self.send("gpu-1", AGENT))

    def test_one_whose_host_is_gone_is_not_heard_any_more(self) -> None:
        enrol.add_host(self.api.world.core, {"name": "gpu-9"})
        who = api_fixture.Persona("agent-9", "service", "gpubroker_agent")
        self.api.add(who)
        self.bind("gpu-9", who)
        body = estate.body()
        self.assertEqual(200, self.send("gpu-9", who, body))
        answer = self.api.call("DELETE", "/v1/hosts/gpu-9", who=ADMIN)
        self.assertEqual(204, answer.status_int, answer.text)
        self.assertEqual(403, self.send("gpu-9", who, body))
        # A new host of the old name is not the old agent's.
        enrol.add_host(self.api.world.core, {"name": "gpu-9"})
        self.assertEqual(403, self.send("gpu-9", who, body))

    def test_one_credential_is_never_two_hosts(self) -> None:
        self.assertEqual(409, self.bind("gpu-2", AGENT))
        self.assertEqual(403, self.send("gpu-2", AGENT))
        self.assertEqual(200, self.send("gpu-2", OTHER_AGENT))

    def test_one_without_the_role_is_not_heard_although_bound(self) -> None:
        """Keystone took the role away: the token says so."""
        who = api_fixture.Persona(AGENT.user_id, "service", "nobody")
        self.api.add(who)
        self.refused("gpu-1", who)


class Stolen(AgentsCase):
    def test_it_reads_and_changes_nothing(self) -> None:
        known = {
            "name": "gpu-1",
            "flavor": "gpu.1",
            "device_id": self.cards("gpu-1")[0].id,
            "reason": "operator",
            "lease_id": self.api.world.order().id,
        }
        before = self.cards("gpu-1")
        for route in routing.walk(root.TREE):
            if route.operation.rule in (None, "host:report"):
                continue
            answer = self.api.call(
                route.method,
                route.path.format_map(known),
                _body(route.operation),
                who=AGENT,
            )
            wanted = 404 if "{lease_id}" in route.path else 403
            self.assertEqual(wanted, answer.status_int, route.path)
        self.assertEqual(before, self.cards("gpu-1"))

    def test_its_lies_reach_no_other_hosts_cards(self) -> None:
        """Neither by their addresses, which all hosts have, nor by their
        serial numbers."""
        self.assertEqual(200, self.send("gpu-2", OTHER_AGENT))
        before = self.cards("gpu-2")
        lie = report("gpu-2")
        lie["observations"] = [
            {
                "id": card["pci_address"],
                "kind": "xid",
                "pci_address": card["pci_address"],
                "code": 79,
                "text": "GPU has fallen off the bus.",
                "at": "2026-11-02T08:00:00Z",
            }
            for card in lie["devices"]
        ]
        self.assertEqual(200, self.send("gpu-1", AGENT, lie))
        self.assertEqual(before, self.cards("gpu-2"))
        own = self.cards("gpu-1")
        self.assertEqual([Health.BAD] * 8, [card.health for card in own])


class StolenWhileAnotherIsSilent(AgentsCase):
    """The agent of gpu-2 is updated, and that of gpu-1 has read the serial
    numbers of its cards."""

    def setUp(self) -> None:
        super().setUp()
        self.world = self.api.world
        self.assertEqual(200, self.send("gpu-2", OTHER_AGENT))
        self.mode("gpu-1", "observe")

    def mode(self, host: str, mode: str) -> None:
        answer = self.api.call(
            "PATCH", f"/v1/hosts/{host}", {"mode": mode}, who=ADMIN
        )
        self.assertEqual(200, answer.status_int)

    def it_lies(self) -> None:
        self.mode("gpu-1", "manage")
        self.world.clock.advance(
            self.world.core.settings.heartbeat_timeout + 1
        )
        lie = report("gpu-2")
        self.assertEqual(200, self.send("gpu-1", AGENT, lie))
        for host in ("gpu-1", "gpu-2"):
            reconcile.reconcile_host(self.world.core, host)

    def held(self, lease_id: str) -> list[Device]:
        planned = self.world.get(lease_id).nodes[0].planned
        with self.world.store.read() as tx:
            return list(tx.devices.many(planned))

    def test_a_lease_that_runs_keeps_its_card(self) -> None:
        lease = self.world.order(flavor="gpu.1")
        self.world.settle(lease.id, "active")
        self.it_lies()
        (card,) = self.held(lease.id)
        self.assertEqual(
            ("gpu-2", 1), (card.host, card.reserved), card.reasons
        )
        self.world.clock.advance(61)
        self.world.turn()
        self.assertEqual("", self.world.get(lease.id).reason)

    def test_a_lease_that_starts_keeps_its_card(self) -> None:
        lease = self.world.order(flavor="gpu.1")
        plan.plan_pool(self.world.core, pools.DEFAULT, "worker-1")
        self.it_lies()
        (card,) = self.held(lease.id)
        self.assertEqual("gpu-2", card.host)
        self.assertIsNotNone(card.claimed_by)

    def test_a_card_that_is_free_stays(self) -> None:
        before = {card.id for card in self.cards("gpu-2")}
        self.it_lies()
        self.assertEqual(before, {card.id for card in self.cards("gpu-2")})


def _body(promise: Any) -> dict[str, Any] | None:
    """One that the routes of a lease take: their policy is asked last."""
    if not promise.bodies:
        return None
    known = promise.bodies[-1].validator.schema["properties"]
    return {n: v for n, v in {"name": "x", "by": 60}.items() if n in known}
