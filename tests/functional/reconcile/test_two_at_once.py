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

"""Two reconcilers of one host at the same time, in every order.

Whatever they do in turn: what we closed is never taken for a stranger's,
what a stranger closed stays theirs, and at rest Placement is as the fences
demand.
"""

from __future__ import annotations

import dataclasses
import itertools

import testtools

from gpubroker.domain import catalogue
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.domain.fences import Reason
from gpubroker.services import broker
from gpubroker.services import fence
from gpubroker.services import reconcile
from tests.fixtures import bell
from tests.fixtures import clock as test_clock
from tests.fixtures import estate
from tests.fixtures import interleaving
from tests.fixtures import small_ledger
from tests.fixtures import small_store
from tests.functional.db import base
from tests.functional.db import samples

HOST, ADDRESS = "gpu-1", "0000:07:00.0"


class Script:
    """One card, at rest and open, at the beginning of every run.

    :ivar store: of the class that this is mixed into.
    """

    #: Whether actors also take turns inside of transactions.
    commits = False
    switches = None

    def found(self):
        clock = test_clock.Clock()
        self.core = broker.Broker(
            store=self.store,
            clock=clock,
            bell=bell.Bell(),
            ledger=None,
            compute=None,
            identity=None,
        )
        with self.store.write() as tx:
            for model in catalogue.MODELS:
                if model.name == estate.MODEL:
                    tx.models.add(model)
            tx.hosts.add(
                hosts.Host(
                    name=HOST,
                    hypervisor_hostname=HOST,
                    pool=pools.DEFAULT,
                    mode=hosts.Mode.MANAGE,
                )
            )
        self.begin()
        self.device_id = self.device().id
        self.lift(self.core, Reason.UNADMITTED)

    def begin(self):
        """A new Placement; the row is brought in line with it."""
        self.card = small_ledger.Card(HOST, ADDRESS, estate.A100)
        self.ledger = small_ledger.Ledger(self.card)
        self.core = dataclasses.replace(self.core, ledger=self.ledger)
        with self.store.write() as tx:
            for device in tx.devices.all():
                for reason in device.reasons - {Reason.UNADMITTED}:
                    tx.fences.remove(device.id, reason)
                tx.devices.mirror(
                    dataclasses.replace(
                        device,
                        provider_generation=None,
                        reserved=0,
                        closing_generation=None,
                    )
                )
        self.pass_()

    def begin_closed(self):
        self.begin()
        self.close(self.core)
        self.pass_()
        self.assertEqual(1, self.card.reserved)

    def begin_fenced(self):
        self.begin()
        self.close(self.core)

    def begin_lifted(self):
        self.begin_closed()
        self.lift(self.core)

    def begin_leased(self):
        """Closed for a lease that is over."""
        self.begin()
        lease = samples.lease(state=leases.State.ACTIVE)
        self.keep(lease)
        self.pass_()
        self.assertEqual(1, self.card.reserved)
        with self.store.write() as tx:
            over = dataclasses.replace(lease, state=leases.State.ENDED)
            tx.leases.add(over, None)
        self.next_began = False

    def keep(self, lease):
        with self.store.write() as tx:
            tx.leases.add(lease, None)
            tx.fences.add(
                fences.Fence(
                    device_id=self.device_id,
                    reason=Reason.LEASE,
                    lease_id=lease.id,
                )
            )

    def device(self):
        with self.store.read() as tx:
            (found,) = tx.devices.all()
        return found

    def reasons(self):
        return {reason.value for reason in self.device().reasons}

    def pass_(self, core=None):
        return reconcile.reconcile_host(core or self.core, HOST)

    def close(self, core):
        fence.fence(core, self.device_id, Reason.OPERATOR, "", "olga")

    def lift(self, core, reason=Reason.OPERATOR):
        fence.unfence(core, self.device_id, reason, "olga")

    # -- actors -------------------------------------------------------------

    def reconciler(self, gate, passes=1):
        core = gate.around(self.core, self.ledger, self.commits)
        for _number in range(passes):
            self.pass_(core)

    def closer(self, gate):
        core = gate.around(self.core, self.ledger, self.commits)
        self.close(core)
        self.pass_(core)

    def opener(self, gate):
        core = gate.around(self.core, self.ledger, self.commits)
        self.lift(core)
        self.pass_(core)

    def stranger(self, gate):
        """Writes at one moment. While a write of ours is under way for the
        same generation nobody can tell whose number it is."""
        gate("placement", True, "stranger")
        self.theirs = not (
            self.card.reserved or self.device().closing_generation
        )
        self.card.put(1)

    def next_lease(self, gate):
        """Takes the card as soon as it is free, and runs at once."""
        gate("sql", True, "next lease")
        device = self.device()
        if not device.fences and not device.reserved:
            self.keep(samples.lease(state=leases.State.ACTIVE))
            self.next_began = True

    # -- the end ------------------------------------------------------------

    def rests(self, expected, run):
        """Some more passes, and all is as it is to be."""
        for _number in range(3):
            self.pass_()
            self.assertEqual(set(expected), self.reasons(), run)
        self.assertEqual(int(bool(expected)), self.card.reserved, run)
        self.assertEqual(
            (self.card.generation, self.card.reserved, None),
            (
                self.device().provider_generation,
                self.device().reserved,
                self.device().closing_generation,
            ),
            run,
        )

    def rests_open(self, run):
        self.rests(set(), run)

    def rests_and_opens(self, run):
        self.rests({"operator"}, run)
        self.lift(self.core)
        self.rests(set(), run)

    def every(self, actors, begin, end, **more):
        made = interleaving.every(
            actors, begin, end, **{"switches": self.switches, **more}
        )
        # Fewer would mean that they do not meet.
        self.assertGreater(made, 5)


