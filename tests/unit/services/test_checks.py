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


"""What gpubroker-status finds, and what it tells the operator to do."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

import testtools

from gpubroker.domain import hosts
from gpubroker.services import checks
from gpubroker.services import ports
from gpubroker.services import slot_check
from gpubroker.services.checks import Finding
from gpubroker.services.checks import Level

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


@dataclass
class Standing:
    """A cloud that is as the test says; in order unless told."""

    held: frozenset[str] = checks.NEEDED_ROLES
    urls: list[str] = field(default_factory=lambda: ["http://broker:9876"])
    role: bool | None = True
    offered: tuple[str, str] = ("1.0", "1.39")
    writable: bool = True
    admin: bool = True
    holders: dict[str, frozenset[str]] = field(default_factory=dict)

    def roles(self) -> frozenset[str]:
        return self.held

    def endpoints(self, service_type: str) -> list[str]:
        return self.urls if service_type == "gpu-broker" else []

    def role_exists(self, name: str) -> bool | None:
        return self.role if name == "gpubroker_agent" else None

    def placement_versions(self) -> tuple[str, str]:
        return self.offered

    def placement_writable(self) -> bool:
        return self.writable

    def nova_admin(self) -> bool:
        return self.admin

    def slot_holders(self) -> dict[str, frozenset[str]]:
        return self.holders


@dataclass
class Schema:
    found: str | None
    newest: str = "b2"

    def revision(self) -> str | None:
        return self.found

    def head(self) -> str:
        return self.newest


def host(name: str, heartbeat: bool = False) -> hosts.Host:
    return hosts.Host(
        name=name,
        hypervisor_hostname=name,
        pool="default",
        mode=hosts.Mode.MANAGE,
        provider_id=f"root-{name}",
        heartbeat_at=NOW if heartbeat else None,
    )


def card(host_name: str, number: int) -> ports.Provider:
    return ports.Provider(
        id=f"{host_name}-{number}",
        name=f"{host_name}_0000:0{'ABCDEF'[number]}:00.0",
        generation=1,
        parent_id=f"root-{host_name}",
        root_id=f"root-{host_name}",
    )


class FindingsTest(testtools.TestCase):
    def check(self, level: Level, finding: Finding, *words: str) -> None:
        self.assertEqual(level, finding.level, finding.detail)
        for word in words:
            self.assertIn(word, finding.detail)

    # -- the broker's own parts ------------------------------------------

    def test_database(self) -> None:
        self.check(Level.OK, checks.database(Schema("b2")), "b2")
        self.check(Level.FAILURE, checks.database(Schema(None)), "db upgrade")
        self.check(
            Level.FAILURE,
            checks.database(Schema("a1")),
            "a1",
            "b2",
            "db upgrade",
        )

    def test_transport(self) -> None:
        self.check(Level.OK, checks.transport("rabbit://u:p@h:5672/"))
        for unset in ("rabbit://", "rabbit:///", ""):
            self.check(Level.FAILURE, checks.transport(unset), "transport_url")
        self.check(Level.WARNING, checks.transport("fake:/"), "one process")

    def test_transport_detail_never_shows_the_password(self) -> None:
        for scheme in ("fake", "rabbit", "kombu+memory"):
            finding = checks.transport(f"{scheme}://me:S3cret@host/")
            self.assertNotIn("S3cret", finding.detail)

    # -- Keystone --------------------------------------------------------

    def test_roles_that_are_needed_and_no_more(self) -> None:
        self.check(Level.OK, checks.roles(Standing()))

    def test_admin_is_a_failure_even_with_the_needed_roles(self) -> None:
        held = checks.NEEDED_ROLES | {"admin"}
        self.check(
            Level.FAILURE, checks.roles(Standing(held)), "role remove", "admin"
        )

    def test_each_missing_role_is_named(self) -> None:
        for missing in checks.NEEDED_ROLES:
            standing = Standing(checks.NEEDED_ROLES - {missing})
            self.check(
                Level.FAILURE, checks.roles(standing), f"lacks {missing}."
            )

    def test_a_spare_role_is_a_warning(self) -> None:
        held = checks.NEEDED_ROLES | {"member"}
        self.check(
            Level.WARNING, checks.roles(Standing(held)), "also has member"
        )

    def test_catalogue(self) -> None:
        self.check(Level.OK, checks.catalogue(Standing()), "http://broker")
        self.check(
            Level.FAILURE,
            checks.catalogue(Standing(urls=[])),
            "openstack service create",
            "openstack endpoint create",
        )
        for url in ("http://b/gpu-broker/v1", "http://b/v1.0/"):
            self.check(
                Level.WARNING, checks.catalogue(Standing(urls=[url])), url
            )
        for url in ("http://v1.example/", "http://b/vault"):
            self.check(Level.OK, checks.catalogue(Standing(urls=[url])))

    def test_agent_role_that_keystone_shows(self) -> None:
        self.check(Level.OK, checks.agent_role(Standing(role=True), []))
        self.check(
            Level.FAILURE,
            checks.agent_role(Standing(role=False), []),
            "openstack role create gpubroker_agent",
        )

    def test_agent_role_that_keystone_hides(self) -> None:
        """The least rights of the broker do not open Keystone's roles; an
        agent that has reported proves the role all the same."""
        hidden = Standing(role=None)
        silent, heard = host("h1"), host("h2", heartbeat=True)
        self.check(
            Level.WARNING, checks.agent_role(hidden, [silent]), "role show"
        )
        self.check(Level.OK, checks.agent_role(hidden, [silent, heard]))

    # -- Placement and Nova ----------------------------------------------

    def test_placement(self) -> None:
        self.check(Level.OK, checks.placement(Standing(), "1.39"))
        self.check(
            Level.FAILURE,
            checks.placement(Standing(offered=("1.0", "1.9")), "1.39"),
            "1.9",
            "Upgrade",
        )
        self.check(
            Level.FAILURE,
            checks.placement(Standing(writable=False), "1.39"),
            "role service",
        )

    def test_placement_versions_compare_as_numbers(self) -> None:
        standing = Standing(offered=("1.0", "1.100"))
        self.check(Level.OK, checks.placement(standing, "1.39"))

    def test_nova(self) -> None:
        self.check(Level.OK, checks.nova(Standing()))
        self.check(
            Level.FAILURE,
            checks.nova(Standing(admin=False)),
            '"context_is_admin": "role:admin or role:gpubroker"',
        )

    # -- policy ----------------------------------------------------------

    def test_policy_file_with_a_rule_that_nothing_reads(self) -> None:
        known = ["gpubroker:lease:create", "project_member"]
        self.check(
            Level.OK,
            checks.policy(["gpubroker:lease:create", "my_own_rule"], known),
        )
        self.check(
            Level.WARNING,
            checks.policy(["gpubroker:lease:make"], known),
            "gpubroker:lease:make",
        )


class SlotsTest(testtools.TestCase):
    """Hosts h1 and h2 with three cards each."""

    managed = (host("h1"), host("h2"))
    providers = tuple(
        card(name, number) for name in ("h1", "h2") for number in range(3)
    )

    def find(
        self,
        holders: dict[str, frozenset[str]],
        wanted: dict[str, dict[str, int]] | None = None,
        providers: tuple[ports.Provider, ...] = providers,
    ) -> Finding:
        given = {
            name: {f"0000:0{'abcdef'[n]}:00.0": n for n in range(3)}
            for name in ("h1", "h2")
        }
        found = slot_check.cards(
            self.managed, providers, holders, given | (wanted or {})
        )
        return slot_check.slots(self.managed, found)

    @staticmethod
    def good() -> dict[str, frozenset[str]]:
        return {
            f"CUSTOM_GPUBROKER_SLOT_{n}": frozenset({f"h1-{n}", f"h2-{n}"})
            for n in range(3)
        }

    def test_one_slot_each(self) -> None:
        finding = self.find(self.good())
        self.assertEqual(Level.OK, finding.level, finding.detail)
        self.assertIn("6 cards on 2 hosts", finding.detail)

    def test_no_managed_host(self) -> None:
        self.assertEqual(Level.OK, slot_check.slots([], []).level)

    def test_card_without_a_slot(self) -> None:
        holders = self.good()
        holders["CUSTOM_GPUBROKER_SLOT_1"] = frozenset({"h1-1"})
        finding = self.find(holders)
        self.assertEqual(Level.FAILURE, finding.level)
        self.assertIn("h2_0000:0B:00.0 has no slot trait", finding.detail)
        self.assertNotIn("h1_0000:0B:00.0", finding.detail)
        self.assertIn("openstack gpu config render", finding.detail)

    def test_slot_twice_on_a_host(self) -> None:
        holders = self.good()
        holders["CUSTOM_GPUBROKER_SLOT_0"] |= {"h1-1"}
        holders["CUSTOM_GPUBROKER_SLOT_1"] = frozenset({"h2-1"})
        finding = self.find(holders)
        self.assertEqual(Level.FAILURE, finding.level)
        self.assertIn("h1 has slot 0 twice", finding.detail)
        self.assertNotIn("h2", finding.detail)

    def test_same_slot_on_two_hosts_is_as_it_should_be(self) -> None:
        self.assertEqual(Level.OK, self.find(self.good()).level)

    def test_card_with_two_slots(self) -> None:
        holders = self.good()
        holders["CUSTOM_GPUBROKER_SLOT_7"] = frozenset({"h1-1"})
        finding = self.find(holders)
        self.assertEqual(Level.FAILURE, finding.level)
        self.assertIn("more than one slot trait (1, 7)", finding.detail)

    def test_slot_that_is_not_the_one_the_broker_gave(self) -> None:
        wanted = {"h1": {"0000:0a:00.0": 2, "0000:0b:00.0": 1}}
        finding = self.find(self.good(), wanted)
        self.assertEqual(Level.FAILURE, finding.level)
        self.assertIn(
            "h1_0000:0A:00.0 has slot 0 where the broker has 2",
            finding.detail,
        )
        self.assertNotIn("0B", finding.detail)

    def test_managed_host_without_a_gpu(self) -> None:
        finding = self.find(self.good(), providers=self.providers[:3])
        self.assertEqual(Level.FAILURE, finding.level)
        self.assertIn("h2 has no known GPU in Placement", finding.detail)

    def test_a_disk_that_nova_manages_needs_no_slot(self) -> None:
        providers = (*self.providers, card("h1", 5))
        finding = self.find(self.good(), providers=providers)
        self.assertEqual(Level.OK, finding.level, finding.detail)

    def test_hosts_that_are_not_managed_do_not_matter(self) -> None:
        providers = (*self.providers, card("h3", 0))
        finding = self.find(self.good(), providers=providers)
        self.assertEqual(Level.OK, finding.level, finding.detail)

    def test_a_trait_that_only_looks_like_a_slot(self) -> None:
        holders = self.good()
        holders["CUSTOM_GPUBROKER_SLOT_X"] = frozenset({"h1-1"})
        self.assertEqual(Level.OK, self.find(holders).level)

    def test_many_faults_are_counted_not_all_printed(self) -> None:
        providers = tuple(
            ports.Provider(
                id=f"p{n}",
                name=f"h1_0000:{n:02X}:00.0",
                generation=1,
                parent_id="root-h1",
                root_id="root-h1",
            )
            for n in range(30)
        )
        wanted = {"h1": {f"0000:{n:02x}:00.0": n for n in range(30)}}
        finding = self.find({}, wanted, providers)
        self.assertIn("and 21 more", finding.detail)
