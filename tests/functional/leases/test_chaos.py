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

"""Promise 2 by chance: kills, faults, users and outages in random order.

Each seed is a story that repeats exactly. However it goes, in the end every
lease is active as promised or over, and nothing is left of those that are.
"""

from __future__ import annotations

import random

import testtools

from gpubroker import errors
from gpubroker.services import end
from gpubroker.services import sweep
from tests.fixtures import tripwire
from tests.fixtures import world

_FATES = (
    "active",
    "active",
    "error",
    "no_valid_host",
    "lost",
    "lost",
    "lost",
    "unmade",
)
_STEPS = 25


class Story:
    def __init__(self, seed, found):
        self.dice = random.Random(seed)
        self.world = found
        self.cloud = found.cloud
        self.leases = []

    def tell(self):
        for _step in range(_STEPS):
            act = self.dice.choice(
                (
                    self.order,
                    self.order,
                    self.turn,
                    self.turn,
                    self.turn,
                    self.turn_and_die,
                    self.turn_and_die,
                    self.cancel,
                    self.delete_a_server,
                    self.break_or_mend,
                    self.wait,
                )
            )
            act()

    def order(self):
        self.cloud.fates.append(self.dice.choice(_FATES))
        self.cloud.unseen["lost"] = self.dice.choice((0.8, 10.0, 50.0))
        try:
            lease = self.world.order(
                f"lease-{len(self.leases)}",
                flavor=self.dice.choice(("gpu.1", "gpu.2")),
                nodes=self.dice.choice((1, 1, 2)),
            )
        except (errors.Unavailable, errors.Invalid):
            return
        self.leases.append(lease.id)

    def turn(self):
        wait = max(self.world.turn(), 0.01)
        self.world.clock.advance(self.dice.choice((0.01, 0.3, wait)))

    def turn_and_die(self):
        wire = tripwire.Wire(self.dice.randint(1, 20))
        try:
            self.world.turn(wire.around(self.world.core))
        except tripwire.Killed:
            self.world.clock.advance(self.dice.choice((0.1, 5, 15)))

    def cancel(self):
        if self.leases:
            end.end(self.world.core, self.dice.choice(self.leases))

    def delete_a_server(self):
        if self.cloud.machines:
            self.cloud.delete(self.dice.choice(sorted(self.cloud.machines)))

    def break_or_mend(self):
        down = {"nova", "keystone"}
        self.cloud.down = set(
            self.dice.choice(((), (), ("nova",), ("keystone",), down))
        )

    def wait(self):
        self.world.clock.advance(self.dice.choice((1, 30, 70, 700)))


class Chaos(testtools.TestCase):
    def check(self, seed):
        found = self.useFixture(world.World(cards=2, suspect_seconds=5))
        story = Story(seed, found)
        story.tell()
        found.cloud.down, found.cloud.fates = set(), []
        found.clock.advance(60)
        rest = ("active", "ended", "failed", "queued")
        for _turn in range(400):
            found.clock.advance(max(found.turn(), 0.01))
            states = [found.get(lease).state for lease in story.leases]
            if all(state in rest for state in states):
                break
        else:
            self.fail(f"Some lease never comes to rest: {states}")
        self.active_ones_are_as_promised(found, story)
        for lease in story.leases:
            end.end(found.core, lease)
        found.run(lambda: not found.open())
        found.clock.advance(70)
        found.turn()
        self.assertEqual(sweep.Leftovers(), sweep.find(found.core))
        self.assertEqual({}, found.leftovers())

    def active_ones_are_as_promised(self, found, story):
        given = []
        for lease in map(found.get, story.leases):
            if lease.state != "active" or lease.reason:
                continue
            for node in lease.nodes:
                given += node.planned
                held = found.core.ledger.allocations(node.server_id or "")
                if not held:
                    # Deleted by its user; noticed with the other nodes.
                    continue
                with found.store.read() as tx:
                    cards = tx.devices.many(node.planned)
                self.assertLessEqual({c.provider_id for c in cards}, set(held))
                self.assertEqual({node.id}, {c.claimed_by for c in cards})
        self.assertEqual(len(given), len(set(given)))

    def test_story_1(self):
        self.check(1)


def _story(seed):
    def test(self):
        self.check(seed)

    return test


for _seed in range(2, 16):
    setattr(Chaos, f"test_story_{_seed}", _story(_seed))