class Orders(Script):
    """What two of them may be at."""

    def test_both_close(self):
        self.every(
            [self.reconciler, self.reconciler],
            self.begin_fenced,
            self.rests_and_opens,
        )

    def test_both_open(self):
        self.every(
            [self.reconciler, self.reconciler],
            self.begin_lifted,
            self.rests_open,
        )

    def test_one_closes_what_another_lifts(self):
        self.every(
            [self.reconciler, self.opener],
            self.begin_fenced,
            self.rests_open,
        )

    def test_one_opens_what_another_fences(self):
        self.every(
            [self.reconciler, self.closer],
            self.begin_lifted,
            self.rests_and_opens,
        )

    def test_one_dies_while_it_closes(self):
        self.every(
            [self.reconciler, self.reconciler],
            self.begin_fenced,
            self.rests_and_opens,
            kill=0,
        )

    def test_one_dies_while_it_closes_what_another_lifts(self):
        """A stranger that comes after all this is known as one."""

        def end(run):
            self.rests(set(), run)
            self.card.put(1)
            self.rests({"external"}, run)

        self.every(
            [self.reconciler, self.opener], self.begin_fenced, end, kill=0
        )

    def test_none_opens_what_was_closed_meanwhile(self):
        def end(run):
            opened = self.card.history[self.before :]
            self.assertNotIn((1, 0), list(itertools.pairwise(opened)), run)
            self.rests({"operator"}, run)

        def begin():
            self.begin_lifted()
            self.before = len(self.card.history)

        self.every(
            [self.reconciler, self.reconciler, self.closer],
            begin,
            end,
            switches=2,
        )

    def test_a_stranger_is_quicker_than_one_who_closes(self):
        """Also when our own fence is lifted their card stays closed."""
        seen = set()

        def end(run):
            seen.add(self.theirs)
            theirs = {"external"} if self.theirs else set()
            self.rests({"operator"} | theirs, run)
            self.lift(self.core)
            self.rests(theirs, run)

        self.every([self.reconciler, self.stranger], self.begin_fenced, end)
        self.assertEqual({True, False}, seen)

    def test_a_stranger_among_them(self):
        self.every(
            [self.reconciler, self.reconciler, self.stranger],
            self.begin,
            lambda run: self.rests({"external"}, run),
        )


class Every(Orders, testtools.TestCase):
    """Every order there is."""

    def setUp(self):
        super().setUp()
        self.store = small_store.Store()
        self.found()

    def test_one_looks_twice_while_another_closes(self):
        self.every(
            [self.reconciler, lambda gate: self.reconciler(gate, passes=2)],
            self.begin_fenced,
            self.rests_and_opens,
        )

    def test_both_lift_what_was_kept_for_a_lease(self):
        self.every(
            [self.reconciler, self.reconciler],
            self.begin_leased,
            self.rests_open,
        )

    def test_the_fence_of_the_next_lease_stays(self):
        began = []

        def end(run):
            began.append(self.next_began)
            self.rests({"lease"} if self.next_began else set(), run)

        self.every(
            [self.reconciler, self.reconciler, self.next_lease],
            self.begin_leased,
            end,
            switches=2,
        )
        self.assertEqual({True, False}, set(began))


class OnAnEngineTests(Script, base.Tests):
    """Where a transaction sees what others commit meanwhile."""

    commits = True

    def setUp(self):
        super().setUp()
        self.found()

    def bump(self, gate):
        """Something else of the card's provider changes."""
        gate("placement", True, "bump")
        self.card.put(0)

    def check(self, stops_before):
        """One has looked, and stops in the middle of writing that down;
        another closes the card and dies with its write done."""
        self.begin_fenced()
        run = interleaving.scripted(
            [self.reconciler, self.reconciler, self.bump],
            [
                (0, "inventories"),
                (2, "end"),
                (1, stops_before),
                (0, "put"),
                (0, "write"),
                (1, "end"),
            ],
            kill=0,
        )
        self.assertIn("put", [step.name for step in run.steps])
        self.rests_and_opens(run)

    def test_not_yet_held(self):
        self.check("hold")

    def test_held(self):
        self.check("commit")


(
    OnAnEngineTestsOnSQLite,
    OnAnEngineTestsOnMariaDB,
    OnAnEngineTestsOnPostgreSQL,
) = base.bound(OnAnEngineTests)
