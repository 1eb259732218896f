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

"""gpubroker-audit tells what the tests of leases would have to be told.

Each world of these tests is looked at by it (``World.leftovers``, ``settle``);
here one thing is planted that the broker has not done, and would not see.
"""

from __future__ import annotations

import dataclasses
import datetime

import sqlalchemy as sa
import testtools

from gpubroker.db import lease_tables
from gpubroker.db import tables
from gpubroker.domain import hosts
from gpubroker.services import broker
from gpubroker.services import end
from gpubroker.services import ports
from gpubroker.services import standing
from tests.fixtures import auditor
from tests.fixtures import cloud as test_cloud
from tests.fixtures import database
from tests.fixtures import world

OTHER = "0badcafe"
NODE = "0c" * 16


class Planted(testtools.TestCase):
    """Two leases run, each on the two cards of a host."""

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(cards=3))
        self.cloud = self.world.cloud
        ordered = [self.world.order(name) for name in ("one", "two")]
        self.one, self.two = (
            self.world.settle(lease.id, "active") for lease in ordered
        )
        with self.world.store.read() as tx:
            self.ours = tx.installation.name()
        (node,) = self.one.nodes
        self.tree = self.world.trees[node.host]
        self.free = self.tree.addresses[2]

    def told(self):
        """Code -> sentences, of all but notes."""
        found = {}
        for one in self.world.auditor.wrong():
            found.setdefault(one.code, []).append(one.sentence)
        return found

    def finds(self, *codes):
        found = self.told()
        self.assertEqual(sorted(codes), sorted(found), found)
        return " ".join(text for texts in found.values() for text in texts)

    def shape(self):
        name = f"gpubroker-{self.ours}-{NODE}-1"
        ticket = f"CUSTOM_GPUBROKER_{self.ours.upper()}_{NODE.upper()}_1"
        return ports.ShapeSpec(
            id=name,
            name=name,
            vcpus=1,
            ram_mib=1,
            disk_gib=1,
            extra_specs={f"resources:{ticket}": "1"},
            project_id=world.PROJECT,
        )

    def test_what_an_operator_can_take_away_again(self):
        """One at a time, and nothing else is found."""
        self.finds()
        for code, plant, name in (
            ("server-left", self.a_server, "(left)"),
            ("ticket-left", self.a_ticket, NODE.upper()),
            ("shape-left", self.a_shape, NODE),
            ("keypair-left", self.a_key_pair, NODE),
            ("trust-left", self.a_trust, "t1"),
            ("fence-open", self.an_open_card, self.tree.addresses[0]),
            ("fence-unknown", self.a_closed_card, self.free),
            ("cell-down", self.a_dark_cell, "gpu-1"),
        ):
            take_away = plant()
            self.assertIn(name, self.finds(code), code)
            take_away()
            self.finds()

    def a_server(self):
        shape = self.shape()
        self.cloud.strangers.append(
            ports.Server(
                id="left",
                name="left",
                status="ACTIVE",
                project_id=world.PROJECT,
                user_id=world.USER,
                flavor=shape.name,
                size=ports.Size(extra_specs=shape.extra_specs),
            )
        )
        return self.cloud.strangers.pop

    def a_ticket(self):
        (name,) = self.shape().extra_specs
        url = f"/resource_classes/{name.removeprefix('resources:')}"
        self.world.placement.api.put(url)
        return lambda: self.world.placement.api.delete(url)

    def a_shape(self):
        shape = self.shape()
        self.cloud.shapes[shape.id] = test_cloud.Shape(shape)
        return self.cloud.shapes.clear

    def a_key_pair(self):
        self.cloud.keys[self.shape().name] = test_cloud.PUBLIC_KEY
        return self.cloud.keys.clear

    def a_trust(self):
        later = self.world.clock.now() + datetime.timedelta(days=1)
        self.cloud.trusts["t1"] = test_cloud.Trust("alice@demo", later)
        return self.cloud.trusts.clear

    def an_open_card(self):
        address = self.tree.addresses[0]
        self.tree.set_reserved(address, 0)
        return lambda: self.tree.set_reserved(address, 1)

    def a_closed_card(self):
        self.tree.set_reserved(self.free, 1)
        return lambda: self.tree.set_reserved(self.free, 0)

    def a_dark_cell(self):
        self.cloud.dark.update(self.world.trees)
        return self.cloud.dark.clear

    def test_a_card_in_two_leases(self):
        (first,), (second,) = self.one.nodes, self.two.nodes
        row = lease_tables.LeaseNode
        with self.world.store.engine.begin() as connection:
            connection.execute(
                sa.update(row)
                .where(row.uuid == second.id)
                .values(planned=list(first.planned), host=first.host)
            )
        said = self.finds(
            "card-in-two-leases",
            "claim-left",
            "claim-lost",
            "fence-lease-left",
            "lease-host-differs",
        )
        self.assertIn(self.one.id, said)
        self.assertIn(self.two.id, said)

    def test_a_card_that_two_servers_hold(self):
        self.cloud.ratio(self.tree, self.free, 2.0)
        held = {self.cloud.stranger(self.tree.hypervisor, 2) for _ in "12"}
        said = self.finds("card-held-twice", "card-use-differs")
        for server_id in held:
            self.assertIn(server_id, said)

    def test_a_card_of_nobody(self):
        consumer = self.tree.boot([self.free])
        said = self.finds("card-orphaned", "card-use-differs")
        self.assertIn(consumer, said)

    def test_a_server_that_is_gone(self):
        (node,) = self.two.nodes
        self.cloud.user_deletes(node.server_id)
        said = self.finds("lease-server-gone", "card-use-differs")
        self.assertIn(self.two.name, said)

    def test_it_is_told_where_a_test_asks_what_is_left(self):
        for lease in (self.one, self.two):
            end.end(self.world.core, lease.id)
            self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())
        self.tree.set_reserved(self.free, 1)
        left = self.world.leftovers()
        self.assertEqual(["told by the auditor"], list(left))
        self.assertIn("fence-unknown", str(left))

    def test_it_is_told_where_a_lease_has_settled(self):
        self.cloud.keys[self.shape().name] = test_cloud.PUBLIC_KEY
        error = self.assertRaises(
            AssertionError, self.world.settle, self.one.id, "active"
        )
        self.assertIn("keypair-left", str(error))
        self.world.settle(self.one.id, "active", told=["keypair-left"])


