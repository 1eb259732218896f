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


"""A host that Nova calls by another name is the same host."""

from __future__ import annotations

import testtools

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import hosts
from gpubroker.domain.fences import Reason
from gpubroker.services import discovery
from gpubroker.services import end
from gpubroker.services import enrol
from gpubroker.services import fence
from gpubroker.services import names
from gpubroker.services import report
from gpubroker.services import ticket_provider
from gpubroker.services.paging import Page
from tests.fixtures import estate
from tests.fixtures import world

CARD = estate.ADDRESSES[0]


def body(**more):
    return estate.body(*(estate.card(a) for a in estate.ADDRESSES), **more)


class Case(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.estate = self.useFixture(estate.Estate())
        self.core = self.estate.core
        self.tree = self.estate.tree()
        self.estate.host()
        self.estate.report(body())
        fence.fence(
            self.core,
            self.estate.card(CARD).id,
            Reason.OPERATOR,
            "noisy fan",
            "olga",
        )
        ticket_provider.ensure(self.core, "gpu-1")
        self.estate.pass_()
        self.before = self.estate.get()
        self.cards = self.known("gpu-1")

    def known(self, name):
        """What people know a card by, and may have done about it."""
        return [
            (c.id, c.pci_address, c.slot, c.reasons, c.state)
            for c in self.estate.cards(name)
        ]

    def nova_says(self, service, hypervisor="gpu-1"):
        """It has this one compute and no other."""
        self.estate.nova.computes.clear()
        self.estate.nova.names.clear()
        self.estate.nova.add(service, hypervisor)

    def passes(self, name, count=3):
        """Of the workers; the names of all hosts."""
        for _pass in range(count):
            found = discovery.discover(self.core)
            self.estate.pass_(name)
        return found

    def is_the_same_as(self, name, hypervisor="gpu-1"):
        after = self.estate.get(name)
        self.assertEqual(
            (
                self.before.pool,
                self.before.mode,
                self.before.agent_user_id,
                self.before.heartbeat_at,
                hypervisor,
                hosts.ComputeState.UP,
            ),
            (
                after.pool,
                after.mode,
                after.agent_user_id,
                after.heartbeat_at,
                after.hypervisor_hostname,
                after.compute_state,
            ),
        )
        self.assertEqual(self.cards, self.known(name))
        return after

    def tickets_go_under(self, root, host):
        """Its ticket provider is there, and is called as it should be."""
        provider = self.estate.get(host).ticket_provider_id
        found = self.core.ledger.provider(provider)
        with self.estate.store.read() as tx:
            name = names.provider(tx.installation.name(), host)
        self.assertEqual((root, name), (found.parent_id, found.name))
        return provider


class TheService(Case):
    """nova-compute got another ``host``."""

    def test_it_keeps_everything_but_its_name(self):
        self.nova_says("gpu-9")
        self.assertEqual(["gpu-9"], self.passes("gpu-9"))
        after = self.is_the_same_as("gpu-9")
        self.assertEqual(self.before.provider_id, after.provider_id)
        self.assertRaises(errors.NotFound, self.estate.get, "gpu-1")
        self.assertEqual(1, self.tree.reserved(CARD))

    def test_its_history_says_so(self):
        self.nova_says("gpu-9")
        self.passes("gpu-9")
        with self.estate.store.read() as tx:
            page = tx.events.page(Page(filters={"kind": "host.renamed"}))
        (event,) = page.items
        self.assertEqual("gpu-9", event.host)
        self.assertIn("gpu-9 and no longer gpu-1", event.message)

    def test_its_agent_reports_by_the_new_name(self):
        self.nova_says("gpu-9")
        self.passes("gpu-9")
        answer = self.report_as("gpu-9")
        self.assertFalse(answer.changed)
        # As for any host that is not its own.
        self.assertRaises(errors.Forbidden, self.report_as, "gpu-1")

    def report_as(self, name):
        return report.take_report(
            self.core,
            name,
            self.before.agent_user_id,
            body(),
            self.estate.clock.now(),
        )

    def test_also_when_its_service_and_its_providers_were_gone(self):
        """As Nova asks for: the old service is deleted first."""
        self.tree.remove()
        self.estate.nova.computes.clear()
        self.estate.nova.names.clear()
        discovery.discover(self.core)
        self.estate.pass_()
        self.assertIsNone(self.estate.get().provider_id)
        self.nova_says("gpu-9")
        self.tree.build()
        self.assertEqual(["gpu-9"], self.passes("gpu-9"))
        after = self.is_the_same_as("gpu-9")
        self.assertEqual(self.tree.root, after.provider_id)
        self.assertEqual(1, self.tree.reserved(CARD))
        self.tickets_go_under(self.tree.root, "gpu-9")

    def test_its_ticket_provider_follows_and_is_nobody_elses(self):
        self.nova_says("gpu-9")
        self.passes("gpu-9")
        ours = self.tickets_go_under(self.tree.root, "gpu-9")
        self.assertEqual(self.before.ticket_provider_id, ours)
        # Another machine gets the old name.
        other = self.estate.tree("gpu-7")
        self.estate.nova.computes.pop("gpu-7")
        self.estate.nova.add("gpu-1", "gpu-7")
        discovery.discover(self.core)
        self.estate.change("gpu-1", mode=hosts.Mode.MANAGE)
        self.estate.pass_("gpu-1")
        ticket_provider.ensure(self.core, "gpu-1")
        self.assertNotEqual(ours, self.tickets_go_under(other.root, "gpu-1"))
        self.assertEqual(ours, self.tickets_go_under(self.tree.root, "gpu-9"))

    def test_a_host_enrolled_by_the_new_name_gives_way(self):
        self.nova_says("gpu-9")
        enrol.add_host(self.core, {"name": "gpu-9", "mode": "observe"})
        enrol.bind_agent(self.core, "gpu-9", "new-agent", lambda _: None)
        self.assertEqual(["gpu-9"], self.passes("gpu-9"))
        after = self.estate.get("gpu-9")
        self.assertEqual(
            ("new-agent", hosts.Mode.MANAGE), (after.agent_user_id, after.mode)
        )
        self.assertEqual(self.cards, self.known("gpu-9"))

    def test_a_host_of_the_new_name_with_cards_has_to_be_deleted(self):
        self.nova_says("gpu-9")
        enrol.add_host(self.core, {"name": "gpu-9"})
        with self.estate.store.write() as tx:
            tx.devices.add(
                devices.Device(
                    id="11111111-1111-4111-8111-111111111111",
                    host="gpu-9",
                    pci_address=CARD,
                )
            )
        self.assertEqual(["gpu-1", "gpu-9"], self.passes("gpu-1"))
        host = self.estate.get("gpu-1")
        self.assertEqual(hosts.ComputeState.UNKNOWN, host.compute_state)
        self.assertIn("calls this host gpu-9 now", host.compute_reason)
        enrol.remove_host(self.core, "gpu-9", lambda _: None)
        self.assertEqual(["gpu-9"], self.passes("gpu-9"))
        self.is_the_same_as("gpu-9")


class TheHypervisor(Case):
    """Another ``hypervisor_hostname``: another name of its root provider."""

    def test_its_providers_are_renamed(self):
        self.tree.rename("gpu-1.example.org")
        self.nova_says("gpu-1", "gpu-1.example.org")
        self.assertEqual(["gpu-1"], self.passes("gpu-1"))
        after = self.is_the_same_as("gpu-1", "gpu-1.example.org")
        self.assertEqual(self.before.provider_id, after.provider_id)

    def test_its_providers_are_made_anew(self):
        self.tree.remove()
        self.tree.hypervisor = "gpu-1.example.org"
        self.tree.build()
        self.nova_says("gpu-1", "gpu-1.example.org")
        self.assertEqual(["gpu-1"], self.passes("gpu-1"))
        after = self.is_the_same_as("gpu-1", "gpu-1.example.org")
        self.assertEqual(self.tree.root, after.provider_id)
        self.assertEqual(1, self.tree.reserved(CARD))
        self.tickets_go_under(self.tree.root, "gpu-1")

    def test_what_is_left_of_the_old_one_is_nobody(self):
        self.estate.told = ["card-unknown"]
        self.estate.tree("gpu-1.example.org")
        new = self.core.ledger.provider_by_name("gpu-1.example.org").id
        self.nova_says("gpu-1", "gpu-1.example.org")
        for _pass in range(3):
            self.assertEqual(["gpu-1"], self.passes("gpu-1", 1))
            host = self.estate.get()
            self.assertEqual(
                ("gpu-1.example.org", new),
                (host.hypervisor_hostname, host.provider_id),
            )
        self.is_the_same_as("gpu-1", "gpu-1.example.org")
        ours = self.tickets_go_under(new, "gpu-1")
        self.assertEqual(self.before.ticket_provider_id, ours)

    def test_of_two_of_one_service_the_first_counts_until_it_is_gone(self):
        self.estate.told = ["card-unknown"]
        self.estate.tree("gpu-1.example.org")
        self.nova_says("gpu-1", "gpu-1.example.org")
        self.estate.nova.names["gpu-1"] = "gpu-1"
        self.passes("gpu-1")
        self.is_the_same_as("gpu-1", "gpu-1")
        del self.estate.nova.names["gpu-1"]
        self.passes("gpu-1")
        self.is_the_same_as("gpu-1", "gpu-1.example.org")

    def test_both_names_at_once_by_its_root(self):
        self.tree.rename("gpu-9.example.org")
        self.nova_says("gpu-9", "gpu-9.example.org")
        self.assertEqual(["gpu-9"], self.passes("gpu-9"))
        self.is_the_same_as("gpu-9", "gpu-9.example.org")


class Unknown(Case):
    def test_providers_of_no_compute_of_nova_make_no_host(self):
        self.estate.told = ["card-unknown"]
        self.estate.tree("ghost")
        self.nova_says("gpu-1")
        self.assertEqual(["gpu-1"], self.passes("gpu-1"))


class Leases(testtools.TestCase):
    """A start under way, or a lease that runs, goes on by the new name."""

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(["gpu-1"], cards=2))

    def rename(self):
        self.world.trees["gpu-9"] = self.world.trees.pop("gpu-1")
        discovery.discover(self.world.core)

    def runs_on_and_ends(self, lease):
        lease = self.world.settle(lease.id, "active")
        self.assertEqual("gpu-9", lease.nodes[0].host)
        self.assertEqual(0, lease.attempts)
        self.assertEqual("", lease.reason)
        end.end(self.world.core, lease.id)
        lease = self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())
        return lease

    def test_that_runs(self):
        lease = self.world.order()
        self.world.settle(lease.id, "active")
        self.rename()
        self.runs_on_and_ends(lease)

    def test_that_starts(self):
        lease = self.world.order()
        self.world.run(lambda: self.world.cloud.machines)
        self.rename()
        self.runs_on_and_ends(lease)

    def test_that_was_read_before(self):
        """A worker that has read the lease writes nothing of the old name."""
        lease = self.world.order()
        self.world.run(lambda: self.world.cloud.machines)
        read = self.world.get(lease.id)
        self.rename()
        with self.world.store.write() as tx:
            self.assertRaises(errors.ConcurrentUpdate, tx.leases.update, read)

    def test_that_is_over_tells_where_it_was(self):
        lease = self.world.order()
        self.world.settle(lease.id, "active")
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.rename()
        self.assertEqual("gpu-1", self.world.get(lease.id).nodes[0].host)
