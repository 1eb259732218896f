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


import os
import pathlib
import shutil

import fixtures
import testtools

from gpubroker.agent import pci
from gpubroker.agent import registers
from gpubroker.conf import agent as conf
from sandbox.simulator import cards as simulated
from sandbox.simulator import sysfs

FIRST = "0000:07:00.0"
SECOND = "0000:0b:00.0"

#: As an agent has them that nobody configured.
(CLASSES,) = (o.default for o in conf.OPTS if o.name == "pci_classes")


class ScanTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        root = self.useFixture(fixtures.TempDir()).path
        self.tree = sysfs.Tree(pathlib.Path(root) / "sys")

    def build(self, *cards: simulated.Card) -> None:
        self.tree.build(cards)

    def scan(self, classes: list[str] = CLASSES) -> pci.Scan:
        reader = registers.Reader(5)
        return pci.scan(str(self.tree.root), classes, reader)

    def card(self) -> pci.Card:
        cards = self.scan().cards
        self.assertEqual(1, len(cards))
        return cards[0]

    def write(self, name: str, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        (self.tree.folder(FIRST) / name).write_bytes(data)

    def test_a_card_as_the_kernel_shows_it(self) -> None:
        self.build(simulated.card(FIRST, numa_node=1))
        card = self.card()
        self.assertEqual(
            (FIRST, "10de", "20b2", "10de:1463", "030200", "a1", 1, "nvidia"),
            (
                card.pci_address,
                card.vendor_id,
                card.product_id,
                card.subsystem_id,
                card.class_id,
                card.revision,
                card.numa_node,
                card.driver,
            ),
        )
        self.assertEqual("30", card.iommu_group)
        self.assertEqual(
            pci.Link(width=16, max_width=16, speed=16.0, max_speed=16.0),
            card.link,
        )
        self.assertIs(True, card.on_bus)

    def test_any_vendor_and_nothing_but_gpus(self) -> None:
        self.build(
            simulated.card(FIRST),
            simulated.Card(
                address="0000:03:00.0",
                vendor_id="1a03",
                product_id="2000",
                subsystem_id="1a03:2000",
                class_id="030000",
                driver=None,
            ),
            simulated.Card(
                address="0000:c1:00.0",
                product_id="22a3",
                subsystem_id="10de:1796",
                class_id="068000",
                driver="nvidia",
            ),
            simulated.Card(
                address="0000:e1:00.0",
                vendor_id="1002",
                product_id="74a1",
                subsystem_id="1002:74a1",
                class_id="120000",
                driver="vfio-pci",
            ),
        )
        found = [card.pci_address for card in self.scan().cards]
        # The first is a management controller's: the broker has no model.
        self.assertEqual(["0000:03:00.0", FIRST, "0000:e1:00.0"], found)
        found = [card.pci_address for card in self.scan(["1200"]).cards]
        self.assertEqual(["0000:e1:00.0"], found)

    def test_virtual_functions_are_not_cards(self) -> None:
        self.build(simulated.card(FIRST), simulated.card(SECOND))
        virtual = self.tree.folder(SECOND)
        (virtual / "physfn").symlink_to(self.tree.folder(FIRST))
        self.assertEqual(FIRST, self.card().pci_address)

    def test_unknown_numa_node(self) -> None:
        self.build(simulated.card(FIRST, numa_node=-1))
        self.assertIsNone(self.card().numa_node)

    def test_no_driver(self) -> None:
        self.build(simulated.card(FIRST, driver=None))
        self.assertIsNone(self.card().driver)

    def test_a_card_off_the_bus_reads_as_ones(self) -> None:
        card = simulated.card(FIRST)
        self.build(card)
        folder = self.tree.folder(FIRST)
        self.tree.set_registers(folder, card, on_bus=False)
        found = self.card()
        self.assertIs(False, found.on_bus)
        self.assertEqual(pci.Link(max_width=16, max_speed=16.0), found.link)

    def test_a_card_without_power_is_not_woken(self) -> None:
        self.build(simulated.card(FIRST))
        self.write("power_state", "D3cold\n")
        os.unlink(self.tree.folder(FIRST) / "config")
        os.mkfifo(self.tree.folder(FIRST) / "config")
        self.assertIsNone(self.card().on_bus)
        self.assertIsNone(self.card().link)

    def test_what_is_malformed_is_none(self) -> None:
        self.build(simulated.card(FIRST))
        self.write("numa_node", "north")
        self.write("revision", "\N{SNOWMAN}")
        self.write("subsystem_device", "0x12345")
        self.write("current_link_width", "-")
        self.write("max_link_width", "255")
        self.write("current_link_speed", "fast")
        self.write("max_link_speed", b"\xff\xfe\n")
        self.write("config", b"\xff" * 7)
        card = self.card()
        self.assertIsNone(card.numa_node)
        self.assertIsNone(card.revision)
        self.assertIsNone(card.subsystem_id)
        self.assertIsNone(card.link)
        self.assertIsNone(card.on_bus)

    def test_what_is_missing_is_none(self) -> None:
        self.build(simulated.card(FIRST))
        folder = self.tree.folder(FIRST)
        for entry in folder.iterdir():
            if entry.name not in ("class", "vendor", "device"):
                entry.unlink()
        card = self.card()
        self.assertEqual("20b2", card.product_id)
        self.assertIsNone(card.iommu_group)
        self.assertIsNone(card.on_bus)
        self.assertEqual([], pci.aer_counts([card]))

    def test_a_card_without_ids_is_named_not_dropped(self) -> None:
        self.build(simulated.card(FIRST), simulated.card(SECOND))
        self.write("device", "")
        scan = self.scan()
        self.assertEqual((FIRST,), scan.unreadable)
        self.assertEqual([SECOND], [card.pci_address for card in scan.cards])

    def test_a_dangling_link_is_no_card(self) -> None:
        self.build(simulated.card(FIRST), simulated.card(SECOND))
        shutil.rmtree(self.tree.folder(SECOND))
        self.assertEqual(FIRST, self.card().pci_address)

    def test_no_list_of_functions_is_not_an_empty_host(self) -> None:
        self.assertRaises(pci.SysfsUnreadable, self.scan)


class AerTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        root = self.useFixture(fixtures.TempDir()).path
        self.tree = sysfs.Tree(pathlib.Path(root) / "sys")
        self.tree.build([simulated.card(FIRST), simulated.card(SECOND)])

    def counts(self) -> list[pci.AerCount]:
        scan = pci.scan(str(self.tree.root), CLASSES, registers.Reader(5))
        return pci.aer_counts(scan.cards)

    def test_nothing_counted(self) -> None:
        self.assertEqual([], self.counts())

    def test_the_cards_own_errors(self) -> None:
        folder = self.tree.folder(FIRST)
        self.tree.set_errors(folder, "aer_dev_fatal", 2)
        self.tree.set_errors(folder, "aer_dev_correctable", 9)
        self.assertEqual(
            [
                pci.AerCount(
                    pci_address=FIRST,
                    counted_at=FIRST,
                    severity="fatal",
                    total=2,
                )
            ],
            self.counts(),
        )

    def test_errors_that_the_port_above_counted(self) -> None:
        port = self.tree.folder(SECOND).parent
        self.tree.set_errors(port, "aer_dev_nonfatal", 1)
        (count,) = self.counts()
        self.assertEqual(SECOND, count.pci_address)
        self.assertEqual(port.name, count.counted_at)

    def test_a_port_above_two_cards_blames_neither(self) -> None:
        shared = self.tree.folder(FIRST).parent.parent
        self.assertEqual(shared, self.tree.folder(SECOND).parent.parent)
        self.tree.set_errors(shared, "aer_dev_fatal", 1)
        self.assertEqual([], self.counts())
