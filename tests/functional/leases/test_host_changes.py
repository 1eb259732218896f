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

"""A host that is drained, moved or let go of while somebody else looks at it.

Two connections on each of the databases: what the one has read is old once
the other has written.
"""

from __future__ import annotations

import dataclasses
import threading

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import mirror
from gpubroker.domain import pools
from gpubroker.services import drain
from gpubroker.services import enforce
from gpubroker.services import enrol
from gpubroker.services import fence
from gpubroker.services import plan
from gpubroker.services import reconcile
from tests.fixtures import clock
from tests.fixtures import world
from tests.functional.db import base

OLGA = events.Actor(user_id="olga")
#: Seconds in which one that need not wait has long been done.
SOON = 0.7


class HostChangeTests(base.Tests):
    def setUp(self):
        super().setUp()
        time = clock.Clock()
        self.world = self.useFixture(
            world.World(
                ["gpu-1"], cards=2, clock=time, store=self.store_by(time)
            )
        )
        self.core = self.world.core
        self.other = dataclasses.replace(self.core, store=self.store_by(time))
        with self.world.store.write() as tx:
            tx.pools.add(pools.Pool(name="second"))
        reconcile.reconcile_host(self.core, "gpu-1")

    # -- what happens ------------------------------------------------------

    def beside(self, place, name, act, first=False):
        """Once, at a call of ``place.name``: somebody else acts, and is
        given the time that it takes who need not wait.

        :param first: before the call, not after it.
        :returns: what came of it, once it is there.
        """
        real = getattr(place, name)
        outcome, threads = [], []

        def there():
            try:
                outcome.append(act())
            except errors.GpubrokerError as error:
                outcome.append(error)

        def once():
            if not threads:
                thread = threading.Thread(target=there, daemon=True)
                threads.append(thread)
                thread.start()
                thread.join(SOON)

        def call(*args, **kwargs):
            if first:
                once()
            found = real(*args, **kwargs)
            once()
            return found

        self.patch(place, name, call)
        self.addCleanup(lambda: [t.join(base.PATIENCE) for t in threads])

        def came():
            for thread in threads:
                thread.join(base.PATIENCE)
            return outcome[0]

        return came

    def drained(self):
        drain.drain(self.other, "gpu-1", "firmware", OLGA, lambda _seen: None)

    def resumed(self):
        drain.resume(self.other, "gpu-1", OLGA, lambda _seen: None)

    def changed(self, core, **changes):
        return enrol.change_host(core, "gpu-1", changes, lambda _seen: None)

    def planned(self):
        return plan.plan_pool(self.other, pools.DEFAULT, "worker-1")

    # -- what is there -----------------------------------------------------

    def host(self):
        with self.world.store.read() as tx:
            return tx.hosts.get("gpu-1")

    def cards(self):
        with self.world.store.read() as tx:
            return tx.devices.of_host("gpu-1")

    def reasons(self):
        return [sorted(card.reasons) for card in self.cards()]

    # -- drained while it is looked at -------------------------------------

    def test_a_look_lifts_nothing_of_who_drains_meanwhile(self):
        came = self.beside(mirror, "merge", self.drained)
        reconcile.look(self.core, "gpu-1")
        came()
        self.assertEqual([["drain"], ["drain"]], self.reasons())

    def test_fences_follow_the_host_as_it_is_by_then(self):
        self.drained()
        came = self.beside(drain, "_behind", self.resumed)
        drain.follow(self.core, "gpu-1")
        came()
        self.assertEqual([[], []], self.reasons())

    def test_a_card_whose_fence_is_yet_to_come_is_not_given_out(self):
        with self.world.store.write() as tx:
            begun = hosts.Drain(at=self.core.clock.now(), by="olga")
            tx.hosts.update(
                dataclasses.replace(tx.hosts.get("gpu-1"), drain=begun)
            )
        lease = self.world.order(flavor="gpu.1")
        self.assertEqual([], self.planned())
        self.assertEqual("queued", self.world.get(lease.id).state)
        drain.follow(self.core, "gpu-1")
        self.assertEqual([["drain"], ["drain"]], self.reasons())

    # -- moved while a lease starts on it ----------------------------------

    def test_who_plans_waits_for_who_moves_the_host(self):
        for changes in ({"pool": "second"}, {"mode": "observe"}):
            with self.subTest(**changes):
                lease = self.world.order(flavor="gpu.1")
                came = self.beside(enrol, "_check_unclaimed", self.planned)
                self.changed(self.core, **changes)
                self.assertEqual([], came())
                self.assertEqual("queued", self.world.get(lease.id).state)
                self.assertEqual(
                    [None, None], [card.claimed_by for card in self.cards()]
                )
                self.changed(self.core, pool="default", mode="manage")

    def test_who_moves_the_host_waits_for_who_plans(self):
        lease = self.world.order(flavor="gpu.1")
        came = self.beside(
            plan, "_check", lambda: self.changed(self.core, mode="observe")
        )
        self.assertEqual([lease.id], self.planned())
        self.assertIsInstance(came(), errors.InUse)
        self.assertEqual(hosts.Mode.MANAGE, self.host().mode)

    # -- let go of while a card of it is closed ----------------------------

    def fenced(self):
        card = self.cards()[0]
        fence.fence(self.core, card.id, fences.Reason.OPERATOR, "x", "olga")

    def test_who_closes_a_card_waits_for_who_lets_go_of_the_host(self):
        """Nobody would open it any more."""
        self.fenced()
        came = self.beside(
            enrol, "_check_open", lambda: enforce.fences(self.other, "gpu-1")
        )
        self.changed(self.core, mode="observe")
        came()
        self.assertEqual([0, 0], [card.reserved for card in self.cards()])
        self.assertEqual(
            [None, None], [card.closing_generation for card in self.cards()]
        )

    def test_who_lets_go_of_the_host_waits_for_who_closes_a_card(self):
        self.fenced()
        came = self.beside(
            enforce,
            "_still_managed",
            lambda: self.changed(self.other, mode="observe"),
        )
        enforce.fences(self.core, "gpu-1")
        self.assertIsInstance(came(), errors.InUse)
        self.assertEqual(hosts.Mode.MANAGE, self.host().mode)


(
    HostChangeTestsOnSQLite,
    HostChangeTestsOnMariaDB,
    HostChangeTestsOnPostgreSQL,
) = base.bound(HostChangeTests)
