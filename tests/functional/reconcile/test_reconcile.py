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

from __future__ import annotations

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.domain.fences import Reason
from gpubroker.services import discovery
from gpubroker.services import fence
from tests.fixtures import database
from tests.fixtures import estate
from tests.functional.reconcile import base

CARD, OTHER = estate.ADDRESSES[:2]


class Discovery(base.EstateCase):
    def test_a_compute_with_cards_becomes_a_host_that_is_only_observed(self):
        self.estate.tree()
        self.assertEqual(["gpu-1"], discovery.discover(self.core))
        host = self.estate.get()
        self.assertEqual(hosts.Mode.OBSERVE, host.mode)
        self.assertEqual("default", host.pool)
        self.assertEqual(hosts.ComputeState.UP, host.compute_state)

    def test_twice_is_once(self):
        self.estate.tree()
        discovery.discover(self.core)
        before = self.estate.get()
        discovery.discover(self.core)
        self.assertEqual(before, self.estate.get())

    def test_the_hypervisor_may_have_a_longer_name_than_the_service(self):
        tree = self.estate.tree("gpu-1.example.org")
        del self.estate.nova.computes["gpu-1.example.org"]
        self.estate.nova.add("gpu-1", "gpu-1.example.org")
        with self.estate.store.write() as tx:
            tx.hosts.add(
                hosts.Host(
                    name="gpu-1", hypervisor_hostname="gpu-1", pool="default"
                )
            )
        self.assertEqual(["gpu-1"], discovery.discover(self.core))
        self.estate.pass_()
        host = self.estate.get()
        self.assertEqual("gpu-1.example.org", host.hypervisor_hostname)
        self.assertEqual(tree.root, host.provider_id)
        self.assertEqual(4, len(self.estate.cards()))

    def test_a_host_waits_until_nova_tells_the_name_of_its_service(self):
        self.estate.tree("gpu-1.example.org")
        nova = self.estate.nova
        del nova.computes["gpu-1.example.org"]
        nova.names.clear()
        nova.set("n7", "down")
        told: set[str] = set()
        with self.assertLogs(discovery.LOG, "WARNING") as logged:
            for _pass in range(3):
                self.assertEqual([], discovery.discover(self.core, told))
        (line,) = logged.output
        self.assertIn("gpu-1.example.org", line)
        nova.add("n7", "gpu-1.example.org")
        self.assertEqual(["n7"], discovery.discover(self.core, told))
        host = self.estate.get("n7")
        self.assertEqual(
            ("gpu-1.example.org", hosts.ComputeState.UP),
            (host.hypervisor_hostname, host.compute_state),
        )
        self.assertEqual(set(), told)

    def test_a_host_that_is_known_goes_on_while_nova_can_not_name_it(self):
        self.estate.tree()
        discovery.discover(self.core)
        self.estate.nova.names.clear()
        with self.assertNoLogs(discovery.LOG, "WARNING"):
            self.assertEqual(["gpu-1"], discovery.discover(self.core))

    def test_the_zone_is_followed_and_kept_while_nova_knows_none(self):
        self.estate.tree()
        for zone in ("az1", "az2"):
            self.estate.nova.set("gpu-1", zone=zone)
            discovery.discover(self.core)
            self.assertEqual(zone, self.estate.get().zone)
        self.estate.nova.computes.clear()
        discovery.discover(self.core)
        self.assertEqual("az2", self.estate.get().zone)

    def test_the_compute_service_is_followed(self):
        self.estate.tree()
        for state, status, expected in (
            ("down", "enabled", hosts.ComputeState.DOWN),
            ("up", "disabled", hosts.ComputeState.DISABLED),
            ("up", "enabled", hosts.ComputeState.UP),
        ):
            self.estate.nova.set("gpu-1", state, status)
            discovery.discover(self.core)
            self.assertEqual(expected, self.estate.get().compute_state)
        self.estate.nova.computes.clear()
        discovery.discover(self.core)
        self.assertEqual(
            hosts.ComputeState.UNKNOWN, self.estate.get().compute_state
        )

    def test_without_nova_the_hosts_that_are_known_go_on(self):
        self.estate.tree()
        discovery.discover(self.core)
        before = self.estate.get()
        self.estate.nova.down = True
        self.estate.tree("gpu-2")
        self.assertEqual(["gpu-1"], discovery.discover(self.core))
        self.assertEqual(before, self.estate.get())


