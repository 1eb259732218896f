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

"""gpubroker-manage recover: which installation it takes the database for,
when it refuses to work, and what it prints."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
from typing import Any

import testtools

from gpubroker import errors
from gpubroker.cmd import recover
from gpubroker.domain import pools
from gpubroker.services import share
from tests.fixtures import database
from tests.fixtures import world


class RecoverTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = self.useFixture(world.World(("gpu-1",), cards=1))
        with self.world.store.read() as tx:
            self.ours = tx.installation.name()

    def make_anew(self) -> None:
        """A database that knows its models, and nothing else."""
        new = self.useFixture(database.Database(clock=self.world.clock))
        with self.world.store.read() as old, new.store.write() as tx:
            for model in old.models.all():
                tx.models.add(model)
            tx.installation.become(self.ours)
        self.world.store = new.store
        self.world.core = dataclasses.replace(self.world.core, store=new.store)

    def provider_of(self, installation: str) -> None:
        self.world.core.ledger.ensure_ticket_provider(
            f"gpubroker_{installation}_gpu-1", self.world.trees["gpu-1"].root
        )

    def work(self, **given: Any) -> str:
        args = {"apply": False, "installation": None, "keep": 24.0, **given}
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            recover.work(self.world.core, argparse.Namespace(**args))
        return out.getvalue()

    def test_on_a_cloud_without_anything_it_finds_nothing(self) -> None:
        self.assertEqual(
            "0 written, 0 only told.\n"
            "Nothing of this was written; to write it: --apply\n",
            self.work(),
        )

    def test_a_new_database_takes_a_name_only_when_it_is_told(self) -> None:
        """The other installation may be alive."""
        self.make_anew()
        self.provider_of("0badcafe")
        shown = self.work()
        self.assertIn("taken for that of installation 0badcafe", shown)
        self.assertIn("find: 1 hosts and 1 cards", shown)
        self.assertIn("Nothing else was written", shown)
        self.assertEqual(self.ours, self.name())
        error = self.assertRaises(errors.Conflict, self.work, apply=True)
        self.assertIn("0badcafe", error.message)
        self.assertEqual(self.ours, self.name())
        self.work(apply=True, installation="0badcafe")
        self.assertEqual("0badcafe", self.name())

    def test_one_with_hosts_is_not_even_shown_as_another(self) -> None:
        self.provider_of("0badcafe")
        self.assertRaises(errors.Conflict, self.work)
        # Its own name it keeps, although nothing in Placement bears it yet.
        self.work(apply=True, installation=self.ours)
        self.assertEqual(self.ours, self.name())

    def test_of_several_it_has_to_be_told(self) -> None:
        self.make_anew()
        self.provider_of("0badcafe")
        self.provider_of("deadbeef")
        error = self.assertRaises(errors.Conflict, self.work)
        self.assertIn("0badcafe, deadbeef", error.message)
        self.work(apply=True, installation="deadbeef")
        self.assertEqual("deadbeef", self.name())

    def test_its_own_name_comes_first(self) -> None:
        self.provider_of("0badcafe")
        self.provider_of(self.ours)
        self.work(apply=True)
        self.assertEqual(self.ours, self.name())

    def test_a_name_that_nobody_has_is_refused(self) -> None:
        error = self.assertRaises(
            errors.Invalid, self.work, installation="0badcafe"
        )
        self.assertIn("there is of: none", error.message)

    def test_while_a_worker_works_nothing_is_written(self) -> None:
        share.take(self.world.core, "worker-1")
        error = self.assertRaises(errors.Conflict, self.work, apply=True)
        self.assertIn(pools.DEFAULT, error.message)
        self.work()
        share.leave(self.world.core, "worker-1")
        self.work(apply=True)

    def name(self) -> str:
        with self.world.store.read() as tx:
            return tx.installation.name()
