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

"""What a host can offer is never remembered longer than it is true."""

from __future__ import annotations

import dataclasses
import datetime
import threading
from typing import Any

import hypothesis
import sqlalchemy as sa
import testtools
from hypothesis import strategies as st

from gpubroker.db import base as db_base
from gpubroker.db import marks
from gpubroker.db import tables
from gpubroker.domain import fences
from gpubroker.domain import hosts
from gpubroker.domain import offers as plain
from gpubroker.domain import pools
from gpubroker.domain.matching import Need
from gpubroker.services import ports
from gpubroker.services import standing
from tests.fixtures import effort
from tests.fixtures import plain_offers
from tests.functional.db import base
from tests.functional.db import changes
from tests.functional.db import samples

NOW = base.START + datetime.timedelta(seconds=30)

#: Tables of which no row tells what a host can offer, or which are read
#: again each time.
READ_AGAIN = {"flavor", "flavor_model", "flavor_trait", "host_mark", "lease"}
READ_AGAIN |= {"lease_node", "model", "pool", "pool_project"}
NEVER_READ = {"delegation", "event", "installation", "pool_owner", "project"}
NEVER_READ |= {"step", "trust", "worker"}


class Lists(testtools.TestCase):
    """Whoever adds a table or a way to write is made to think of marks."""

    def test_of_each_table_it_is_known_whether_it_matters(self) -> None:
        self.assertEqual(
            set(db_base.Base.metadata.tables),
            marks.STANDING | READ_AGAIN | NEVER_READ,
        )

    def test_of_each_method_it_is_known_whether_it_writes(self) -> None:
        for name, methods in changes.OTHERS.items():
            protocol = getattr(ports, name.capitalize())
            self.assertEqual(
                {one for one in vars(protocol) if not one.startswith("_")},
                methods | changes.MARKED.get(name, {}).keys(),
                name,
            )


class StandingTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        with self.store.write() as tx:
            tx.pools.add(pools.Pool(name="r", projects=("p1",)))
            tx.models.add(samples.model())
            tx.models.add(
                samples.model("l40s-48gb", product_ids=("26b9",), blocks=())
            )
            tx.flavors.add(samples.flavor(vcpus=1, gpus=1))
            for name, pool in (("gpu-1", "default"), ("gpu-2", "r")):
                tx.hosts.add(
                    samples.host(
                        name, pool=pool, compute_state=hosts.ComputeState.UP
                    )
                )
                for slot in range(4):
                    tx.devices.add(samples.device(slot, name))
        self.cache = standing.Cache()

    def marks(self) -> dict[str, int]:
        with self.store.read() as tx:
            return {one.host: one.mark for one in tx.standing.marks()}

    def seen(self) -> Any:
        with self.store.read() as tx:
            return [plain_offers.read(tx, pool, NOW) for pool in changes.POOLS]

    def card(self, host: str = "gpu-1") -> Any:
        with self.store.read() as tx:
            return tx.devices.of_host(host)[0]

    def check(self, *caches: standing.Cache) -> None:
        """What is remembered is what stands there, down to each offer."""
        with self.store.read() as tx:
            expected = [
                plain_offers.read(tx, pool, NOW) for pool in changes.POOLS
            ]
            for one in caches:
                found = one.snapshots(tx, changes.POOLS, NOW)
                self.assertEqual(expected, found)
        looks = [plain.look(pool) for pool in found]
        for models in (changes.MODELS[:1], changes.MODELS):
            for need in (Need(gpus=1), Need(gpus=2, vcpus=8)):
                for project in changes.PROJECTS:
                    asked = (models, need, project)
                    self.assertEqual(
                        plain_offers.offer(expected, *asked),
                        plain.offer(looks, *asked),
                    )

    @hypothesis.given(
        st.lists(
            st.tuples(st.sampled_from(changes.ALL), st.integers(0, 100_000)),
            min_size=8,
            max_size=16,
        )
    )
    @hypothesis.settings(
        max_examples=300 if effort.LONG else 5,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def test_whatever_is_written(
        self, steps: list[tuple[changes.Change, int]]
    ) -> None:
        # From where the run before has left off.
        seldom = standing.Cache()
        self.check(seldom, self.cache)
        for change, number in steps:
            with self.store.write() as tx:
                change(tx, number)
            self.check(self.cache)
        self.check(seldom, standing.Cache())

    def test_each_way_to_write_is_among_them(self) -> None:
        """And changes something that plans and offers look at."""
        idle = set(changes.ALL)
        for change in (*changes.ALL, *changes.ALL):
            before = self.seen()
            for number in range(0, 98, 7):
                with self.store.write() as tx:
                    change(tx, number)
                if change in idle and self.seen() != before:
                    idle.remove(change)
            self.check(self.cache)
        self.assertEqual(set(), idle)

    def test_only_the_host_that_changes_gets_another_mark(self) -> None:
        before = self.marks()
        with self.store.write() as tx:
            tx.fences.add(
                fences.Fence(
                    device_id=self.card().id, reason=fences.Reason.OPERATOR
                )
            )
        after = self.marks()
        self.assertNotEqual(before["gpu-1"], after["gpu-1"])
        self.assertEqual(before["gpu-2"], after["gpu-2"])

    def test_a_card_that_moves_marks_both(self) -> None:
        before = self.marks()
        card = self.card()
        with self.store.write() as tx:
            tx.devices.update(
                dataclasses.replace(
                    card, host="gpu-2", pci_address="0000:ff:00.0"
                )
            )
        after = self.marks()
        self.assertNotEqual(before["gpu-1"], after["gpu-1"])
        self.assertNotEqual(before["gpu-2"], after["gpu-2"])

    def test_what_nobody_looks_at_marks_nothing(self) -> None:
        card = self.card()
        fence = fences.Fence(device_id=card.id, reason=fences.Reason.OPERATOR)
        with self.store.write() as tx:
            tx.fences.add(fence)
            host = tx.hosts.get("gpu-1")
            tx.hosts.update(
                dataclasses.replace(
                    host,
                    report_digest="d",
                    agent_user_id="u",
                    heartbeat_at=base.START,
                )
            )
        before = self.marks()
        with self.store.write() as tx:
            self.assertTrue(tx.hosts.heartbeat("gpu-1", "d", "u", NOW))
            self.assertTrue(tx.hosts.silence("gpu-1", NOW))
            self.assertTrue(
                tx.fences.reword(dataclasses.replace(fence, detail="x"))
            )
            self.assertFalse(tx.fences.add(fence))
            tx.devices.mirror(card)
            tx.failures.excuse(["gpu-1"])
        self.assertEqual(before, self.marks())

    def test_a_write_that_does_not_say_of_which_host_is_refused(self) -> None:
        statements = (
            sa.update(tables.Device).values(total=0),
            sa.delete(tables.Fence),
        )
        with self.store.write() as tx:
            for statement in statements:
                self.assertRaises(
                    RuntimeError,
                    tx.devices._execute,  # type: ignore[attr-defined]
                    statement,
                )

    def test_a_writer_is_not_asked_for_marks(self) -> None:
        """What it sees of its own may never come to be."""
        with self.store.write() as tx:
            self.assertRaises(RuntimeError, tx.standing.marks)

    def test_what_was_rolled_back_was_never_there(self) -> None:
        before = self.marks()

        class Stop(Exception):
            pass

        try:
            with self.store.write() as tx:
                changes.update_capacities(tx, 3)
                raise Stop
        except Stop:
            pass
        self.assertEqual(before, self.marks())
        self.check(self.cache)

    def test_a_fence_for_a_card_that_moves_meanwhile(self) -> None:
        """The mark is that of the host where the card is in the end."""
        card = self.card()
        other = self.another_store()

        def move() -> None:
            with other.write() as tx:
                tx.devices.update(
                    dataclasses.replace(
                        card, host="gpu-2", pci_address="0000:ff:00.0"
                    )
                )

        self.check(self.cache)
        moving = threading.Thread(target=move, daemon=True)
        with self.store.write() as tx:
            tx.fences.add(
                fences.Fence(device_id=card.id, reason=fences.Reason.OPERATOR)
            )
            moving.start()
            # Some engines let it through now, some once this is written.
            moving.join(0.5)
            with other.read() as reading:
                self.cache.snapshots(reading, changes.POOLS, NOW)
        moving.join(60)
        self.assertFalse(moving.is_alive())
        self.check(self.cache)
        self.assertEqual("gpu-2", self.card("gpu-2").host)

    def test_writers_of_many_hosts_never_wait_in_a_circle(self) -> None:
        """One fences the cards in one order, the other in the other one."""
        with self.store.read() as tx:
            ids = [card.id for card in tx.devices.all()]

        def work(reason: fences.Reason, order: list[str]) -> None:
            for _ in range(5):
                for add in (True, False):
                    with self.store.write() as tx:
                        for key in order:
                            if add:
                                tx.fences.add(
                                    fences.Fence(device_id=key, reason=reason)
                                )
                            else:
                                tx.fences.remove(key, reason)

        found = self.together(
            lambda: work(fences.Reason.OPERATOR, ids),
            lambda: work(fences.Reason.HEALTH, ids[::-1]),
        )
        self.assertEqual([None, None], found)
        self.check(self.cache)

    def test_what_is_gone_is_forgotten(self) -> None:
        with self.store.write() as tx:
            changes.add_host(tx, 0)
            changes.queue(tx, 0)
        self.check(self.cache)
        self.assertIn("new-0", self.cache._hosts)
        self.assertEqual(1, len(self.cache._orders["default"]))
        with self.store.write() as tx:
            changes.delete_host(tx, 0)
            changes.start(tx, 0)
            changes.end(tx, 0)
        self.check(self.cache)
        self.assertNotIn("new-0", self.cache._hosts)
        self.assertEqual({}, self.cache._orders["default"])

    def test_a_host_that_changed_is_all_that_is_read_again(self) -> None:
        self.check(self.cache)
        with self.store.write() as tx:
            changes.update_capacities(tx, 0)
        with self.statements() as sent, self.store.read() as tx:
            self.cache.snapshots(tx, changes.POOLS, NOW)
        names = [one for one in sent if "WHERE host.name IN" in one]
        self.assertEqual(6, len(names), names)


StandingOnSQLite, StandingOnMariaDB, StandingOnPostgreSQL = base.bound(
    StandingTests
)
