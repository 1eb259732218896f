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

"""A worker that stands still during its POST, and goes on too late."""

from __future__ import annotations

import dataclasses

import testtools

from gpubroker.services import end
from tests.fixtures import cloud_ports
from tests.fixtures import world


class Stalled(cloud_ports.Identity):
    """Things happen before the POST of this worker, or after it."""

    def __init__(self, cloud, before=None, after=None):
        super().__init__(cloud)
        self._before = before
        self._after = after

    def as_user(self, delegation):
        return _Stalled(super().as_user(delegation), self)

    def once(self, when):
        act = getattr(self, when)
        setattr(self, when, None)
        if act is not None:
            act()


class _Stalled:
    def __init__(self, real, hooks):
        self._real = real
        self._hooks = hooks

    def ready(self):
        self._real.ready()

    def whose(self):
        return self._real.whose()

    def create_server(self, spec):
        self._hooks.once("_before")
        found = self._real.create_server(spec)
        self._hooks.once("_after")
        return found


class StalledWorker(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.world = self.useFixture(world.World(["gpu-1"], cards=2))
        self.lease = self.world.order()

    def stall(self, **hooks):
        """One turn of the worker; the others do not wait for it."""
        self.world.turn(
            dataclasses.replace(
                self.world.core, identity=Stalled(self.world.cloud, **hooks)
            )
        )

    def others_go_on(self):
        self.world.clock.advance(61)
        self.world.settle(self.lease.id, "active")

    def others_end_it(self, told=()):
        end.end(self.world.core, self.lease.id)
        self.world.clock.advance(61)
        self.world.settle(self.lease.id, "ended", told=told)

    def is_active_alone(self):
        lease = self.world.settle(self.lease.id, "active")
        self.assertEqual(
            [lease.nodes[0].server_id], list(self.world.cloud.machines)
        )
        end.end(self.world.core, lease.id)
        self.world.settle(lease.id, "ended")
        self.assertEqual({}, self.world.leftovers())

    def test_a_post_sent_too_late_spoils_nothing(self):
        self.stall(before=self.others_go_on)
        self.is_active_alone()

    def test_an_answer_that_comes_too_late_spoils_nothing(self):
        self.stall(after=self.others_go_on)
        self.is_active_alone()

    def test_a_server_that_others_have_replaced_is_removed(self):
        def others_replace_it():
            (machine,) = self.world.cloud.machines.values()
            machine.visible_at = machine.ready_at = (
                self.world.clock.monotonic() + 100
            )
            self.others_go_on()

        self.stall(after=others_replace_it)
        self.world.run(lambda: len(self.world.cloud.machines) == 1)
        self.is_active_alone()

    def stays_ended(self, **hooks):
        self.stall(**hooks)
        self.world.clock.advance(5)
        self.world.turn()
        self.assertEqual("ended", self.world.get(self.lease.id).state)
        self.assertEqual({}, self.world.leftovers())

    def test_a_lease_that_was_ended_before_the_post_stays_ended(self):
        self.stays_ended(before=self.others_end_it)

    def test_a_lease_that_was_ended_after_the_post_stays_ended(self):
        self.stays_ended(after=self.others_end_it)

    def test_who_ends_it_during_the_post_does_not_wait_for_the_doubt(self):
        began = self.world.clock.monotonic()
        self.stall(
            after=lambda: end.end(self.world.core, self.lease.id),
        )
        self.world.run(lambda: self.world.get(self.lease.id).final)
        took = self.world.clock.monotonic() - began
        self.assertLess(took, 20)
        self.assertEqual({}, self.world.leftovers())
        self.assertEqual("ended", self.world.get(self.lease.id).state)

    def test_nothing_is_left_of_a_server_that_nobody_wants(self):
        def others_end_it_blindly():
            (machine,) = self.world.cloud.machines.values()
            machine.visible_at = machine.ready_at = (
                self.world.clock.monotonic() + 100
            )
            self.others_end_it(told=["server-left"])

        self.stays_ended(after=others_end_it_blindly)
