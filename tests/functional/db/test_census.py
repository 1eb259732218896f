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

"""A census on every engine is what the rows themselves say."""

from __future__ import annotations

import collections
import dataclasses
import datetime

from gpubroker.domain import census
from gpubroker.domain import devices
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.services import ports
from tests.functional.db import base
from tests.functional.db import samples

LATER = base.START + datetime.timedelta(hours=1)
AT = base.START + datetime.timedelta(minutes=1)


class CensusTests(base.Tests):
    def take(self) -> census.Census:
        with self.store.read() as tx:
            return tx.census.take(AT)

    def test_of_nothing(self) -> None:
        found = self.take()
        self.assertEqual(
            ((), (), ()), (found.cards, found.leases, found.hosts)
        )
        self.assertEqual(
            (census.Pool(name="default", owned=False),), found.pools
        )
        self.assertEqual((AT, 0), (found.at, found.workers))

    def test_cards_are_what_each_of_them_says(self) -> None:
        self.fill()
        found = self.take()
        counted = {(some.use, some.fences): some.count for some in found.cards}
        self.assertEqual(
            {
                (census.Use.FREE, frozenset()): 2,
                (census.Use.LEASED, frozenset()): 1,
                (census.Use.OUTSIDE, frozenset()): 1,
                (
                    census.Use.SICK,
                    frozenset({fences.Reason.HEALTH, fences.Reason.DRAIN}),
                ): 1,
                (census.Use.FENCED, frozenset({fences.Reason.OPERATOR})): 1,
                (census.Use.VANISHED, frozenset()): 1,
                (census.Use.UNKNOWN, frozenset()): 1,
            },
            counted,
        )
        with self.store.read() as tx:
            every = tx.devices.all()
        free = [card for card in every if card.schedulable]
        uses = census.by_use(found.cards)
        self.assertEqual(len(free), uses["default", "a100-sxm4-80gb", "free"])
        self.assertEqual(len(every), uses.total())
        health = collections.Counter(
            card.health.value
            for card in every
            if card.state is devices.State.PRESENT
        )
        told = collections.Counter[str]()
        for (_pool, _model, word), n in census.by_health(found.cards).items():
            told[word] += n
        self.assertEqual(health, +told)

    def fill(self) -> None:
        """A card of each kind, and one more that is free."""
        cards = samples.fill(self.store, 7)
        with self.store.write() as tx:
            _fence(tx, cards[2], fences.Reason.HEALTH, fences.Reason.DRAIN)
            _fence(tx, cards[3], fences.Reason.OPERATOR)
            tx.devices.mirror(
                dataclasses.replace(cards[4], consumers=("c1", "c2"))
            )
            tx.devices.update(
                dataclasses.replace(
                    tx.devices.get(cards[5].id),
                    state=devices.State.VANISHED,
                )
            )
            lease = tx.leases.add(samples.lease(), None)
            tx.claims.add(lease.nodes[0].id, [cards[6].id])
            tx.devices.add(
                samples.device(9, model=None, health=devices.Health.UNKNOWN)
            )

    def test_leases_that_are_open(self) -> None:
        samples.fill(self.store)
        queued = samples.lease(nodes=2, requested_at=LATER)
        first = samples.lease(requested_at=base.START, gpus=4)
        held = samples.lease(rights_gone_at=LATER)
        over = samples.lease(
            state=leases.State.ENDED, target=leases.State.ENDED
        )
        with self.store.write() as tx:
            for lease in (queued, first, held, over):
                tx.leases.add(lease, None)
        rows = sorted(self.take().leases, key=lambda some: some.held)
        waiting = census.Open(
            pool="default",
            state=leases.State.QUEUED,
            held=False,
            count=2,
            gpus=8,
            oldest=base.START,
        )
        self.assertEqual(
            [
                waiting,
                dataclasses.replace(waiting, held=True, count=1, gpus=2),
            ],
            rows,
        )

    def test_hosts_and_their_agents(self) -> None:
        with self.store.write() as tx:
            tx.hosts.add(samples.host("quiet"))
            tx.hosts.add(samples.host("new", agent_user_id="u1"))
            tx.hosts.add(
                samples.host("busy", agent_user_id="u2", heartbeat_at=LATER)
            )
        found = {host.name: host for host in self.take().hosts}
        self.assertEqual(
            census.Host(
                name="busy",
                pool="default",
                mode=hosts.Mode.MANAGE,
                compute_state=samples.host().compute_state,
                enrolled=True,
                heard_at=LATER,
            ),
            found["busy"],
        )
        self.assertEqual(
            [(True, None), (False, None)],
            [(found[n].enrolled, found[n].heard_at) for n in ("new", "quiet")],
        )

    def test_workers_and_pools_that_have_one(self) -> None:
        with self.store.write() as tx:
            tx.workers.announce("late", base.START, AT)
            tx.workers.announce("there", base.START, LATER)
            tx.pools.own("default", "there", base.START, LATER)
        found = self.take()
        self.assertEqual(
            (1, (census.Pool(name="default", owned=True),)),
            (found.workers, found.pools),
        )
        with self.store.read() as tx:
            over = tx.census.take(LATER)
        self.assertEqual(
            (0, (census.Pool(name="default", owned=False),)),
            (over.workers, over.pools),
        )

    def test_it_takes_five_statements_however_many_rows_there_are(
        self,
    ) -> None:
        counts = []
        for host in ("gpu-1", "gpu-2", "gpu-3"):
            with self.store.write() as tx:
                if host == "gpu-1":
                    tx.models.add(samples.model())
                tx.hosts.add(samples.host(host))
                for n in range(20):
                    card = tx.devices.add(samples.device(n, host))
                    _fence(tx, card, fences.Reason.OPERATOR)
                    tx.leases.add(samples.lease(), None)
            with self.statements() as found:
                self.take()
            counts.append(
                len([s for s in found if s.lstrip().startswith("SELECT")])
            )
        self.assertEqual([5, 5, 5], counts)


def _fence(
    tx: ports.Transaction, card: devices.Device, *reasons: fences.Reason
) -> None:
    for reason in reasons:
        tx.fences.add(fences.Fence(device_id=card.id, reason=reason))


CensusTestsOnSQLite, CensusTestsOnMariaDB, CensusTestsOnPostgreSQL = (
    base.bound(CensusTests)
)
