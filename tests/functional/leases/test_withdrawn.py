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

"""Promise 1 for cards that are withdrawn between a plan and its claim.

Two connections on each of the databases: one plans and claims, the other one
withdraws a card or its host at that moment.
"""

from __future__ import annotations

import dataclasses
import datetime
import threading

from gpubroker.domain import events
from gpubroker.domain import failures
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import pools
from gpubroker.domain.fences import Reason
from gpubroker.services import drain
from gpubroker.services import fence
from gpubroker.services import plan
from tests.fixtures import clock
from tests.fixtures import tripwire
from tests.fixtures import world
from tests.functional.db import base

OLGA = events.Actor(user_id="olga")
HOUR = datetime.timedelta(hours=1)
#: Seconds in which one that need not wait has long been done.
SOON = 0.7


class WithdrawnTests(base.Tests):
    def setUp(self):
        super().setUp()
        time = clock.Clock()
        self.world = self.useFixture(
            world.World(
                ["gpu-1"], cards=2, clock=time, store=self.store_by(time)
            )
        )
        self.other = dataclasses.replace(
            self.world.core, store=self.store_by(time)
        )
        self.lease = self.world.order(flavor="gpu.2")

    def plan(self, core=None):
        core = core or self.world.core
        return plan.plan_pool(core, pools.DEFAULT, "worker-1")

    def meanwhile(self, act):
        """Once the pool is read, before the claim."""
        # The pool is owned by a commit first, then read.
        wire = tripwire.Meanwhile(2, act)
        started = self.plan(wire.around(self.world.core))
        self.assertEqual(["commit", "read"], wire.places[:2])
        return started

    def waits(self, act):
        self.assertEqual([], self.meanwhile(act))
        self.assertEqual("queued", self.world.get(self.lease.id).state)
        self.assertEqual([], [c for c in self.cards() if c.claimed_by])

    def cards(self):
        with self.world.store.read() as tx:
            return tx.devices.all()

    def fence(self):
        card = self.cards()[0].id
        fence.fence(self.other, card, Reason.OPERATOR, "sick", "olga")

    def drain(self):
        drain.drain(self.other, "gpu-1", "moves", OLGA, lambda _seen: None)

    def host(self, **fields):
        with self.other.store.write() as tx:
            host = tx.hosts.get("gpu-1")
            tx.hosts.update(dataclasses.replace(host, **fields))

    def test_nobody_does_anything(self):
        self.assertEqual([self.lease.id], self.meanwhile(lambda: None))

    def test_a_card_is_fenced(self):
        self.waits(self.fence)

    def test_its_host_is_drained(self):
        self.waits(self.drain)

    def test_its_host_is_only_observed(self):
        self.waits(lambda: self.host(mode=hosts.Mode.OBSERVE))

    def test_its_host_goes_down(self):
        self.waits(lambda: self.host(compute_state=hosts.ComputeState.DOWN))

    def test_its_host_goes_to_another_pool(self):
        with self.other.store.write() as tx:
            tx.pools.add(pools.Pool(name="other"))
        self.waits(lambda: self.host(pool="other"))

    def test_its_host_becomes_suspect(self):
        self.waits(self.suspect)

    def suspect(self):
        now = self.world.core.clock.now()
        until = now + HOUR
        with self.other.store.write() as tx:
            for n in range(2):
                tx.failures.note(
                    failures.Failure(
                        host="gpu-1",
                        lease_id=f"00000000-0000-4000-8000-00000000000{n}",
                        project_id=f"project-{n}",
                        at=now,
                        until=until,
                    ),
                    now - HOUR,
                )

    def test_somebody_else_has_a_card(self):
        def consume():
            card = self.cards()[0]
            with self.other.store.write() as tx:
                tx.devices.mirror(
                    dataclasses.replace(card, consumers=("stranger",))
                )

        self.waits(consume)

    def test_a_claim_that_has_looked_is_seen_by_who_comes_later(self):
        """At the last moment before the commit: the fence waits for it."""
        done = threading.Event()
        seen = []

        def late():
            self.fence()
            seen.extend(c.claimed_by for c in self.cards())
            done.set()

        thread = threading.Thread(target=late, daemon=True)
        real = plan._check

        def check(*args):
            real(*args)
            thread.start()
            self.assertFalse(done.wait(SOON), "it did not wait")

        self.patch(plan, "_check", check)
        self.assertEqual([self.lease.id], self.plan())
        self.assertTrue(done.wait(base.PATIENCE))
        thread.join(base.PATIENCE)
        self.assertNotIn(None, seen)

    def test_a_fence_that_is_not_written_yet_is_waited_for(self):
        """It was there first: the claim sees it once it is."""
        card = self.cards()[0]
        fenced, go = threading.Event(), threading.Event()

        def operator():
            with self.other.store.write() as tx:
                self.add(tx, card)
                # As at the end of any transaction that writes.
                tx.standing.hold()
                fenced.set()
                go.wait(SOON)

        results = self.together(
            operator, lambda: (fenced.wait(base.PATIENCE), self.plan())[1]
        )
        self.assertEqual([None, []], results)
        self.assertEqual("queued", self.world.get(self.lease.id).state)

    def add(self, tx, card):
        tx.fences.add(
            fences.Fence(
                device_id=card.id, reason=Reason.OPERATOR, detail="", by="o"
            )
        )


(
    WithdrawnTestsOnSQLite,
    WithdrawnTestsOnMariaDB,
    WithdrawnTestsOnPostgreSQL,
) = base.bound(WithdrawnTests)
