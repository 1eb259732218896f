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

"""What is over goes, and nothing that holds today rests on what went."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import sqlalchemy as sa

from gpubroker.db import tables
from gpubroker.domain import events
from gpubroker.domain import failures
from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.domain import purge as domain
from gpubroker.domain import steps
from gpubroker.services import ports
from gpubroker.services import purge
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples

BEFORE = base.START
OLD = BEFORE - datetime.timedelta(days=1)
YOUNG = BEFORE + datetime.timedelta(days=1)


class PurgeTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        self.cards = samples.fill(self.store)

    # -- what there is -----------------------------------------------------

    def lease(self, *, delegated: bool = False, **fields: Any) -> leases.Lease:
        found = dataclasses.replace(
            samples.lease(2),
            **{"state": leases.State.ENDED, "ended_at": OLD, **fields},
        )
        delegation = leases.Delegation(
            lease_id=found.id, mode=leases.IdentityMode.TRUST, trust_id="t"
        )
        with self.store.write() as tx:
            tx.leases.add(found, delegation if delegated else None)
            tx.leases.wait_turn(found.project_id)
            for node in found.nodes:
                tx.steps.begin(_step(found, node))
            self.say(tx, kind="lease.active", lease_id=found.id)
        return found

    def say(self, tx: ports.Transaction, **fields: Any) -> None:
        fields.setdefault("at", OLD)
        fields.setdefault("kind", "device.leased")
        tx.events.add(events.Event(message="ü", **fields))

    def told(self, **fields: Any) -> None:
        with self.store.write() as tx:
            self.say(tx, **fields)

    def rows(self) -> dict[str, int]:
        with self.store.engine.connect() as connection:
            return {
                table.name: connection.execute(
                    sa.select(sa.func.count()).select_from(table)
                ).scalar_one()
                for table in tables.METADATA.sorted_tables
            }

    def purge(self, size: int = 2, dry_run: bool = False) -> domain.Purged:
        return sum(
            purge.batches(self.store, BEFORE, size, dry_run), domain.Purged()
        )

    def kept(self) -> list[tuple[str, str]]:
        return [(lease.id, lease.left) for lease in self.purge().kept]

    # -- leases ------------------------------------------------------------

    def test_a_lease_goes_with_all_that_is_its_own(self) -> None:
        before = self.rows()
        for _lease in range(5):
            self.lease()
        self.assertEqual(
            domain.Purged(
                leases=5, nodes=10, steps=10, lease_events=5, projects=1
            ),
            self.purge(),
        )
        self.assertEqual(before, self.rows())
        self.assertEqual(domain.Purged(), self.purge())

    def test_a_dry_run_tells_the_same_and_deletes_nothing(self) -> None:
        for state in (leases.State.ENDED, leases.State.FAILED):
            self.lease(state=state)
        self.lease(project_id="p2", ended_at=YOUNG)
        self.note_failure(OLD)
        for _event in range(3):
            self.told(serial="s")
        before = self.rows()
        told = self.purge(dry_run=True)
        self.assertEqual(before, self.rows())
        self.assertEqual(told, self.purge())
        self.assertEqual(
            (2, 2, 1, 1),
            (told.leases, told.other_events, told.failures, told.projects),
        )

    def test_what_is_not_over_or_not_for_long_stays(self) -> None:
        stay = [
            self.lease(state=state, ended_at=OLD).id
            for state in leases.State
            if state not in leases.FINAL
        ]
        stay.append(self.lease(ended_at=YOUNG).id)
        stay.append(self.lease(ended_at=BEFORE).id)
        self.lease()
        before = self.rows()
        self.assertEqual((1, ()), self.counts())
        with self.store.read() as tx:
            left = tx.leases.in_state(list(leases.State))
        self.assertEqual(set(stay), {lease.id for lease in left})
        self.assertEqual(before["lease"] - 1, self.rows()["lease"])

    def counts(self) -> tuple[int, tuple[domain.Over, ...]]:
        found = self.purge()
        return found.leases, found.kept

    def test_what_may_not_be_gone_from_outside_stays(self) -> None:
        node = {"ticket": "CUSTOM_X"}, {"shape_id": "shape-x"}
        named = [self.named(**fields) for fields in node]
        claimed = self.lease()
        fenced = self.lease()
        held = self.named(server_id=samples.new_id())
        delegated = self.lease(delegated=True)
        with self.store.write() as tx:
            tx.claims.add(claimed.nodes[0].id, [self.cards[0].id])
            tx.fences.add(_fence(self.cards[1].id, fenced.id))
            card = tx.devices.get(self.cards[1].id)
            server = held.nodes[0].server_id or ""
            tx.devices.update(dataclasses.replace(card, consumers=(server,)))
        gone = self.lease()
        self.assertEqual(
            [
                *(
                    (n.id, "a flavor or a ticket of it is not proven gone")
                    for n in named
                ),
                (claimed.id, "it claims a device"),
                (fenced.id, "a device is fenced for it"),
                (held.id, "its server is known to hold a device"),
                (delegated.id, "the rights of its user are not given back"),
            ],
            self.kept(),
        )
        with self.store.read() as tx:
            left = {le.id for le in tx.leases.in_state(list(leases.State))}
        self.assertNotIn(gone.id, left)
        self.assertEqual(6, len(left))

    def named(self, **fields: Any) -> leases.Lease:
        found = samples.lease(2)
        first = dataclasses.replace(found.nodes[0], **fields)
        return self.lease(id=found.id, nodes=(first, found.nodes[1]))

    def test_two_purges_at_once_delete_all_of_it_and_nothing_else(
        self,
    ) -> None:
        stays = self.lease(ended_at=YOUNG)
        for _lease in range(12):
            self.lease()
        stores = [self.store, self.another_store()]
        found = self.together(
            *[
                lambda s=store: list(purge.batches(s, BEFORE, 3))
                for store in stores
            ]
        )
        self.assertEqual([], [f for f in found if isinstance(f, Exception)])
        with self.store.read() as tx:
            left = tx.leases.in_state(list(leases.State))
        self.assertEqual([stays.id], [lease.id for lease in left])

    def test_an_order_comes_through_while_its_project_is_forgotten(
        self,
    ) -> None:
        other = self.another_store()

        def order() -> None:
            with other.write() as tx:
                tx.leases.wait_turn("p9")
                tx.leases.add(samples.lease(project_id="p9"), None)

        with self.store.write() as tx:
            tx.leases.wait_turn("p9")
        found = self.together(order, self.purge, order)
        self.assertEqual([], [f for f in found if isinstance(f, Exception)])
        with self.store.read() as tx:
            self.assertEqual(2, tx.leases.count_open("p9"))

    # -- events ------------------------------------------------------------

    def left(self) -> list[tuple[str, str | None, str | None]]:
        with self.store.read() as tx:
            rows = tx.events.page(Page(limit=1000)).items
        return [(e.kind, e.serial or e.device_id, e.host) for e in rows]

    def test_the_last_of_each_kind_stays_of_each_card_and_host(self) -> None:
        for _event in range(3):
            for kind in ("device.fenced", "device.health"):
                for who in ({"serial": "s"}, {"device_id": "d"}):
                    self.told(kind=kind, **who)
            self.told(kind="host.silent", host="gpu-1")
        self.assertEqual(10, self.purge().other_events)
        self.assertEqual(5, len(set(self.left())))
        self.assertEqual(5, len(self.left()))

    def test_what_was_told_again_of_late_makes_the_old_needless(self) -> None:
        self.told(serial="s", device_id="d")
        self.told(serial="s", device_id="e", at=YOUNG)
        self.told(serial="t")
        self.assertEqual(1, self.purge().other_events)

    def test_what_was_judged_in_this_boot_is_not_judged_again(self) -> None:
        with self.store.write() as tx:
            host = tx.hosts.get("gpu-1")
            tx.hosts.update(dataclasses.replace(host, boot_id="boot-2"))
        for boot in ("boot-1", "boot-2"):
            for number in range(3):
                self.told(
                    kind="device.fault",
                    serial="s",
                    detail={"observations": [f"{boot}:{number}"]},
                )
        self.told(kind="device.fault", serial="s", at=YOUNG)
        self.assertEqual(3, self.purge().other_events)

    def test_events_of_leases_that_stay_stay(self) -> None:
        lease = self.lease(state=leases.State.ACTIVE)
        self.told(kind="lease.degraded", lease_id=lease.id)
        self.told(kind="lease.degraded", lease_id=samples.new_id())
        self.assertEqual(1, self.purge().other_events)
        self.assertEqual(2, self.rows()["event"])

    # -- the rest ----------------------------------------------------------

    def note_failure(self, at: datetime.datetime) -> None:
        with self.store.write() as tx:
            tx.failures.note(
                failures.Failure(
                    host="gpu-1",
                    lease_id=samples.new_id(),
                    project_id="p1",
                    at=at,
                    until=at,
                    message="boom",
                ),
                OLD - datetime.timedelta(days=9),
            )

    def test_failed_starts_go_when_they_say_nothing_any_more(self) -> None:
        for at in (OLD, OLD + datetime.timedelta(hours=1), YOUNG):
            self.note_failure(at)
        self.assertEqual(2, self.purge().failures)
        self.assertEqual(1, self.rows()["start_failure"])


def _step(lease: leases.Lease, node: leases.Node) -> steps.Step:
    return steps.Step(
        lease_id=lease.id,
        node_id=node.id,
        attempt=1,
        saga=steps.Saga.START,
        name="ticket",
        state=steps.StepState.DONE,
        begun_at=OLD,
    )


def _fence(device_id: str, lease_id: str) -> fences.Fence:
    return fences.Fence(
        device_id=device_id,
        reason=fences.Reason.LEASE,
        lease_id=lease_id,
        created_at=OLD,
    )


(
    PurgeTestsOnSQLite,
    PurgeTestsOnMariaDB,
    PurgeTestsOnPostgreSQL,
) = base.bound(PurgeTests)