class Beside(world.World):
    """Another broker on the cloud of a world, with a database of its own.

    :param host: the one that it manages; it only observes the others.
    """

    def __init__(self, first, store, host):
        super().__init__(clock=first.clock, store=store)
        self._first = first
        self._host = host

    def _setup_placement(self):
        self.placement, self.trees = self._first.placement, self._first.trees

    def _setUp(self):
        super()._setUp()
        self.cloud = self._first.cloud
        self.core = dataclasses.replace(
            self._first.core,
            store=self.store,
            bell=self.bell,
            cache=standing.Cache(),
        )
        self.auditor = auditor.of_cloud(
            self.core, self.placement.api, self.cloud
        )


class TwoInstallations(testtools.TestCase):
    """Each manages one of two hosts, and observes the other."""

    def setUp(self):
        super().setUp()
        self.first = self.useFixture(world.World(cards=2))
        found = self.useFixture(database.Database(clock=self.first.clock))
        with found.store.engine.begin() as connection:
            connection.execute(
                sa.update(tables.Installation).values(name=OTHER)
            )
        self.second = self.useFixture(Beside(self.first, found.store, "gpu-2"))
        self.observe(self.first.core, "gpu-2")
        self.observe(self.second.core, "gpu-1")
        self.worlds = (self.first, self.second)

    def observe(self, core: broker.Broker, name: str) -> None:
        with core.store.write() as tx:
            host = tx.hosts.get(name)
            tx.hosts.update(dataclasses.replace(host, mode=hosts.Mode.OBSERVE))

    def notes(self, one):
        """Code -> sentence; nothing else is found."""
        found = one.auditor.found()
        one.auditor.assert_clean()
        self.assertEqual([], [f for f in found if f.advice])
        return {f.code: f.sentence for f in found}

    def work(self):
        for one in self.worlds:
            self.first.clock.advance(31)
            one.turn()

    def test_neither_takes_what_the_other_has_for_its_own(self):
        """Some leases run, and some wait, of the same user."""
        for one in self.worlds:
            lease = one.order()
            one.settle(lease.id, "active")
            one.order("waits")
        self.work()
        self.work()
        with self.first.store.read() as tx:
            names = (OTHER, tx.installation.name())
        for one, name in zip(self.worlds, names, strict=True):
            notes = self.notes(one)
            self.assertEqual(
                {"installation-other", "trusts-other", "fence-external"},
                set(notes),
            )
            for words in (name, "1 server", "1 ticket", "2 cards"):
                self.assertIn(words, notes["installation-other"])
            self.assertIn("1 trusts", notes["trusts-other"])

    def test_each_is_told_of_what_it_has_left_itself(self):
        api = self.first.placement.api
        for one in self.worlds:
            with one.store.read() as tx:
                ours = tx.installation.name().upper()
            name = f"CUSTOM_GPUBROKER_{ours}_{NODE.upper()}_1"
            api.put(f"/resource_classes/{name}")
            (told,) = one.auditor.wrong()
            self.assertEqual(("ticket-left", (name,)), told.key)
            api.delete(f"/resource_classes/{name}")
