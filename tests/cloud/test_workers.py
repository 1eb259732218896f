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


"""Several workers on one cloud: they share its pools, and a killed one is
replaced."""

from __future__ import annotations

import dataclasses
import json
import re
import time

from sandbox import gpubroker
from tests.cloud import base
from tests.cloud import rounds
from tests.fixtures import effort

#: Seconds in which a killed worker's pools have to be another's.
TAKEN_OVER = 10.0

#: Of four orders for two cards each of a host with four.
LAST = ["active", "active", "queued", "queued"]

SECOND = "second"
HOST_OF_SECOND = "gpu-l40s-1"

_POOLS = re.compile(r"Pools of this worker: (.*)")


class Workers(rounds.RoundsTest):
    def hire(self, count):
        """So many workers in all."""
        program = self.cloud.services()[gpubroker.WORKER].program
        more = [f"{gpubroker.WORKER}-{n}" for n in range(2, count + 1)]
        self.addCleanup(self.one_again, more)
        for name in more:
            self.cloud.processes.start(dataclasses.replace(program, name=name))
        # Without those that are killed later.
        self.crew = [gpubroker.WORKER, *more]

    def one_again(self, more):
        self.cloud.processes.stop(more)
        if not self.cloud.processes.running(gpubroker.WORKER):
            self.cloud.start(gpubroker.WORKER)

    def make_second_pool(self):
        self.operator.create_pool(name=SECOND)
        self.addCleanup(self.operator.delete_pool, SECOND)
        self.operator.update_host(HOST_OF_SECOND, pool=SECOND)
        self.addCleanup(
            self.operator.update_host, HOST_OF_SECOND, pool="default"
        )

    def pools(self, worker):
        """What a worker has said last of the pools it looks after."""
        record = self.cloud.layout.run / f"{worker}.json"
        log = self.cloud.layout.log_of(worker).read_bytes()
        # Of those before it of the same name the log tells, too.
        own = log[json.loads(record.read_text())["log_offset"] :]
        said = _POOLS.findall(own.decode("utf-8", "replace"))
        last = said[-1].strip() if said else "none"
        return set() if last == "none" else set(last.split(", "))

    def owners(self, pool):
        return [worker for worker in self.crew if pool in self.pools(worker)]

    def owned(self, *pools):
        return all(len(self.owners(pool)) == 1 for pool in pools)

    def take_out(self, pool):
        """Kill -9 the owner of a pool.

        :returns: seconds until another one has it.
        """
        (owner,) = self.owners(pool)
        self.cloud.kill(owner)
        self.crew.remove(owner)
        began = time.monotonic()
        self.eventually(
            f"{pool} is another's", lambda: self.owners(pool), TAKEN_OVER + 5
        )
        return time.monotonic() - began

    def test_four_workers_share_the_pools_and_do_everything_once(self):
        self.make_second_pool()
        self.hire(4)
        self.eventually(
            "each pool has one owner",
            lambda: self.owned("default", SECOND),
        )
        self.eventually(
            "nobody has both",
            lambda: self.owners("default") != self.owners(SECOND),
        )
        found = [self.order("vm.gpu.a100.2") for _one in range(2)]
        found.append(self.order("vm.gpu.l40s.2", pool=SECOND))
        for lease in found:
            self.wait(lease)
        servers = self.servers()
        self.assertEqual(len(found), len(servers))
        held = [self.allocated_cards(server) for server in servers]
        self.assertEqual(6, len(set.union(*held)), held)
        for lease in found:
            self.end(lease)

    def test_a_killed_owner_is_replaced_in_time(self):
        """In a long run one after the other, down to the last."""
        self.hire(4 if effort.LONG else 2)
        while len(self.crew) > 1:
            self.eventually("one owner", lambda: self.owned("default"))
            lease = self.order(rounds.FLAVOR, name=f"of-{len(self.crew)}")
            took = self.take_out("default")
            self.assertLess(took, TAKEN_OVER)
            self.wait(lease)
            self.assertEqual(1, len(self.servers()))
            self.end(lease)
            if effort.LONG:
                print(f"{took:6.1f} s  killed owner replaced", flush=True)

    def test_orders_for_the_last_cards_while_their_owners_are_killed(self):
        """Who takes over does not know how far the other one came."""
        self.hire(4)
        found = [self.order(rounds.FLAVOR, name=f"o-{n}") for n in range(4)]
        for _kill in range(3):
            self.eventually("one owner", lambda: self.owned("default"))
            self.take_out("default")
            self.nothing_is_given_twice()
        self.eventually("as many as fit", lambda: self.states() == LAST)
        while found:
            self.nothing_is_given_twice()
            base.assert_clean(base.audit(self.cloud))
            first, *found = found
            self.wait(first)
            self.end(first)

    def states(self):
        """Of the open leases, in the order of their coming."""
        known = sorted(self.gpus.leases(), key=lambda le: le.requested_at)
        return [lease.state for lease in known if not lease.is_final]

    def nothing_is_given_twice(self):
        held = [
            card
            for server in self.servers()
            for card in self.allocated_cards(server)
        ]
        self.assertEqual(len(set(held)), len(held), held)
