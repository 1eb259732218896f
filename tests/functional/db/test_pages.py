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

"""Lists: pages by keyset, and how many statements a call takes."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from gpubroker import errors
from gpubroker.db import device_rows
from gpubroker.db import lease_rows
from gpubroker.db import tables
from gpubroker.domain import devices
from gpubroker.domain import events
from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.domain import traits
from gpubroker.services import ports
from gpubroker.services.paging import Listing
from gpubroker.services.paging import Page
from tests.functional.db import base
from tests.functional.db import samples

#: Sort keys whose column may be NULL are where orders go wrong.
_NULLABLE = ("serial", "uuid", "numa_node", "last_seen_at")


#: noun -> statements of its first page; one more finds a marker.
PAGES = {
    "models": 1,
    "flavors": 3,
    "pools": 2,
    "hosts": 2,
    "devices": 4,
    "traits": 1,
    "leases": 2,
    "events": 1,
}


class PageTests(base.Tests):
    def collect(
        self,
        fetch: Callable[[Page], Listing[Any]],
        key: Callable[[Any], str],
        between: Callable[[int], Any] = lambda n: None,
        **page: Any,
    ) -> list[Any]:
        """Every item, page after page."""
        found: list[Any] = []
        marker = None
        for n in range(100):
            listing = fetch(Page(marker=marker, **page))
            found.extend(listing.items)
            if not listing.more:
                return found
            self.assertEqual(page["limit"], len(listing.items))
            marker = key(listing.items[-1])
            between(n)
        self.fail("the list does not end")

    def fill(self, count: int) -> None:
        samples.fill(self.store, cards=0)
        with self.store.write() as tx:
            for n in range(count):
                odd = bool(n % 3)
                tx.devices.add(
                    samples.device(
                        n,
                        serial=f"s{(7 * n) % 11}-{n}" if odd else None,
                        uuid=f"GPU-{n}" if n % 2 else None,
                        numa_node=n % 2 if odd else None,
                        last_seen_at=base.START if odd else None,
                        health=devices.Health.BAD
                        if odd
                        else devices.Health.OK,
                    )
                )

    def test_every_sort_key_in_both_directions_shows_all_once(self) -> None:
        self.fill(10)
        with self.store.read() as tx:
            for sort_key in device_rows.PLAN.sorts:
                whole = {}
                for sort_dir in ("asc", "desc"):
                    order: dict[str, Any] = {
                        "sort_key": sort_key,
                        "sort_dir": sort_dir,
                    }
                    whole[sort_dir] = tx.devices.page(Page(**order)).items
                    parts = self.collect(
                        tx.devices.page, lambda d: d.id, limit=3, **order
                    )
                    self.assertEqual(whole[sort_dir], parts, f"{order}")
                self.assertEqual(10, len(whole["asc"]))
                self.assertEqual(whole["asc"], whole["desc"][::-1], sort_key)

    def test_null_comes_first_and_values_are_in_order(self) -> None:
        self.fill(10)
        with self.store.read() as tx:
            for name in _NULLABLE:
                listed = tx.devices.page(Page(sort_key=name)).items
                values = [getattr(device, name) for device in listed]
                nulls = values.count(None)
                self.assertGreater(nulls, 0)
                self.assertEqual([None] * nulls, values[:nulls], name)
                self.assertEqual(sorted(values[nulls:]), values[nulls:], name)

    def test_text_is_in_order_of_code_points_on_every_engine(self) -> None:
        names = ["Z", "a", "a-b", "a1", "ab", "b", "ä", "🚀"]
        with self.store.write() as tx:
            for name in reversed(names):
                tx.models.add(samples.model(name))
            listed = tx.models.page(Page(sort_key="name")).items
        self.assertEqual(names, [model.name for model in listed])

    def test_leases_sort_by_every_key(self) -> None:
        with self.store.write() as tx:
            for n in range(7):
                tx.leases.add(
                    samples.lease(
                        name=f"n{n % 3}",
                        requested_at=base.START
                        + datetime.timedelta(microseconds=n // 2),
                        started_at=base.START if n % 2 else None,
                    ),
                    None,
                )
            for sort_key in lease_rows.PLAN.sorts:
                for sort_dir in ("asc", "desc"):
                    order: dict[str, Any] = {
                        "sort_key": sort_key,
                        "sort_dir": sort_dir,
                    }
                    parts = self.collect(
                        tx.leases.page, lambda d: d.id, limit=2, **order
                    )
                    self.assertEqual(
                        tx.leases.page(Page(**order)).items, parts, f"{order}"
                    )
                    self.assertEqual(7, len({one.id for one in parts}))

    def test_what_was_there_is_shown_once_while_others_are_added(self) -> None:
        def order(n: int) -> leases.Lease:
            # Before, between and after what was shown so far.
            moment = base.START + datetime.timedelta(seconds=(n * 37) % 50)
            with self.store.write() as tx:
                return tx.leases.add(samples.lease(requested_at=moment), None)

        def page(page: Page) -> Listing[leases.Lease]:
            with self.store.read() as tx:
                return tx.leases.page(page)

        there = {order(n).id for n in range(12)}
        found = self.collect(
            page,
            lambda lease: lease.id,
            between=lambda n: [order(100 + 3 * n + m) for m in range(3)],
            limit=5,
        )
        ids = [lease.id for lease in found]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual(there, set(ids))

    def test_the_item_of_the_marker_may_have_left_the_filter(self) -> None:
        with self.store.write() as tx:
            queue = [
                tx.leases.add(
                    samples.lease(
                        requested_at=base.START + datetime.timedelta(seconds=n)
                    ),
                    None,
                )
                for n in range(4)
            ]
            asked: dict[str, Any] = {
                "filters": {"state": "queued"},
                "limit": 2,
            }
            first = tx.leases.page(Page(**asked))
            tx.leases.update(
                dataclasses.replace(
                    tx.leases.get(queue[1].id), state=leases.State.ENDED
                )
            )
            second = tx.leases.page(Page(marker=queue[1].id, **asked))
        self.assertTrue(first.more)
        self.assertEqual(
            [queue[2].id, queue[3].id], [one.id for one in second.items]
        )
        self.assertFalse(second.more)

    def test_a_marker_of_another_project_is_unknown(self) -> None:
        with self.store.write() as tx:
            theirs = tx.leases.add(samples.lease(project_id="p2"), None)
            page = Page(filters={"project_id": "p1"}, marker=theirs.id)
            error = self.assertRaises(errors.Invalid, tx.leases.page, page)
        self.assertEqual("marker", error.fields["field"])

    def test_a_flavor_is_marked_by_name_or_id(self) -> None:
        with self.store.write() as tx:
            tx.models.add(samples.model())
            made = [tx.flavors.add(samples.flavor(name)) for name in "abc"]
            for marker in ("a", made[0].id):
                found = tx.flavors.page(Page(marker=marker)).items
                self.assertEqual(["b", "c"], [one.name for one in found])

    def test_what_makes_no_page_is_invalid(self) -> None:
        with self.store.read() as tx:
            for call in (
                tx.models.page,
                tx.flavors.page,
                tx.pools.page,
                tx.hosts.page,
                tx.devices.page,
                tx.traits.page,
                tx.leases.page,
                tx.events.page,
            ):
                for field, page in (
                    ("marker", Page(marker="x")),
                    ("sort_key", Page(sort_key="x")),
                    ("sort_dir", Page(sort_dir="x")),
                    ("x", Page(filters={"x": 1})),
                ):
                    error = self.assertRaises(errors.Invalid, call, page)
                    self.assertEqual(field, error.fields["field"])


class StatementTests(base.Tests):
    """A page takes the same number of statements however long it is."""

    def add(self, tx: ports.Transaction, n: int) -> None:
        """One more of everything."""
        model = tx.models.add(samples.model(f"m{n:03}"))
        tx.flavors.add(samples.flavor(f"f{n:03}", models=(model.name,)))
        tx.pools.add(pools.Pool(name=f"p{n:03}", projects=("a", "b")))
        host = tx.hosts.add(samples.host(f"h{n:03}"))
        device = tx.devices.add(
            samples.device(
                n, host.name, model=model.name, consumers=("c1", "c2")
            )
        )
        tx.fences.add(
            fences.Fence(device_id=device.id, reason=fences.Reason.OPERATOR)
        )
        tx.traits.replace(
            host.name,
            traits.Source.PLACEMENT,
            [
                traits.ProviderTrait(
                    trait="T",
                    source=traits.Source.PLACEMENT,
                    host=host.name,
                    device_id=device.id,
                )
            ],
        )
        lease = tx.leases.add(samples.lease(nodes=2), None)
        tx.claims.add(lease.nodes[0].id, [device.id])
        tx.events.add(
            events.Event(at=base.START, kind="k", message="m", host=host.name)
        )

    def count(self, work: Callable[[ports.Transaction], Any]) -> int:
        with self.statements() as sent, self.store.read() as tx:
            work(tx)
        return len(sent)

    def test_pages(self) -> None:
        added = 0
        for upto in (1, 25):
            with self.store.write() as tx:
                for n in range(added, upto):
                    self.add(tx, n)
            added = upto
            for name, expected in PAGES.items():
                with self.statements() as sent, self.store.read() as tx:
                    getattr(tx, name).page(Page())
                self.assertEqual(expected, len(sent), f"{upto} {name}")

    def test_a_marker_costs_one_more(self) -> None:
        with self.store.write() as tx:
            for n in range(3):
                self.add(tx, n)
            first = tx.devices.page(Page(limit=1)).items[0]
        self.assertEqual(
            5,
            self.count(
                lambda tx: tx.devices.page(Page(limit=1, marker=first.id))
            ),
        )

    def test_collections(self) -> None:
        with self.store.write() as tx:
            for n in range(10):
                self.add(tx, n)
            queue = tx.leases.in_state([leases.State.QUEUED])
            names = [host.name for host in tx.hosts.all()]
        works: dict[str, tuple[int, Callable[[ports.Transaction], Any]]] = {
            "devices.all": (4, lambda tx: tx.devices.all()),
            "hosts.some": (2, lambda tx: tx.hosts.some(names)),
            "standing.marks": (1, lambda tx: tx.standing.marks()),
            "standing.devices": (3, lambda tx: tx.standing.devices(names)),
            "hosts.all": (2, lambda tx: tx.hosts.all()),
            "models.all": (1, lambda tx: tx.models.all()),
            "flavors.all": (3, lambda tx: tx.flavors.all()),
            "leases.in_state": (
                2,
                lambda tx: tx.leases.in_state([leases.State.QUEUED]),
            ),
            "leases.places": (1, lambda tx: tx.leases.places(queue)),
            "leases.waiting": (1, lambda tx: tx.leases.waiting(["default"])),
            "leases.starting": (1, lambda tx: tx.leases.starting(["default"])),
            "traits.of_hosts": (1, lambda tx: tx.traits.of_hosts(names)),
            "leases.get": (2, lambda tx: tx.leases.get(queue[0].id)),
        }
        for name, (expected, work) in works.items():
            self.assertEqual(expected, self.count(work), name)

    def test_a_thousand_devices_are_no_more_statements(self) -> None:
        samples.fill(self.store, cards=0)
        with self.store.write() as tx:
            card = tx.devices.add(samples.device(0, slot=None))
        rows = [
            {
                "uuid": str(uuid.UUID(int=n)),
                "pci_address": f"{n:04x}:00:00.0",
            }
            for n in range(1, 1200)
        ]
        with self.store.engine.begin() as connection:
            table = tables.table(tables.Device)
            row = connection.execute(sa.select(table)).mappings().one()
            shared = {**row, "serial": None, "gpu_uuid": None}
            del shared["id"]
            connection.execute(table.insert(), [{**shared, **r} for r in rows])
        self.assertEqual(4, self.count(lambda tx: tx.devices.all()))
        with self.store.read() as tx:
            self.assertEqual(1200, len(tx.devices.all()))
            self.assertEqual(1, len(tx.devices.many([card.id])))


PageTestsOnSQLite, PageTestsOnMariaDB, PageTestsOnPostgreSQL = base.bound(
    PageTests
)

StatementTestsOnSQLite, StatementTestsOnMariaDB, StatementTestsOnPostgreSQL = (
    base.bound(StatementTests)
)
