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

"""Rows that a transaction holds until it ends."""

from __future__ import annotations

import dataclasses
import threading

from gpubroker import errors
from gpubroker.db import store
from tests.functional.db import base
from tests.functional.db import samples


class HoldTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        self.cards = samples.fill(self.store)

    def test_who_holds_sees_what_stands_and_the_next_waits(self) -> None:
        """Both count one up from what they see; none is lost."""
        other = self.another_store()
        # The first holds before the second asks.
        held, asked = threading.Event(), threading.Event()

        def count(of: store.Store, first: bool) -> int:
            if not first:
                held.wait(20)
            with of.write() as tx:
                if not first:
                    asked.set()
                (card,) = tx.devices.hold([self.cards[0].id])
                if first:
                    held.set()
                    # SQLite lets the other not even begin.
                    asked.wait(0.5)
                total = (card.total or 0) + 1
                tx.devices.mirror(dataclasses.replace(card, total=total))
            return total

        before = self.cards[0].total or 0
        self.assertEqual(
            [before + 1, before + 2],
            self.together(
                lambda: count(self.store, first=True),
                lambda: count(other, first=False),
            ),
        )

    def test_a_claim_need_not_wait(self) -> None:
        """It refers to the row, and changes nothing of it."""
        if self.store.engine.dialect.name != "postgresql":
            return  # the others lock a row that is referred to
        with self.store.write() as tx:
            lease = tx.leases.add(samples.lease(), None)
        other = self.another_store()
        with self.store.write() as tx:
            tx.devices.hold([self.cards[0].id])
            with other.write() as theirs:
                theirs.claims.add(lease.nodes[0].id, [self.cards[0].id])

    def test_all_of_them_or_not_found(self) -> None:
        ids = [card.id for card in self.cards]
        with self.store.write() as tx:
            held = tx.devices.hold(ids)
            self.assertEqual(sorted(ids), sorted(d.id for d in held))
            self.assertEqual([], tx.devices.hold([]))
            self.assertRaises(
                errors.NotFound,
                tx.devices.hold,
                [*ids, samples.device(9).id],
            )


HoldTestsOnSQLite, HoldTestsOnMariaDB, HoldTestsOnPostgreSQL = base.bound(
    HoldTests
)
