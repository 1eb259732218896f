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


"""Which cards can not be asked for by themselves, and why."""

from __future__ import annotations

from gpubroker.services import ports
from gpubroker.services.checks import slots
from gpubroker.services.checks.finding import Finding
from gpubroker.services.checks.finding import Level
from gpubroker.services.checks.mistakes import Mistake
from tests.unit.services.checks import base


def card(host_name: str, number: int) -> ports.Provider:
    return ports.Provider(
        id=f"{host_name}-{number}",
        name=f"{host_name}_0000:0{'ABCDEF'[number]}:00.0",
        generation=1,
        parent_id=f"root-{host_name}",
        root_id=f"root-{host_name}",
    )


class SlotsTest(base.ChecksCase):
    """Hosts h1 and h2 with three cards each."""

    managed = (base.host("h1"), base.host("h2"))
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
        found = slots.cards(
            self.managed, providers, holders, given | (wanted or {})
        )
        return next(slots.slots(self.managed, found))

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
        self.assertEqual([], self.told(slots.slots([], [])))

    def test_card_without_a_slot(self) -> None:
        holders = self.good()
        holders["CUSTOM_GPUBROKER_SLOT_1"] = frozenset({"h1-1"})
        finding = self.find(holders)
        self.assertEqual(Mistake.SLOT_MISSING, finding.mistake)
        self.assertIn("h2_0000:0B:00.0 has no slot trait", finding.detail)
        self.assertNotIn("h1_0000:0B:00.0", finding.detail)
        self.assertIn("openstack gpu config render", finding.detail)

    def test_slot_twice_on_a_host(self) -> None:
        holders = self.good()
        holders["CUSTOM_GPUBROKER_SLOT_0"] |= {"h1-1"}
        holders["CUSTOM_GPUBROKER_SLOT_1"] = frozenset({"h2-1"})
        finding = self.find(holders)
        self.assertEqual(Mistake.SLOT_DOUBLED, finding.mistake)
        self.assertIn("h1 has slot 0 twice", finding.detail)
        self.assertNotIn("h2", finding.detail)

    def test_same_slot_on_two_hosts_is_as_it_should_be(self) -> None:
        self.assertEqual(Level.OK, self.find(self.good()).level)

    def test_card_with_two_slots(self) -> None:
        holders = self.good()
        holders["CUSTOM_GPUBROKER_SLOT_7"] = frozenset({"h1-1"})
        finding = self.find(holders)
        self.assertEqual(Mistake.SLOT_SEVERAL, finding.mistake)
        self.assertIn("more than one slot trait (1, 7)", finding.detail)

    def test_slot_that_is_not_the_one_the_broker_gave(self) -> None:
        wanted = {"h1": {"0000:0a:00.0": 2, "0000:0b:00.0": 1}}
        finding = self.find(self.good(), wanted)
        self.assertEqual(Mistake.SLOT_OTHER, finding.mistake)
        self.assertIn(
            "h1_0000:0A:00.0 has slot 0 where the broker has 2",
            finding.detail,
        )
        self.assertNotIn("0B", finding.detail)

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
        self.assertIn("and 25 more", finding.detail)
