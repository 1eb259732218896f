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
"""Two brokers, each with a database of its own, on one Nova and Placement."""

from __future__ import annotations

import dataclasses

import sqlalchemy as sa
import testtools

from gpubroker import errors
from gpubroker.db import tables
from gpubroker.domain import hosts
from gpubroker.services import delegate
from gpubroker.services import end
from gpubroker.services import names
from gpubroker.services import ports
from gpubroker.services import sweep
from gpubroker.services.checks import placement
from gpubroker.services.checks.mistakes import Mistake
from tests.fixtures import database
from tests.fixtures import world

OTHER = "0badcafe"


class Installations(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(("gpu-1",), cards=2))
        # The template of the databases of these tests has one name for all.
        second = self.useFixture(database.Database(clock=self.world.clock))
        with second.store.engine.begin() as connection:
            connection.execute(
                sa.update(tables.Installation).values(name=OTHER)
            )
        self.other = dataclasses.replace(self.world.core, store=second.store)

    def ours(self):
        with self.world.store.read() as tx:
            return tx.installation.name()

    def leave(self, core, installation):
        """A ticket and a shape of a start that somebody else has undone."""
        ticket = names.ticket(installation, "lost", 1)
        shape = names.shape(installation, "lost", 1)
        provider = core.ledger.ensure_ticket_provider(
            names.provider(installation, "gpu-1"),
            self.world.trees["gpu-1"].root,
        )
        core.ledger.put_ticket(provider, ticket)
        core.compute.ensure_shape(
            ports.ShapeSpec(
                id=shape,
                name=shape,
                vcpus=1,
                ram_mib=1,
                disk_gib=1,
                extra_specs={},
                project_id="demo",
            )
        )
        return sweep.Leftovers(frozenset({ticket}), frozenset({shape}))

    def test_neither_sweeps_what_the_other_starts(self):
        self.world.cloud.fates = ["unmade"]
        self.world.order()
        self.world.run(lambda: self.world.cloud.shapes)
        self.assertNotEqual([], self.world.placement.ledger.tickets())
        self.assertEqual(sweep.Leftovers(), sweep.find(self.other))

    def test_each_finds_its_own_leftovers(self):
        ours = self.leave(self.world.core, self.ours())
        theirs = self.leave(self.other, OTHER)
        self.assertEqual(ours, sweep.find(self.world.core))
        self.assertEqual(theirs, sweep.find(self.other))

    def test_neither_deletes_the_trusts_of_the_other(self):
        """Although both use one user of Keystone."""
        lease = self.world.order()
        self.world.clock.advance(10 * 86400)
        self.assertEqual(0, delegate.sweep(self.other))
        self.assertEqual(1, len(self.world.cloud.trusts))
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")

    def test_names_fit_where_they_are_used(self):
        node_id, host = "f" * 8 + "-f" * 4 + "f" * 24, "gpu-1.example.org"
        for name, pattern in (
            (names.ticket(OTHER, node_id, 999), "^CUSTOM_[A-Z0-9_]{1,248}$"),
            (names.shape(OTHER, node_id, 999), "^[a-zA-Z0-9. _-]{1,255}$"),
            (names.provider(OTHER, host), "^.{1,200}$"),
        ):
            self.assertRegex(name, pattern)
            self.assertIn(OTHER, name.lower())

    def test_a_start_bears_the_name(self):
        lease = self.world.order()
        lease = self.world.settle(lease.id, "active")
        (node,) = lease.nodes
        self.assertTrue(node.ticket.startswith(names.tickets_of(self.ours())))
        self.assertTrue(node.shape_id.startswith(names.shapes_of(self.ours())))
        (found,) = self.world.core.ledger.ticket_providers()
        self.assertEqual(names.provider(self.ours(), "gpu-1"), found.name)

    def test_the_upgrade_check_tells_of_a_host_that_both_use(self):
        def check():
            with self.world.store.read() as tx:
                found = list(
                    placement.installation(
                        tx.installation.name(),
                        tx.hosts.all(),
                        self.world.core.ledger.ticket_providers(),
                    )
                )
            self.assertIn(self.ours(), found[-1].detail)
            return [one for one in found if one.level]

        self.leave(self.world.core, self.ours())
        self.assertEqual([], check())
        self.leave(self.other, OTHER)
        (found,) = check()
        self.assertEqual(Mistake.INSTALLATION_STRANGE, found.mistake)
        self.assertIn(names.provider(OTHER, "gpu-1"), found.detail)
        with self.world.store.write() as tx:
            host = tx.hosts.get("gpu-1")
            tx.hosts.update(dataclasses.replace(host, mode=hosts.Mode.OBSERVE))
        self.assertEqual([], check())

    def test_a_database_without_a_name_is_not_worked_with(self):
        with self.other.store.engine.begin() as connection:
            connection.execute(sa.delete(tables.Installation))
        self.assertRaises(errors.Unavailable, sweep.find, self.other)
