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

"""Keystone, the catalogue, the clocks, Placement and Nova."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection

from gpubroker.domain import failures
from gpubroker.domain import hosts
from gpubroker.services import ports
from gpubroker.services.checks import catalogue
from gpubroker.services.checks import clocks
from gpubroker.services.checks import identity
from gpubroker.services.checks import nova
from gpubroker.services.checks import outside
from gpubroker.services.checks import placement
from gpubroker.services.checks.mistakes import Mistake
from tests.unit.services.checks import base
from tests.unit.services.checks.base import Standing


class IdentityTest(base.ChecksCase):
    def test_roles_that_are_needed_and_no_more(self) -> None:
        needed = identity.NEEDED_ROLES
        for held, mistakes, word in (
            (needed, [], ""),
            (needed | {"admin"}, [Mistake.ROLE_ADMIN], "role remove"),
            (needed - {"service"}, [Mistake.ROLE_MISSING], "lacks service."),
            (needed - {"gpubroker"}, [Mistake.ROLE_MISSING], "lacks gpubr"),
            (needed | {"member"}, [Mistake.ROLE_SPARE], "also has member"),
        ):
            found = self.told(identity.roles(Standing(held)), word)
            self.assertEqual(mistakes, found)

    def test_trusts(self) -> None:
        for standing, roles, mistakes in (
            (Standing(), ["member"], []),
            (Standing(trusts=False), ["member"], [Mistake.TRUSTS_REFUSED]),
            (Standing(), ["membre"], [Mistake.TRUST_ROLE_UNKNOWN]),
        ):
            found = self.told(identity.trusts(standing, roles))
            self.assertEqual(mistakes, found)

    def test_role_of_the_agents(self) -> None:
        silent = base.host("h1")
        heard = base.host("h2", heartbeat_at=base.NOW)
        hidden = Standing(trusts=False)
        for standing, known, mistakes in (
            (Standing(), [silent], []),
            (Standing(roles_known=()), [], [Mistake.AGENT_ROLE_MISSING]),
            (hidden, [silent], [None]),
            (hidden, [silent, heard], []),
        ):
            found = self.told(identity.agent_role(standing, known))
            self.assertEqual(mistakes, found)


class CatalogueTest(base.ChecksCase):
    def check(self, standing: Standing, *words: str) -> list[Mistake | None]:
        return self.told(catalogue.catalogue(standing), *words)

    def test_in_order(self) -> None:
        self.assertEqual([], self.check(Standing()))

    def test_no_endpoint(self) -> None:
        found = self.check(
            Standing(public=[]), "service create", "endpoint create"
        )
        self.assertEqual([Mistake.ENDPOINT_MISSING], found)

    def test_a_url_with_a_version(self) -> None:
        for url in ("http://b/gpu-broker/v1", "http://b/v1.0/"):
            found = self.check(Standing(public=[url]), url)
            self.assertEqual([Mistake.ENDPOINT_VERSIONED], found)
        for url in ("http://v1.example/", "http://b/vault"):
            answers: dict[str, object] = {url: base.VERSIONS}
            standing = Standing(public=[url], answers=answers)
            self.assertEqual([], self.check(standing))

    def test_nobody_there(self) -> None:
        found = self.check(Standing(answers={}), "Connection refused")
        self.assertEqual([Mistake.ENDPOINT_AWAY], found)

    def test_somebody_else_there(self) -> None:
        for answer in (
            None,
            [],
            {"versions": [{"id": "v1.0", "min_version": "1.0"}]},
            {"versions": {"values": [{"id": "v3.14"}]}},
        ):
            found = self.check(Standing(answers={base.BROKER: answer}))
            self.assertEqual([Mistake.ENDPOINT_ELSEWHERE], found)

    def test_another_service_is_missing(self) -> None:
        found = self.check(Standing(urls={"image": []}), "image (Glance)")
        self.assertEqual([Mistake.SERVICE_MISSING], found)


class ClocksTest(base.ChecksCase):
    def test_clocks(self) -> None:
        for seconds, mistakes, word in (
            (0, [], ""),
            (-5, [], ""),
            (6, [Mistake.CLOCK_SKEW], "6 s ahead of"),
            (-3600, [Mistake.CLOCK_SKEW], "3600 s behind"),
        ):
            ahead = {"Nova": datetime.timedelta(seconds=seconds)}
            found = self.told(clocks.clocks(ahead), word)
            self.assertEqual(mistakes, found)
        self.assertEqual([None], self.told(clocks.clocks({"Nova": None})))


class PlacementTest(base.ChecksCase):
    def test_placement(self) -> None:
        for standing, mistakes, word in (
            (Standing(), [], ""),
            (Standing(offered=("1.0", "1.100")), [], ""),
            (Standing(offered=("1.0", "1.9")), [Mistake.PLACEMENT_OLD], "1.9"),
            (Standing(writable=False), [Mistake.PLACEMENT_READ_ONLY], "role"),
        ):
            found = self.told(placement.placement(standing, "1.39"), word)
            self.assertEqual(mistakes, found)

    def test_claims(self) -> None:
        """One race that tells is enough, whichever it is."""
        silent, told = outside.Claims(winners=1, sent_back=0), (1, 2)
        for races, mistakes in (
            ([outside.Claims(winners=told[0], sent_back=told[1])], []),
            ([silent, outside.Claims(winners=1, sent_back=1)], []),
            (
                [silent, outside.Claims(winners=3, sent_back=0)],
                [Mistake.CLAIMS_DOUBLED],
            ),
            ([silent] * placement.RACES, [None]),
        ):
            ran = iter(races)
            found = self.told(placement.claims(lambda _count: next(ran)))
            self.assertEqual(mistakes, found)
            self.assertEqual([], list(ran))

    def test_memory(self) -> None:
        self.assertEqual([], self.told(placement.memory(None)))
        found = self.told(placement.memory("It was restored."), "restored")
        self.assertEqual([Mistake.MEMORY_LOST], found)


class Probe:
    def __init__(self, refused: dict[str, str]) -> None:
        self.refused = refused

    def aliases(self, names: Collection[str]) -> dict[str, str]:
        return {n: w for n, w in self.refused.items() if n in names}

    def race(self, consumers: int) -> outside.Claims:
        raise NotImplementedError


class NovaTest(base.ChecksCase):
    def test_nova(self) -> None:
        for standing, mistakes, word in (
            (Standing(), [], ""),
            (Standing(newest="2.95"), [Mistake.NOVA_OLD], "2.95"),
            (Standing(newest="2.9"), [Mistake.NOVA_OLD], "Upgrade Nova"),
            (Standing(admin=False), [Mistake.NOVA_NO_ADMIN], "context_is_a"),
        ):
            self.assertEqual(mistakes, self.told(nova.nova(standing), word))

    def test_aliases(self) -> None:
        wanted = {"h1": {"a-s0", "a-s1"}, "h2": {"b-s0"}}
        for refused, mistakes, words in (
            ({}, [], ()),
            (
                {"b-s0": "PCI alias b-s0 is not defined"},
                [Mistake.ALIAS_MISSING],
                ("no PCI alias b-s0,", "on h2.", "--host h2"),
            ),
            (
                dict.fromkeys(("a-s0", "a-s1", "b-s0"), "Invalid PCI alias"),
                [Mistake.ALIAS_REFUSED],
                ("Invalid PCI alias", "pci_in_placement = true"),
            ),
        ):
            found = nova.aliases(Probe(refused), wanted)
            self.assertEqual(mistakes, self.told(found, *words))

    def test_starts(self) -> None:
        late = base.NOW.replace(hour=13)
        early = base.NOW.replace(hour=11)
        one, two, three = (
            failures.Failure(
                host="h1",
                lease_id=f"l{number}",
                project_id="p",
                at=base.NOW,
                until=base.NOW,
                message="No valid host was found.",
            )
            for number in range(3)
        )
        other = dataclasses.replace(two, project_id="q")
        for last, some, mistakes, word in (
            (base.NOW, [], [], ""),
            (late, [one, other], [], ""),
            (early, [one, two], [], ""),
            (None, [], [None], "no lease has started"),
            (None, [one, two], [None], "no lease has started"),
            (None, [one, other], [Mistake.STARTS_FAIL], "No valid host"),
            (early, [one, two, three], [Mistake.STARTS_FAIL], "PciPassth"),
        ):
            found = self.told(nova.starts(last, some), word)
            self.assertEqual(mistakes, found)

    def test_computes(self) -> None:
        for fields, mistakes in (
            ({}, []),
            ({"host": "h2"}, [Mistake.COMPUTE_GONE]),
            ({"state": "down"}, [Mistake.COMPUTE_DOWN]),
            ({"status": "disabled"}, [Mistake.COMPUTE_DISABLED]),
        ):
            stands = {"host": "h1", "state": "up", "status": "enabled"}
            service = ports.ComputeService(**{**stands, **fields})
            found = self.told(nova.computes([base.host("h1")], [service]))
            self.assertEqual(mistakes, found)


class InstallationTest(base.ChecksCase):
    def test_a_provider_of_another_installation(self) -> None:
        managed: list[hosts.Host] = [base.host("h1")]
        for name, mistakes in (
            ("gpubroker_ours_h1", []),
            ("gpubroker_other_h1", [Mistake.INSTALLATION_STRANGE]),
        ):
            provider = ports.Provider(
                id="t",
                name=name,
                generation=1,
                parent_id="root-h1",
                root_id="root-h1",
            )
            found = self.told(
                placement.installation("ours", managed, [provider])
            )
            self.assertEqual(mistakes, found)
