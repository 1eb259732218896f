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

"""Claims, steps and events in the store."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import steps
from gpubroker.services import ports
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples

SECOND = datetime.timedelta(seconds=1)
TICK = datetime.timedelta(microseconds=1)


class ClaimTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        self.cards = samples.fill(self.store, cards=4)
        with self.store.write() as tx:
            self.mine = tx.leases.add(samples.lease(nodes=2), None)
            self.theirs = tx.leases.add(samples.lease(), None)

    def ids(self, *numbers: int) -> list[str]:
        return sorted(self.cards[n].id for n in numbers)

    def test_a_device_is_in_one_open_claim(self) -> None:
        one, two = (node.id for node in self.mine.nodes)
        with self.store.write() as tx:
            tx.claims.add(one, self.ids(0, 1))
            for node in (one, two, self.theirs.nodes[0].id):
                self.assertRaises(
                    errors.InUse, tx.claims.add, node, self.ids(1, 2)
                )
            # All or none: card 2 was not claimed along the way.
            tx.claims.add(two, self.ids(2))
            self.assertEqual(self.ids(0, 1), tx.claims.of_node(one))
            self.assertEqual(self.ids(2), tx.claims.of_node(two))

    def test_the_database_itself_refuses_the_second(self) -> None:
        """Whatever the code above it may forget."""
        with self.store.write() as tx:
            tx.claims.add(self.mine.nodes[0].id, self.ids(0))
        with self.store.engine.begin() as connection:
            device, node = connection.execute(
                sa.text("SELECT device_id, node_id FROM claim")
            ).one()
        statement = sa.text(
            "INSERT INTO claim (device_id, node_id, created_at) "
            "VALUES (:device, :node, '2026-11-23 00:00:00')"
        )
        with (
            self.assertRaises(db_exc.DBDuplicateEntry),
            self.store.engine.begin() as connection,
        ):
            connection.execute(statement, {"device": device, "node": node})

    def test_of_two_plans_for_the_same_cards_one_stands(self) -> None:
        other = self.another_store()

        def claim(of: ports.Store, node: str, numbers: list[int]) -> str:
            with of.write() as tx:
                tx.claims.add(node, [self.cards[n].id for n in numbers])
            return node

        one, two = self.mine.nodes[0].id, self.theirs.nodes[0].id
        for _ in range(5):
            found = self.together(
                lambda: claim(self.store, one, [0, 1, 2]),
                lambda: claim(other, two, [3, 2, 1]),
            )
            lost = [e for e in found if isinstance(e, errors.InUse)]
            self.assertEqual(1, len(lost), f"{found}")
            (winner,) = (node for node in found if isinstance(node, str))
            with self.store.write() as tx:
                self.assertEqual(3, len(tx.claims.of_node(winner)))
                tx.claims.release(winner, self.ids(0, 1, 2, 3))

    def test_only_its_own_claims_can_be_released(self) -> None:
        one, other = self.mine.nodes[0].id, self.theirs.nodes[0].id
        with self.store.write() as tx:
            tx.claims.add(one, self.ids(0, 1))
            tx.claims.release(other, self.ids(0, 1))
            self.assertEqual(self.ids(0, 1), tx.claims.of_node(one))
            tx.claims.release(one, self.ids(0, 3))
            tx.claims.release(one, self.ids(0, 3))
            self.assertEqual(self.ids(1), tx.claims.of_node(one))
            tx.claims.add(other, self.ids(0))

    def test_what_is_not_there(self) -> None:
        with self.store.write() as tx:
            self.assertRaises(errors.NotFound, tx.claims.add, "x", [])
            self.assertRaises(
                errors.NotFound,
                tx.claims.add,
                self.mine.nodes[0].id,
                [*self.ids(0), "x"],
            )
            self.assertEqual([], tx.claims.of_node("x"))
            self.assertEqual([], tx.claims.of_node(self.mine.nodes[0].id))


class JournalTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        with self.store.write() as tx:
            self.lease = tx.leases.add(samples.lease(), None)

    def step(self, name: str, **fields: Any) -> steps.Step:
        made = steps.Step(
            lease_id=self.lease.id,
            node_id=self.lease.nodes[0].id,
            attempt=1,
            saga=steps.Saga.START,
            name=name,
            state=steps.StepState.BEGUN,
            begun_at=base.START,
        )
        return dataclasses.replace(made, **fields)

    def test_a_repeat_keeps_the_first_time(self) -> None:
        for node in (self.lease.nodes[0].id, None):
            first = self.step("ticket", node_id=node)
            again = dataclasses.replace(first, begun_at=base.START + SECOND)
            with self.store.write() as tx:
                tx.steps.begin(first)
                tx.steps.begin(again)
                tx.steps.done(
                    dataclasses.replace(
                        again, done_at=base.START + SECOND, detail="found"
                    )
                )
                tx.steps.begin(again)
        with self.store.read() as tx:
            found = tx.steps.of_lease(self.lease.id)
        self.assertEqual(2, len(found))
        for one in found:
            self.assertEqual(steps.StepState.DONE, one.state)
            self.assertEqual(base.START, one.begun_at)
            self.assertEqual(base.START + SECOND, one.done_at)
            self.assertEqual("found", one.detail)

    def test_attempts_and_sagas_are_apart_and_in_order(self) -> None:
        first = self.step("ticket")
        written = [
            self.step(
                "ticket", saga=steps.Saga.END, begun_at=base.START + TICK
            ),
            self.step("ticket", attempt=2, begun_at=base.START + SECOND),
            first,
        ]
        with self.store.write() as tx:
            for one in written:
                tx.steps.begin(one)
            self.assertEqual(
                [first, written[0], written[1]],
                tx.steps.of_lease(self.lease.id),
            )
            self.assertEqual([], tx.steps.of_lease("x"))
            ghost = self.step("ticket", lease_id="x")
            self.assertRaises(errors.NotFound, tx.steps.begin, ghost)

    def test_done_without_a_begin_is_noted_too(self) -> None:
        one = self.step(
            "shape", state=steps.StepState.DONE, done_at=base.START + SECOND
        )
        with self.store.write() as tx:
            tx.steps.done(one)
            self.assertEqual([one], tx.steps.of_lease(self.lease.id))

    def test_two_that_begin_one_step_both_go_on(self) -> None:
        other = self.another_store()

        def begin(of: ports.Store) -> None:
            with of.write() as tx:
                tx.steps.begin(self.step("ticket"))

        self.assertEqual(
            [None, None],
            self.together(lambda: begin(self.store), lambda: begin(other)),
        )
        with self.store.read() as tx:
            self.assertEqual(1, len(tx.steps.of_lease(self.lease.id)))


class EventTests(base.Tests):
    def event(self, kind: str, **fields: Any) -> events.Event:
        made = events.Event(at=base.START, kind=kind, message=f"{kind} ü 🚀")
        return dataclasses.replace(made, **fields)

    def kinds(self, **page: Any) -> list[str]:
        with self.store.read() as tx:
            return [one.kind for one in tx.events.page(Page(**page)).items]

    def test_an_event_comes_back_as_it_went_in(self) -> None:
        made = self.event(
            "lease.active",
            lease_id="l1",
            host="gpu-1",
            request_id="req-1",
            by="u1",
            operator=True,
            detail={"serial": "1", "n": [1, None, 2.5]},
        )
        with self.store.write() as tx:
            tx.events.add(made)
            (stands,) = tx.events.page(Page()).items
        self.assertEqual(dataclasses.replace(made, id=stands.id), stands)

    def test_oldest_first_unless_told_and_filters(self) -> None:
        with self.store.write() as tx:
            for n, kind in enumerate("abcde"):
                lease = "l1" if n % 2 else "l2"
                tx.events.add(self.event(kind, lease_id=lease, host=kind))
        self.assertEqual(list("abcde"), self.kinds())
        self.assertEqual(list("edcba"), self.kinds(sort_dir="desc"))
        self.assertEqual(["b", "d"], self.kinds(filters={"lease_id": "l1"}))
        self.assertEqual(["c"], self.kinds(filters={"host": "c"}))
        self.assertEqual(["a"], self.kinds(filters={"kind": "a"}))

    def test_a_card_that_is_found_again_keeps_its_history(self) -> None:
        (card,) = samples.fill(self.store, cards=1)
        gone = samples.new_id()
        with self.store.write() as tx:
            for kind, device, serial in (
                ("long ago", gone, card.serial),
                ("now", card.id, None),
                ("other", gone, "x"),
                ("nobody", None, None),
            ):
                tx.events.add(
                    self.event(kind, device_id=device, serial=serial)
                )
        self.assertEqual(
            ["long ago", "now"], self.kinds(filters={"device_id": card.id})
        )
        self.assertEqual(
            ["long ago", "other"], self.kinds(filters={"device_id": gone})
        )

    def test_markers_that_are_none(self) -> None:
        for marker in ("x", "0", "-1", "9" * 30, "²"):
            with self.store.read() as tx:
                error = self.assertRaises(
                    errors.Invalid, tx.events.page, Page(marker=marker)
                )
            self.assertEqual("marker", error.fields["field"])


ClaimTestsOnSQLite, ClaimTestsOnMariaDB, ClaimTestsOnPostgreSQL = base.bound(
    ClaimTests
)

JournalTestsOnSQLite, JournalTestsOnMariaDB, JournalTestsOnPostgreSQL = (
    base.bound(JournalTests)
)

EventTestsOnSQLite, EventTestsOnMariaDB, EventTestsOnPostgreSQL = base.bound(
    EventTests
)