class Mirroring(base.EstateCase):
    def test_cards_slots_traits_and_capacities(self):
        tree = self.estate.tree()
        host = self.estate.host()
        cards = self.estate.cards()
        self.assertEqual(
            list(estate.ADDRESSES), [c.pci_address for c in cards]
        )
        self.assertEqual(list(range(4)), [c.slot for c in cards])
        self.assertEqual({estate.MODEL}, {c.model for c in cards})
        self.assertEqual(
            [tree.cards[a] for a in estate.ADDRESSES],
            [c.provider_id for c in cards],
        )
        self.assertIn("CUSTOM_GPUBROKER_SLOT_0", cards[0].traits)
        self.assertEqual(
            ["DISK_GB", "MEMORY_MB", "VCPU"],
            [c.resource_class for c in host.capacities],
        )
        with self.estate.store.read() as tx:
            found = tx.traits.of_host("gpu-1")
        self.assertEqual(
            {"COMPUTE_NODE", "HW_CPU_X86_AVX2"},
            {t.trait for t in found if t.device_id is None},
        )

    def test_without_slot_traits_the_addresses_are_numbered_in_order(self):
        self.estate.tree(slots=False)
        self.estate.host()
        self.assertEqual(
            list(range(4)), [card.slot for card in self.estate.cards()]
        )

    def test_a_slot_keeps_its_number_when_a_card_dies(self):
        tree = self.estate.tree(slots=False)
        self.estate.host()
        tree.remove_card(CARD)
        self.estate.pass_()
        tree.add_card("0000:01:00.0")
        self.estate.pass_()
        slots = {c.pci_address: c.slot for c in self.estate.cards()}
        self.assertEqual(1, slots[OTHER])
        self.assertEqual(4, slots["0000:01:00.0"])

    def test_a_pass_in_which_nothing_changed_writes_nothing(self):
        self.estate.tree().boot([CARD])
        self.estate.host()
        self.estate.pass_()
        with database.counted(self.estate.store) as statements:
            self.estate.pass_()
        writes = [s for s in statements if not s.startswith("SELECT")]
        self.assertEqual([], writes)

    def test_a_server_of_somebody_else_holds_its_card(self):
        tree = self.estate.tree()
        self.estate.host()
        server = tree.boot([CARD])
        self.estate.pass_()
        self.assertEqual((server,), self.estate.card(CARD).consumers)
        used = {c.resource_class: c.used for c in self.estate.get().capacities}
        self.assertEqual(4, used["VCPU"])
        tree.delete_server(server)
        self.estate.bell.rung.clear()
        self.estate.pass_()
        self.assertEqual((), self.estate.card(CARD).consumers)
        self.assertIn(("pool", "default"), self.estate.bell.rung)

    def test_a_card_of_an_unknown_model_is_kept_and_not_offered(self):
        self.estate.tree(resource_class="CUSTOM_PCI_1234_5678")
        self.estate.host()
        card = self.estate.card(CARD)
        self.assertIsNone(card.model)
        self.assertEqual(("1234", "5678"), (card.vendor_id, card.product_id))
        self.assertEqual({"unadmitted"}, self.estate.reasons(CARD))

    def test_nothing_is_written_to_what_may_be_no_gpu(self):
        tree = self.estate.tree(resource_class="CUSTOM_NVME")
        self.estate.host()
        self.estate.pass_()
        self.assertEqual(0, tree.reserved(CARD))

    def test_a_card_that_nova_no_longer_has_is_vanished_and_comes_back(self):
        tree = self.estate.tree()
        self.estate.host()
        device_id = self.estate.card(CARD).id
        tree.remove_card(CARD)
        self.estate.pass_()
        card = self.estate.card(CARD)
        self.assertEqual(
            (device_id, devices.State.VANISHED, None),
            (card.id, card.state, card.provider_id),
        )
        tree.add_card(CARD, 0)
        self.estate.pass_()
        card = self.estate.card(CARD)
        self.assertEqual(
            (device_id, devices.State.PRESENT), (card.id, card.state)
        )
        self.assertEqual(tree.cards[CARD], card.provider_id)

    def test_a_card_that_nova_lost_stays_closed_until_an_operator_says(self):
        tree = self.estate.tree()
        self.estate.host()
        tree.remove_card(CARD)
        self.estate.pass_()
        card = self.estate.card(CARD)
        self.assertEqual(
            (devices.Health.BAD, {Reason.HEALTH}), (card.health, card.reasons)
        )
        tree.add_card(CARD, 0)
        self.estate.pass_()
        self.assertEqual(1, tree.reserved(CARD))
        fence.unfence(self.core, card.id, Reason.HEALTH, "olga")
        self.estate.pass_()
        self.assertEqual(0, tree.reserved(CARD))
        self.assertEqual(devices.Health.UNKNOWN, self.estate.card(CARD).health)
        kinds = self.estate.events(card.id)
        self.assertEqual(
            ["device.found", "device.fenced", "device.health"], kinds[:3]
        )

    def test_what_may_be_no_gpu_is_not_judged_when_it_goes(self):
        tree = self.estate.tree(resource_class="CUSTOM_NVME")
        self.estate.host()
        tree.remove_card(CARD)
        self.estate.pass_()
        card = self.estate.card(CARD)
        self.assertEqual(devices.State.VANISHED, card.state)
        self.assertEqual({Reason.UNADMITTED}, card.reasons)

    def test_a_compute_node_that_is_gone_leaves_its_host(self):
        tree = self.estate.tree()
        self.estate.host()
        tree.remove()
        self.estate.pass_()
        host = self.estate.get()
        self.assertEqual((None, ()), (host.provider_id, host.capacities))
        self.assertEqual(
            {devices.State.VANISHED}, {c.state for c in self.estate.cards()}
        )

    def test_placement_down_is_unavailable_and_changes_nothing(self):
        self.estate.tree()
        self.estate.host()
        before = self.estate.cards()
        self.estate.placement.api.endpoint_override = "http://127.0.0.1:1"
        self.assertRaises(errors.Unavailable, self.estate.pass_)
        self.assertEqual(before, self.estate.cards())
