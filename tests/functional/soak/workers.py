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

"""Two workers that share a pool and die now and then: the loops of a real
crew, which take turns on a clock that is moved by hand, with an API process
that makes servers with the tokens of orders."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import itertools
import random
from collections.abc import Callable
from typing import Any

from gpubroker.services import broker
from gpubroker.services import ports
from gpubroker.services import purge
from gpubroker.services import standing
from gpubroker.worker import bells
from gpubroker.worker import crew
from gpubroker.worker import loop
from tests.fixtures import mischief
from tests.fixtures import tripwire
from tests.fixtures import world
from tests.functional.soak import robots

#: Part of the turns in which the cloud answers badly, and of the calls then.
_BAD_TURNS, _RATE = 0.3, 0.1
#: Seconds between two searches for leftovers.
_SWEEP = 6 * 3600.0
#: Seconds after which the other worker takes over what a dead one owned.
OWNERSHIP = 1200.0
#: Part of the messages that are lost, and that come twice.
_LOST, _DOUBLED = 0.05, 0.05


class Meter(ports.Uncounted):
    """What the loops tell of themselves.

    :ivar swept: how much was found that no lease stood for, and removed.
    :ivar failed: turns that ended by a fault of the broker's own.
    """

    def __init__(self) -> None:
        self.swept_count = 0
        self.failed: collections.Counter[str] = collections.Counter()

    def swept(self, count: int) -> None:
        self.swept_count += count

    def passed(self, name: str, outcome: ports.Outcome, took: float) -> None:
        if outcome is ports.Outcome.FAILED:
            self.failed[name] += 1


class _Now:
    """A port of the broker as it is at this moment: well, bad or deadly."""

    def __init__(self, now: Callable[[], broker.Broker], name: str) -> None:
        self._now = now
        self._name = name

    def __getattr__(self, method: str) -> Any:
        return getattr(getattr(self._now(), self._name), method)


class Worker:
    """One process.

    :param found: where it works.
    :ivar core: the broker that it has at present.
    """

    def __init__(
        self, name: str, found: world.World, pace: crew.Pace, meter: Meter
    ) -> None:
        self._world = found
        self.core = found.core
        self._due: dict[str, float] = {}
        ring = bells.Bells()
        changing = dataclasses.replace(
            found.core,
            bell=ring,
            cache=standing.Cache(),
            meter=meter,
            **{
                port: _Now(lambda: self.core, port)
                for port in ("store", "ledger", "compute", "identity")
            },
        )
        self.crew = crew.Crew(changing, name, pace)
        ring.hang(self.crew)
        ring.hang(found.bell)

    def turn(self, core: broker.Broker, wire: tripwire.Wire) -> float:
        """Each loop that is due or was woken makes a pass.

        :param wire: what it dies by, if it does.
        :returns: seconds until the next one is due.
        :raises tripwire.Killed: it is dead.
        """
        self.core = wire.around(core) if wire.at else core
        for one in self.crew.loops:
            self._pass(one)
            # A job that is killed on its way is so alone.
            wire.live()
        if any(one.woken for one in self.crew.loops):
            return 0.0
        return min(self._due.values()) - self._world.clock.monotonic()

    def _pass(self, one: loop.Loop) -> None:
        now = self._world.clock.monotonic()
        if one.woken or now >= self._due.get(one.name, now):
            self._due[one.name] = now + one.turn()

    def look_at_everything(self) -> None:
        """As if much time had passed."""
        self._due.clear()
        for lease in self._world.open():
            self.crew.lease(lease.id)
        for name in self._world.trees:
            self.crew.host(name)


class Workers:
    """:param pace: seconds between two looks at an active lease, and at a
        host.

    :ivar calm: nobody dies, and the cloud answers.
    """

    def __init__(
        self, dice: random.Random, found: world.World, pace: float
    ) -> None:
        self._dice = dice
        self._world = found
        self._pace = crew.Pace(
            plan_interval=pace,
            lease_interval=pace,
            check_interval=pace,
            reconcile_interval=pace,
            sweep_interval=_SWEEP,
            threads=0,
            reconcile_threads=0,
        )
        self.robots = robots.Robots(found)
        self.meter = Meter()
        self._numbers = itertools.count(1)
        self._workers = [self._hire(), self._hire()]
        self._die = False
        self.calm = False
        self.mischief = mischief.Mischief(dice, _RATE)
        self.deaths: collections.Counter[str] = collections.Counter()
        self.turns = 0

    def _hire(self) -> Worker:
        name = f"worker-{next(self._numbers)}"
        return Worker(name, self._world, self._pace, self.meter)

    @property
    def left(self) -> int:
        """How much was found that no lease stood for, and removed."""
        return self.meter.swept_count

    @property
    def wrong(self) -> int:
        """How much was killed, refused or not heard."""
        bad = self.mischief.done.values()
        return sum(self.deaths.values()) + sum(bad)

    def core(self) -> broker.Broker:
        """The broker, at times in a bad world."""
        if self.calm or self._dice.random() > _BAD_TURNS:
            return self._world.core
        return self.mischief.around(self._world.core)

    def kill_soon(self) -> None:
        """The next turn of a worker is its last."""
        self._die = True

    def work(self, seconds: float) -> None:
        """Turns for so long, or one at least."""
        clock = self._world.clock
        until = clock.monotonic() + seconds
        while True:
            wait = self._turn()
            left = until - clock.monotonic()
            if left <= 0:
                return
            clock.advance(min(max(wait, 0.01), left))

    def _turn(self) -> float:
        """Who has nothing to do dies of nothing: the wire may be as long as
        a turn of somebody who has."""
        self.turns += 1
        self._deliver()
        waits = [self.robots.turn(self.core())]
        for number, worker in enumerate(self._workers):
            wire = tripwire.Wire(self._length())
            try:
                waits.append(worker.turn(self.core(), wire))
            except tripwire.Killed as killed:
                self.deaths[str(killed)] += 1
                self._die = False
                self._workers[number] = self._hire()
                waits.append(0.0)
        return min(waits)

    def _length(self) -> int:
        if self.calm or not self._die:
            return 0
        return self._dice.randint(1, 25)

    def _deliver(self) -> None:
        """What was rung, by whom ever, is heard by all of them, once or
        twice; or by nobody, for a message may be lost."""
        rung, self._world.bell.rung = self._world.bell.rung, []
        for kind, name in rung:
            for _time in range(self._times()):
                for worker in self._workers:
                    getattr(worker.crew, kind)(name)

    def _times(self) -> int:
        if self.calm:
            return 1
        chance = self._dice.random()
        if chance < _LOST:
            return 0
        return 2 if chance < _LOST + _DOUBLED else 1

    def look_at_everything(self) -> None:
        """As if much time had passed."""
        for worker in self._workers:
            worker.look_at_everything()

    def purge(self, days: float) -> None:
        """Killed in the middle of it at times; the next one goes on."""
        store, clock = self._world.store, self._world.clock
        age = datetime.timedelta(days=days)
        wire = tripwire.Wire(self._dice.choice((0, 1, 2, 3)))
        for mortal in (wire.around(self._world.core).store, store):
            before = purge.cutoff(store, clock, age)
            try:
                list(purge.batches(mortal, before, 20))
            except tripwire.Killed:
                self.deaths["purge"] += 1
