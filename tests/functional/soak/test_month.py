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

"""A month on a fast clock: whatever of this goes wrong, nothing is lost or
left, and nothing grows.

Servers that fail, come late, elsewhere or never, and that people shelve and
delete; a Nova or Keystone that is away; calls of theirs and of Placement's
that are refused, or whose answer is lost; cards that fall ill, agents that are
silent, hosts that boot, go down and are drained; strangers on the cards;
workers that are killed anywhere, an API process that dies with the tokens of
its orders, messages that are lost and doubled. Leases by trust, by the token
of the order and by the broker's own user; none that is adopted.

Some leases by default, ten thousand with ``GPUBROKER_TEST_LONG=1``. Real SQL
and a real Placement in this process; the database is purged every day. It is
SQLite, and the workers take turns: what writers do to each other at the same
moment, and on other databases, ``test_races`` and ``test_lost_commits`` tell.
"""

from __future__ import annotations

import gc
import logging
import os
import time

import sqlalchemy as sa
import testtools
from testtools import content

from gpubroker.db import tables
from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.services import end
from gpubroker.services import sweep
from tests.fixtures import database
from tests.fixtures import effort
from tests.fixtures import world
from tests.functional.soak import story
from tests.functional.soak import workers

ORDERS = int(
    os.environ.get("GPUBROKER_TEST_ORDERS", 10_000 if effort.LONG else 14)
)
#: Orders given for each that is taken: the others find a service away, or that
#: too many wait already.
GIVEN = 1.4
#: Days from one look at everything to the next; purged is each day.
LOOKS = 1 if effort.LONG else 3
HOSTS = ("gpu-1", "gpu-2", "gpu-3")
CARDS = 4
#: Days for which the past is kept.
KEPT = 2
#: Days until memory and statements have come to where they stay.
WARM = 10 if effort.LONG else 3
#: A turn costs as much without leases as with so many.
PASS = 5
#: What the process may grow by after that.
GROWTH_MIB = 32
REPLAY = (
    "GPUBROKER_TEST_SEED={seed} GPUBROKER_TEST_ORDERS={orders} {long}"
    ".venv-test/bin/python -W ignore "
    "-m testtools.run tests.functional.soak.test_month"
)


class MonthTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        # What goes wrong on purpose is no news.
        log = logging.getLogger("gpubroker")
        self.addCleanup(log.setLevel, log.level)
        log.setLevel(logging.ERROR)
        self.world = self.useFixture(
            world.World(
                HOSTS,
                cards=CARDS,
                suspect_seconds=30,
                heartbeat_timeout=story.DAY,
                ownership_seconds=workers.OWNERSHIP,
            )
        )
        long = "GPUBROKER_TEST_LONG=1 " if effort.LONG else ""
        replay = REPLAY.format(seed=effort.SEED, orders=ORDERS, long=long)
        self.addDetail("replay", content.text_content(replay))
        given = int(ORDERS * GIVEN)
        self.story = story.Story(effort.SEED, given, self.world)
        self.memory: list[float] = []
        self.statements: list[float] = []
        self.left = self.wrong = 0

    def test_a_month(self) -> None:
        for day in range(1, story.DAYS + 1):
            begun = time.monotonic()
            self.story.tell_a_day()
            if day % LOOKS == 0:
                self.at_rest(day)
                self.all_is_as_it_should_be(day)
                self.measure()
                effort.tell(self.said(day, time.monotonic() - begun))
            else:
                self.story.workers.purge(KEPT)
        self.story.heal()
        self.everything_ends()
        self.nothing_has_grown()
        if effort.LONG:
            self.assertGreaterEqual(self.story.done["order"], ORDERS)

    # -- a checkpoint ------------------------------------------------------

    def at_rest(self, day: int) -> None:
        """Nothing goes wrong any more; after a while all is where it stays."""
        tale = self.story
        tale.calm()
        tale.workers.look_at_everything()
        self.nothing_moves(day)
        # What nobody owns is found twice, then removed; a trust whose order
        # came to nothing is given up after a time.
        for _look in range(3):
            self.world.clock.advance(700)
            tale.workers.look_at_everything()
            tale.workers.work(1.0)
        # What became free meanwhile may have let somebody start.
        self.nothing_moves(day)
        # Only what was killed or not heard since may leave anything.
        left, wrong = tale.workers.left, tale.workers.wrong
        self.assertLessEqual(left - self.left, wrong - self.wrong, f"{day}")
        self.left, self.wrong = left, wrong
        self.assertEqual({}, tale.workers.meter.failed, f"day {day}")
        tale.workers.purge(KEPT)
        tale.workers.calm = False

    def nothing_moves(self, day: int) -> None:
        rest = (leases.State.QUEUED, leases.State.ACTIVE)
        for _look in range(100):
            self.story.workers.work(60.0)
            moving = [le for le in self.world.open() if le.state not in rest]
            if not moving:
                return
        self.fail(f"day {day}: {moving} never come to rest")

    def all_is_as_it_should_be(self, day: int) -> None:
        open_ = self.world.open()
        active = [le for le in open_ if le.state is leases.State.ACTIVE]
        self.outside_is_what_active_leases_have(day, open_, active)
        self.ledger_is_what_was_claimed(day, active)
        self.nothing_old_is_there(day)
        self.world.auditor.assert_clean()

    def outside_is_what_active_leases_have(
        self, day: int, open_: list[leases.Lease], active: list[leases.Lease]
    ) -> None:
        nodes = [node for lease in active for node in lease.nodes]
        self.assertEqual(
            sorted(node.ticket or "" for node in nodes),
            sorted(self.world.placement.ledger.tickets()),
            f"day {day}: tickets",
        )
        self.assertEqual({}, self.world.cloud.shapes, f"day {day}")
        self.assertEqual({}, self.world.cloud.keys, f"day {day}")
        self.world.cloud.progress()
        ours = {node.server_id for node in nodes}
        foreign = [
            machine
            for machine in self.world.cloud.machines.values()
            if machine.seen.id not in ours
        ]
        self.assertEqual([], foreign, f"day {day}: servers")
        with self.world.store.read() as tx:
            held = tx.leases.trust_ids()
            noted = tx.trusts.all()
        self.assertEqual(held, set(self.world.cloud.trusts), f"day {day}")
        queued = [
            lease
            for lease in open_
            if lease.state is leases.State.QUEUED
            and lease.identity_mode is leases.IdentityMode.TRUST
        ]
        self.assertEqual(len(queued), len(held), f"day {day}: trusts")
        self.assertEqual([], noted, f"day {day}")

    def ledger_is_what_was_claimed(
        self, day: int, active: list[leases.Lease]
    ) -> None:
        ledger = self.world.placement.ledger
        nodes = {n.id: n for lease in active for n in lease.nodes}
        whole = {
            n.id for lease in active if not lease.reason for n in lease.nodes
        }
        planned = [d for node in nodes.values() for d in node.planned]
        self.assertEqual(len(planned), len(set(planned)), f"day {day}: twice")
        strangers = {server.id for server in self.world.cloud.strangers}
        with self.world.store.read() as tx:
            cards = tx.devices.all()
        self.assertEqual(
            sorted(planned), sorted(c.id for c in cards if c.claimed_by)
        )
        for card in cards:
            where = f"day {day}: {card.host} {card.pci_address}"
            held = set(ledger.consumers(card.provider_id or ""))
            self.assertEqual(held, set(card.consumers), where)
            # What a lease had stays closed while a stranger is on it, too.
            fenced = fences.Reason.LEASE in card.reasons
            kept = bool(card.claimed_by) or (fenced and bool(held & strangers))
            self.assertEqual(kept, fenced, f"{where}: {card}")
            if card.claimed_by in whole:
                self.assertEqual(
                    {nodes[card.claimed_by].server_id}, held - strangers, where
                )
            elif card.claimed_by is None:
                self.assertLessEqual(held, strangers, where)

    def nothing_old_is_there(self, day: int) -> None:
        """After the purge: leases since, what is theirs, and a few lines of
        each card and host."""
        with self.world.store.read() as tx:
            there = tx.leases.in_state(list(leases.State))
        oldest = self.world.clock.now().timestamp() - (KEPT + 0.2) * story.DAY
        self.assertEqual(
            [],
            [
                le
                for le in there
                if le.ended_at
                and le.final
                and le.ended_at.timestamp() < oldest
            ],
            f"day {day}",
        )
        rows = self.rows()
        self.assertEqual(len(there), rows["lease"], f"day {day}")
        few = len(there) + 10
        for table, many in (
            ("lease_node", 2 * few),
            ("step", 2 * 100 * few),
            ("project", 4),
            ("worker", 2),
            ("trust", 0),
            ("delegation", few),
            ("device", len(HOSTS) * CARDS),
            ("event", 60 * few + 40 * len(HOSTS) * CARDS),
        ):
            self.assertLessEqual(rows[table], many, f"day {day}: {table}")

    def rows(self) -> dict[str, int]:
        with self.world.store.engine.connect() as connection:
            return {
                table.name: connection.execute(
                    sa.select(sa.func.count()).select_from(table)
                ).scalar_one()
                for table in tables.METADATA.sorted_tables
            }

    # -- what must not grow ------------------------------------------------

    def measure(self) -> None:
        """What each lease costs in a turn with nothing to do, and what the
        process holds."""
        workers = self.story.workers
        workers.work(1.0)
        workers.look_at_everything()
        with database.counted(self.world.store) as sent:
            workers.work(0.0)
        leases_worth = len(self.world.open()) + PASS
        self.statements.append(len(sent) / leases_worth)
        gc.collect()
        self.memory.append(resident())

    def nothing_has_grown(self) -> None:
        warm = WARM // LOOKS
        early, late = self.statements[:warm], self.statements[warm:]
        self.assertLessEqual(max(late), 2 * max(early), self.statements)
        self.assertLess(
            max(self.memory[warm:]),
            self.memory[warm] + GROWTH_MIB,
            self.memory,
        )

    # -- the end -----------------------------------------------------------

    def everything_ends(self) -> None:
        self.at_rest(story.DAYS)
        self.assertEqual([], self.story.agents.faulty())
        # Who waits for cards gets those of the active ones, round by round.
        for _round in range(ORDERS):
            active = [
                lease
                for lease in self.world.open()
                if lease.state is leases.State.ACTIVE
            ]
            for lease in active:
                end.end(self.world.core, lease.id)
            self.at_rest(story.DAYS)
            if not active:
                break
        self.assertEqual([], self.world.open())
        self.assertEqual({}, self.world.leftovers())
        self.assertEqual(sweep.Leftovers(), sweep.find(self.world.core))

    def said(self, day: int, seconds: float) -> str:
        tale, done = self.story, self.story.done
        counted = {
            "orders": done["order"],
            "deaths": sum(tale.workers.deaths.values()),
            "bad answers": sum(tale.workers.mischief.done.values()),
            "left": self.left,
            "turns": tale.workers.turns,
            "open": len(self.world.open()),
            "statements": round(self.statements[-1]),
            "MiB": round(self.memory[-1]),
            "s": round(seconds),
        }
        return f"day {day}: " + ", ".join(
            f"{number} {name}" for name, number in counted.items()
        )


def resident() -> float:
    """MiB of this process in memory."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
