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

"""The database of yesterday beside the Nova and Placement of today.

A lease is taken from stage to stage. A backup is made at one of them and put
back at a later one: every pair is tried, once with a broker that does not
notice, and once with ``recover``.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services import end
from gpubroker.services import plan
from tests.fixtures import effort
from tests.fixtures import world
from tests.functional.leases import memory


class Stages:
    """The life of one lease, stage by stage."""

    ORDER = ("nothing", "queued", "planned", "posted", "active", "ended")
    #: The first start fails on the one host, the second goes well.
    TWICE = ("nothing", "queued", "failed", "requeued", "active", "ended")

    def __init__(self, its: world.World) -> None:
        self.world = its
        self.lease: leases.Lease | None = None

    def go(self, stage: str) -> None:
        getattr(self, stage)()

    def nothing(self) -> None:
        pass

    def queued(self) -> None:
        self.lease = self.world.order(duration=7200)

    def planned(self) -> None:
        plan.plan_pool(self.world.core, pools.DEFAULT, "worker-1")
        assert self.now().state is leases.State.STARTING

    def posted(self) -> None:
        self.world.run(lambda: self.world.cloud.machines)

    def failed(self) -> None:
        self.world.cloud.fates = ["error"]
        self.world.run(lambda: self.now().attempts == 1)

    def requeued(self) -> None:
        self.world.run(lambda: self.now().state is leases.State.QUEUED)

    def active(self) -> None:
        self.world.settle(self.lease.id, "active")

    def ended(self) -> None:
        end.end(self.world.core, self.lease.id)
        self.world.settle(self.lease.id, "ended")

    def now(self) -> leases.Lease:
        return self.world.get(self.lease.id)


#: (the stages, where the backup is made, where it is put back).
PAIRS = [
    (order, before, after)
    for order in (Stages.ORDER, Stages.TWICE)
    for before, after in itertools.combinations(order, 2)
    # The others of the second are among those of the first.
    if order is Stages.ORDER or {before, after} & {"failed", "requeued"}
]
#: All of them in a long run.
SOME = PAIRS if effort.LONG else PAIRS[effort.SEED % 4 :: 4]


class EveryPair(memory.Case):
    @contextlib.contextmanager
    def place(self, before: str, after: str) -> Iterator[None]:
        """Where it was, in what is told of a failure."""
        try:
            yield
        except Exception as error:
            error.add_note(f"Of {before}, put back when it was {after}.")
            raise

    def restore(self, order, before, after):
        """:returns: the servers that run, and what they hold."""
        stages = Stages(self.world)
        for stage in order[: order.index(before) + 1]:
            stages.go(stage)
        backup = self.world.database.backup()
        for stage in order[order.index(before) + 1 :]:
            stages.go(stage)
            if stage == after:
                break
        servers, held = self.running(), self.held()
        self.world.database.restore(backup)
        return servers, held

    def test_nothing_that_runs_is_lost_although_nobody_noticed(self):
        for order, before, after in SOME:
            with self.a_world(), self.place(before, after):
                servers, held = self.restore(order, before, after)
                self.work()
                self.assert_nothing_lost(servers, held)

    def test_recovered_it_goes_on_as_if_nothing_had_been(self):
        for order, before, after in SOME:
            with self.a_world(), self.place(before, after):
                servers, held = self.restore(order, before, after)
                self.mend()
                self.work(2)
                # What was being made meanwhile is there now.
                self.mend()
                self.work()
                self.assert_nothing_lost(servers, held)
                self.assert_known()
                self.end_all()
