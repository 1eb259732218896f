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

"""The broker's own parts, and what operators have set up in it."""

from __future__ import annotations

from dataclasses import dataclass

from gpubroker.domain import devices
from gpubroker.domain import flavors
from gpubroker.domain import models
from gpubroker.services.checks import fleet
from gpubroker.services.checks import offered
from gpubroker.services.checks import own
from gpubroker.services.checks import policy
from gpubroker.services.checks.mistakes import Mistake
from tests.unit.services.checks import base


@dataclass
class Schema:
    found: str | None
    engine: str = "mysql"
    newest: str = "b2"

    def revision(self) -> str | None:
        return self.found

    def head(self) -> str:
        return self.newest

    def dialect(self) -> str:
        return self.engine


def model(name: str, **more: str) -> models.Model:
    return models.Model(
        name=name,
        family=name,
        vendor="NVIDIA",
        vendor_id="10de",
        product_ids=("20b2",),
        memory_mib=1,
        resource_class=more.get("resource_class", f"CUSTOM_{name}"),
        alias=more.get("alias", name),
    )


def flavor(gpus: int, *names: str) -> flavors.Flavor:
    return flavors.Flavor(
        id="f",
        name=f"vm.{gpus}",
        models=names,
        gpus=gpus,
        vcpus=1,
        ram_mib=1,
        disk_gib=1,
    )


class OwnTest(base.ChecksCase):
    def test_database(self) -> None:
        for schema, mistakes, words in (
            (Schema("b2"), [], []),
            (Schema(None), [Mistake.DATABASE_EMPTY], ["db upgrade"]),
            (Schema("a1"), [Mistake.DATABASE_BEHIND], ["a1", "b2"]),
            (Schema("b2", "sqlite"), [Mistake.DATABASE_SQLITE], ["MariaDB"]),
        ):
            found = self.told(own.database(schema), *words)
            self.assertEqual(mistakes, found)

    def test_keys(self) -> None:
        self.assertEqual([], self.told(own.keys(2, 0)))
        found = self.told(own.keys(2, 3), "3 leases", "key_repository")
        self.assertEqual([Mistake.KEYS_OTHER], found)

    def test_transport(self) -> None:
        self.assertEqual([], self.told(own.transport("rabbit://u:p@h:5672/")))
        for unset in ("rabbit://", "rabbit:///", ""):
            found = self.told(own.transport(unset), "transport_url")
            self.assertEqual([Mistake.BUS_UNSET], found)
        found = self.told(own.transport("fake:/"), "one process")
        self.assertEqual([Mistake.BUS_INSIDE], found)

    def test_transport_never_shows_the_password(self) -> None:
        for scheme in ("fake", "rabbit", "kombu+memory"):
            found = list(own.transport(f"{scheme}://me:S3cret@host/"))
            self.assertNotIn("S3cret", str(found))

    def test_settings(self) -> None:
        self.assertEqual([], self.told(own.settings(30, 120)))
        found = self.told(own.settings(90, 120), "360")
        self.assertEqual([Mistake.SILENT_TOO_SOON], found)


class FleetTest(base.ChecksCase):
    def agents(self, **fields: object) -> list[Mistake | None]:
        return self.told(
            fleet.agents([base.host("h1", **fields)], base.NOW, 60, "2.0")
        )

    def test_workers(self) -> None:
        self.assertEqual([], self.told(fleet.workers(2)))
        self.assertEqual(
            [Mistake.WORKERS_NONE],
            self.told(fleet.workers(0), "gpubroker-worker"),
        )

    def test_agents(self) -> None:
        well = {
            "agent_user_id": "u",
            "heartbeat_at": base.NOW,
            "agent_version": "2.0",
        }
        long_ago = base.NOW.replace(hour=11)
        for fields, mistakes in (
            (well, []),
            ({}, [Mistake.AGENT_NONE]),
            ({"agent_user_id": "u"}, [Mistake.AGENT_UNHEARD]),
            ({**well, "heartbeat_at": long_ago}, [Mistake.AGENT_SILENT]),
            ({**well, "agent_version": "1.9"}, [Mistake.AGENT_VERSION]),
            ({**well, "agent_version": "2.0.dev3"}, []),
        ):
            self.assertEqual(mistakes, self.agents(**fields))


class OfferedTest(base.ChecksCase):
    def test_models(self) -> None:
        for second, mistakes in (
            (model("b"), []),
            (
                model("b", resource_class="CUSTOM_a"),
                [Mistake.MODEL_CLASS_SHARED],
            ),
            (model("b", alias="a"), [Mistake.MODEL_ALIAS_SHARED]),
        ):
            found = self.told(offered.models([model("a"), second]))
            self.assertEqual(mistakes, found)

    def test_flavors(self) -> None:
        """Cards of several hosts or models are no help."""
        here = [
            base.card(0),
            base.card(1),
            base.card(2, host="h2"),
            base.card(3, model="h100"),
            base.card(4, state=devices.State.VANISHED),
        ]
        for gpus, names, mistakes in (
            (2, ("a100",), []),
            (2, ("h100", "a100"), []),
            (3, ("a100", "h100"), [Mistake.FLAVOR_UNMET]),
            (1, ("b200",), [Mistake.FLAVOR_UNMET]),
        ):
            found = offered.flavors([flavor(gpus, *names)], here)
            self.assertEqual(mistakes, self.told(found))
        self.assertEqual([], self.told(offered.flavors([flavor(1, "x")], [])))

    def test_pools(self) -> None:
        here = [base.host("h1", pool="a")]
        self.assertEqual([], self.told(offered.pools(["a"], here)))
        self.assertEqual([], self.told(offered.pools(["a", "b"], [])))
        found = self.told(offered.pools(["a", "b"], here), "Pool b")
        self.assertEqual([Mistake.POOL_EMPTY], found)

    def test_policy(self) -> None:
        known = {"gpubroker:lease:create": "role:member", "open": "@"}
        for written, mistakes in (
            ({"gpubroker:lease:create": "role:x", "my_rule": "@"}, []),
            ({"open": ""}, []),
            ({"gpubroker:lease:make": "role:x"}, [Mistake.POLICY_UNKNOWN]),
            ({"gpubroker:lease:create": "@"}, [Mistake.POLICY_OPEN]),
            ({"gpubroker:lease:create": None}, [Mistake.POLICY_OPEN]),
            ({"gpubroker:lease:create": "!"}, []),
        ):
            found = self.told(policy.policy(written, known))
            self.assertEqual(mistakes, found, written)
