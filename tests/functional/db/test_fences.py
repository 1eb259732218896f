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

"""Fences and traits in the store."""

from __future__ import annotations

import dataclasses
from typing import Any

from gpubroker import errors
from gpubroker.domain import fences
from gpubroker.domain import traits
from gpubroker.services import ports
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples


class FenceTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        self.card, self.other = samples.fill(self.store)

    def fence(self, reason: fences.Reason, **fields: Any) -> fences.Fence:
        return fences.Fence(device_id=self.card.id, reason=reason, **fields)

    def test_a_reason_is_there_or_not(self) -> None:
        operator = self.fence(
            fences.Reason.OPERATOR, detail="broken fan", by="u1"
        )
        with self.store.write() as tx:
            self.assertTrue(tx.fences.add(operator))
            self.assertFalse(tx.fences.add(operator))
            self.assertTrue(tx.fences.add(self.fence(fences.Reason.HEALTH)))
            self.assertTrue(
                tx.fences.remove(self.card.id, fences.Reason.HEALTH)
            )
            self.assertFalse(
                tx.fences.remove(self.card.id, fences.Reason.HEALTH)
            )
            self.assertFalse(tx.fences.remove("x", fences.Reason.HEALTH))
        with self.store.read() as tx:
            (stands,) = tx.fences.of(self.card.id)
            self.assertEqual([], tx.fences.of(self.other.id))
        self.assertEqual(
            dataclasses.replace(operator, created_at=stands.created_at), stands
        )

    def test_a_fence_is_reworded_where_it_is(self) -> None:
        first = self.fence(fences.Reason.OPERATOR, detail="fan", by="u1")
        second = self.fence(fences.Reason.OPERATOR, detail="disk", by="u2")
        with self.store.write() as tx:
            self.assertFalse(tx.fences.reword(first))
            tx.fences.add(first)
            (before,) = tx.fences.of(self.card.id)
        with self.store.write() as tx:
            self.assertTrue(tx.fences.reword(second))
            self.assertTrue(tx.fences.reword(second))
        with self.store.read() as tx:
            (after,) = tx.fences.of(self.card.id)
        self.assertEqual(
            dataclasses.replace(second, created_at=before.created_at), after
        )

    def test_two_writers_of_one_reason_both_go_on(self) -> None:
        other = self.another_store()

        def add(of: ports.Store) -> bool:
            with of.write() as tx:
                return bool(tx.fences.add(self.fence(fences.Reason.HEALTH)))

        for _ in range(5):
            found = self.together(lambda: add(self.store), lambda: add(other))
            self.assertEqual([False, True], sorted(found))
            with self.store.write() as tx:
                tx.fences.remove(self.card.id, fences.Reason.HEALTH)

    def test_only_the_fence_of_one_lease_is_removed(self) -> None:
        reason = fences.Reason.LEASE
        with self.store.write() as tx:
            tx.fences.add(self.fence(reason, lease_id="l2"))
            self.assertFalse(tx.fences.remove(self.card.id, reason, "l1"))
            self.assertTrue(tx.fences.remove(self.card.id, reason, "l2"))

    def test_fences_of_a_lease(self) -> None:
        with self.store.write() as tx:
            tx.fences.add(self.fence(fences.Reason.LEASE, lease_id="l1"))
            self.assertRaises(
                errors.NotFound,
                tx.fences.add,
                fences.Fence(device_id="x", reason=fences.Reason.LEASE),
            )
        with self.store.read() as tx:
            (found,) = tx.fences.of_lease("l1")
            self.assertEqual(self.card.id, found.device_id)
            self.assertEqual([], tx.fences.of_lease("l2"))


class TraitTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        self.card, self.other = samples.fill(self.store)

    def trait(
        self, name: str, device_id: str | None = None
    ) -> traits.ProviderTrait:
        return traits.ProviderTrait(
            trait=name,
            source=traits.Source.PLACEMENT,
            host="gpu-1",
            device_id=device_id,
        )

    def test_replace_makes_it_exactly_so(self) -> None:
        first = [
            self.trait("A"),
            self.trait("B"),
            self.trait("A", self.card.id),
        ]
        second = [self.trait("B"), self.trait("C", self.other.id)]
        with self.store.write() as tx:
            tx.traits.replace("gpu-1", traits.Source.PLACEMENT, first)
            self.assertEqual(set(first), set(tx.traits.of_host("gpu-1")))
            tx.traits.replace("gpu-1", traits.Source.PLACEMENT, second)
            self.assertEqual(set(second), set(tx.traits.of_host("gpu-1")))
            self.assertEqual(
                {"gpu-1": frozenset({"B"})},
                tx.traits.of_hosts(["gpu-1"]),
            )

    def test_the_same_again_writes_nothing(self) -> None:
        found = [self.trait("A"), self.trait("A", self.card.id)]
        with self.store.write() as tx:
            tx.traits.replace("gpu-1", traits.Source.PLACEMENT, found)
        with self.statements() as sent, self.store.write() as tx:
            tx.traits.replace("gpu-1", traits.Source.PLACEMENT, found)
        self.assertEqual(["SELECT"] * 3, [text.split()[0] for text in sent])

    def test_two_reconcilers_add_a_trait_once(self) -> None:
        other = self.another_store()
        found = [self.trait("A"), self.trait("A", self.card.id)]

        def replace(of: ports.Store) -> None:
            with of.write() as tx:
                tx.traits.replace("gpu-1", traits.Source.PLACEMENT, found)

        errors_ = self.together(
            lambda: replace(self.store), lambda: replace(other)
        )
        self.assertEqual([None, None], errors_)
        with self.store.read() as tx:
            self.assertEqual(2, len(tx.traits.of_host("gpu-1")))

    def test_pages_by_key_and_filters(self) -> None:
        found = [
            self.trait(name, device)
            for name in ("A", "B")
            for device in (None, self.card.id, self.other.id)
        ]
        with self.store.write() as tx:
            tx.traits.replace("gpu-1", traits.Source.PLACEMENT, found)
            seen: list[traits.ProviderTrait] = []
            marker = None
            while True:
                page = tx.traits.page(Page(limit=2, marker=marker))
                seen.extend(page.items)
                if not page.more:
                    break
                marker = page.items[-1].key
            self.assertEqual(len(found), len(seen))
            self.assertEqual(set(found), set(seen))
            for filters, count in (
                ({"trait": "A"}, 3),
                ({"device_id": self.card.id}, 2),
                ({"host": "gpu-1"}, 6),
            ):
                listed = tx.traits.page(Page(filters=filters)).items
                self.assertEqual(count, len(listed), f"{filters}")
            for marker in ("", "a/b", "gpu-1//Z/placement"):
                self.assertRaises(
                    errors.Invalid, tx.traits.page, Page(marker=marker)
                )

    def test_unknown_host_or_device(self) -> None:
        with self.store.write() as tx:
            self.assertRaises(
                errors.NotFound,
                tx.traits.replace,
                "x",
                traits.Source.PLACEMENT,
                [],
            )
            self.assertRaises(
                errors.NotFound,
                tx.traits.replace,
                "gpu-1",
                traits.Source.PLACEMENT,
                [self.trait("A", samples.new_id())],
            )


FenceTestsOnSQLite, FenceTestsOnMariaDB, FenceTestsOnPostgreSQL = base.bound(
    FenceTests
)

TraitTestsOnSQLite, TraitTestsOnMariaDB, TraitTestsOnPostgreSQL = base.bound(
    TraitTests
)
