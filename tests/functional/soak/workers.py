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

"""Workers that share one pool, one after the other, and die now and then."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import random

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services import broker
from gpubroker.services import delegate
from gpubroker.services import drive
from gpubroker.services import expire
from gpubroker.services import plan
from gpubroker.services import purge
from gpubroker.services import reconcile
from gpubroker.services import sweep
from tests.fixtures import mischief
from tests.fixtures import tripwire
from tests.fixtures import world

#: Part of the turns in which the cloud answers badly, and of the calls then.
_BAD_TURNS, _RATE = 0.3, 0.1
#: Seconds between two searches for leftovers.
_SWEEP = 6 * 3600.0
#: Seconds until the others notice that a worker is dead.
_NOTICED = 6.0


class Workers:
    """What the loops of a worker do, each when it is due.

    :param pace: seconds between two looks at an active lease, and at a host.
    :ivar calm: nobody dies, and the cloud answers.
    :ivar left: how much was found that no lease stood for, and removed.
    """

    def __init__(
        self, dice: random.Random, found: world.World, pace: float
    ) -> None:
        self._dice = dice
        self._world = found
        self._owner = 1
        self._pace = pace
        self._due: dict[str, float] = {}
        self._leftovers = sweep.Leftovers()
        self._die = False
        self.calm = False
        self.mischief = mischief.Mischief(dice, _RATE)
        self.deaths: collections.Counter[str] = collections.Counter()
        self.turns = 0
        self.left = 0

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
        self.turns += 1
        core = self.core()
        if not self._die or self.calm:
            return self._loops(core)
        self._die = False
        wire = tripwire.Wire(self._dice.randint(1, 25))
        try:
            return self._loops(wire.around(core))
        except tripwire.Killed as killed:
            self.deaths[str(killed)] += 1
            self._owner += 1
            # What it knew of is forgotten; all is looked at again.
            self._due.clear()
            return _NOTICED

    def _loops(self, core: broker.Broker) -> float:
        self._wake()
        try:
            plan.plan_pool(core, pools.DEFAULT, f"worker-{self._owner}")
            expire.expire(core)
        except errors.OutsideError:
            pass
        waits = [self._drive(core, lease) for lease in self._world.open()]
        waits += [self._reconcile(core, name) for name in self._world.trees]
        self._sweep(core)
        if self._world.bell.rung:
            return 0.01
        return min(waits, default=self._pace)

    def _wake(self) -> None:
        """Whoever was rung is looked at in this turn."""
        for _kind, name in self._world.bell.rung:
            self._due.pop(name, None)
        self._world.bell.rung.clear()

    def _drive(self, core: broker.Broker, lease: leases.Lease) -> float:
        now = self._world.clock.monotonic()
        due = self._due.get(lease.id, 0.0)
        if lease.state is leases.State.QUEUED:
            later = lease.not_before
            here = self._world.clock.now()
            return (
                (later - here).total_seconds()
                if (later and later > here)
                else self._pace
            )
        if due > now:
            return due - now
        wait = drive.drive(core, lease.id)
        if wait is None:
            wait = self._pace
        self._due[lease.id] = now + wait
        return wait

    def _reconcile(self, core: broker.Broker, name: str) -> float:
        now = self._world.clock.monotonic()
        due = self._due.get(name, 0.0)
        if due > now:
            return due - now
        try:
            wait = reconcile.reconcile_host(core, name)
        except (errors.OutsideError, errors.ConcurrentUpdate):
            wait = 5.0
        self._due[name] = now + (self._pace if wait is None else wait)
        return self._due[name] - now

    def _sweep(self, core: broker.Broker) -> None:
        now = self._world.clock.monotonic()
        if self._due.get("sweep", 0.0) > now:
            return
        self._due["sweep"] = now + _SWEEP
        try:
            delegate.sweep(core)
            found = sweep.find(core)
            left = found.also_in(self._leftovers)
            self.left += sum(map(len, dataclasses.astuple(left)))
            sweep.remove(core, left)
        except errors.OutsideError:
            return
        self._leftovers = found

    def look_at_everything(self) -> None:
        """As if much time had passed."""
        self._due.clear()

    def forget(self) -> None:
        """No lease that is over is remembered."""
        there = {lease.id for lease in self._world.open()}
        names = {*self._world.trees, "sweep"}
        self._due = {
            key: due
            for key, due in self._due.items()
            if key in there or key in names
        }

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
