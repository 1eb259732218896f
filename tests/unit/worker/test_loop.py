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

from __future__ import annotations

import threading

import testtools

from gpubroker.worker import loop
from tests.unit.worker.test_jobs import wait_until


class Loop(testtools.TestCase):
    def run_loop(self, act, period=60.0):
        made = loop.Loop("test", period, act)
        made.start()
        self.addCleanup(made.join, 5.0)
        self.addCleanup(made.stop)
        return made

    def test_a_wake_brings_the_next_pass_at_once(self):
        passes = []
        made = self.run_loop(lambda: passes.append(1))
        wait_until(lambda: len(passes) == 1)
        made.wake()
        wait_until(lambda: len(passes) == 2)

    def test_a_wake_during_a_pass_is_not_lost(self):
        passes, inside, go = [], threading.Event(), threading.Event()

        def act():
            passes.append(1)
            inside.set()
            go.wait(5)

        made = self.run_loop(act)
        inside.wait(5)
        made.wake()
        go.set()
        wait_until(lambda: len(passes) == 2)

    def test_a_pass_says_when_the_next_one_is_due(self):
        passes = []

        def act():
            passes.append(1)
            return 0.01 if len(passes) < 3 else None

        self.run_loop(act)
        wait_until(lambda: len(passes) == 3)

    def test_a_pass_that_fails_does_not_end_the_loop(self):
        passes = []

        def act():
            passes.append(1)
            if len(passes) == 1:
                raise ValueError("boom")

        made = self.run_loop(act)
        wait_until(lambda: len(passes) == 1)
        made.wake()
        wait_until(lambda: len(passes) == 2)

    def test_stop_ends_it(self):
        made = self.run_loop(lambda: None)
        made.stop()
        self.assertTrue(made.join(5.0))
