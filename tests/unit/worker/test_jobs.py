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
import time

import fixtures
import testtools

from gpubroker import errors
from gpubroker.worker import jobs


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not in time")
        time.sleep(0.005)


class Jobs(testtools.TestCase):
    def make(self, work, threads=2):
        self.now = 0.0
        made = jobs.Jobs("Job", work, threads, lambda: self.now)
        self.addCleanup(made.stop, 5.0)
        return made

    def test_a_new_job_is_due_at_once_and_then_when_it_says(self):
        turns = []

        def work(key):
            turns.append(key)
            return 7.0

        made = self.make(work)
        made.keep({"a": 60.0})
        made.give_turns()
        wait_until(lambda: turns == ["a"])
        wait_until(lambda: made.give_turns() == 7.0)
        self.now = 6.9
        made.give_turns()
        self.assertEqual(["a"], turns)
        self.now = 7.0
        made.give_turns()
        wait_until(lambda: turns == ["a", "a"])

    def test_a_job_at_rest_comes_again_after_its_idle_time(self):
        made = self.make(lambda key: None)
        made.keep({"a": 60.0})
        made.give_turns()
        wait_until(lambda: made.give_turns() == 60.0)

    def test_a_job_is_worked_on_by_one_thread_at_a_time(self):
        busy, most, go = [], [], threading.Event()

        def work(key):
            busy.append(key)
            most.append(len(busy))
            go.wait(5)
            busy.remove(key)
            return 0.0

        made = self.make(work)
        made.keep({"a": 60.0})
        made.give_turns()
        wait_until(lambda: busy)
        for _ring in range(3):
            made.ring("a")
            made.give_turns()
        go.set()
        wait_until(lambda: not busy)
        self.assertEqual([1], most[:1])
        self.assertEqual(1, max(most))

    def test_a_ring_during_a_turn_gives_another_turn(self):
        turns, go = [], threading.Event()

        def work(key):
            turns.append(key)
            go.wait(5)

        made = self.make(work)
        made.keep({"a": 60.0})
        made.give_turns()
        wait_until(lambda: turns)
        self.assertTrue(made.ring("a"))
        go.set()
        wait_until(lambda: made.give_turns() is not None and len(turns) == 2)

    def test_a_ring_for_a_job_that_is_not_there_tells(self):
        self.assertFalse(self.make(lambda key: None).ring("a"))

    def test_one_job_that_fails_does_not_stop_the_others(self):
        turns = []

        def work(key):
            turns.append(key)
            if key == "bad":
                raise ValueError("boom")
            return 1.0

        made = self.make(work)
        made.keep({"bad": 60.0, "good": 60.0})
        for _second in range(8):
            made.give_turns()
            self.assertTrue(made.rest(5.0))
            self.now += 1.0
        # The failing one waits longer each time: 1, 2, 4 ... seconds.
        self.assertEqual((4, 8), (turns.count("bad"), turns.count("good")))

    def test_a_pause_stands_however_often_the_job_is_found_again(self):
        turns = []
        made = self.make(lambda key: turns.append(self.now) or 30.0)
        self.found_each_second(made, 61, idle=2.0)
        self.assertEqual([0.0, 30.0, 60.0], turns)

    def test_a_job_that_now_needs_haste_does_not_wait_out_its_pause(self):
        turns = []
        made = self.make(lambda key: turns.append(self.now))
        self.found_each_second(made, 2, idle=60.0)
        self.found_each_second(made, 4, idle=2.0)
        self.assertEqual([0.0, 4.0], turns)

    def found_each_second(self, made, seconds, idle):
        for _second in range(seconds):
            made.keep({"a": idle})
            made.give_turns()
            self.assertTrue(made.rest(5.0))
            self.now += 1.0

    def lose(self, error, turns):
        """Pauses after each of so many turns that are lost to it."""

        def work(key):
            raise error

        self.log = self.useFixture(fixtures.FakeLogger())
        made = self.make(work)
        made.keep({"a": 1000.0})
        pauses = []
        for _turn in range(turns):
            made.give_turns()
            self.assertTrue(made.rest(5.0))
            with made._lock:
                due = made._jobs["a"].due
            pauses.append(due - self.now)
            self.now = due
        return pauses

    def test_a_turn_lost_to_somebody_else_is_repeated_at_once(self):
        lost = errors.ConcurrentUpdate("moved on")
        self.assertEqual([0.0] * 4, self.lose(lost, 4))
        self.assertEqual("", self.log.output)

    def test_who_always_loses_pauses_longer_and_longer_and_says_so(self):
        lost = errors.ConcurrentUpdate("moved on")
        self.assertEqual([1.0, 2.0, 4.0], self.lose(lost, 7)[4:])
        self.assertIn("does not come through", self.log.output)
        self.assertIn("moved on", self.log.output)

    def test_what_is_gone_for_good_is_looked_for_less_and_less(self):
        gone = errors.NotFound("There is no host gpu-1.")
        self.assertEqual([1.0] * 4 + [1.0, 2.0, 4.0], self.lose(gone, 7))
        self.assertIn("There is no host gpu-1.", self.log.output)

    def test_what_is_not_wanted_gets_no_turn_more(self):
        turns = []
        made = self.make(lambda key: turns.append(key))
        made.keep({"a": 1.0})
        made.give_turns()
        wait_until(lambda: turns == ["a"])
        wait_until(lambda: made.give_turns() == 1.0)
        made.keep({})
        self.now = 100.0
        self.assertEqual(3600.0, made.give_turns())
        self.assertEqual(["a"], turns)

    def test_without_threads_whoever_gives_the_turns_works(self):
        seen = []

        def work(key):
            seen.append((key, threading.current_thread()))
            made.ring("b" if key == "a" else "none")
            return 5.0

        made = self.make(work, threads=0)
        made.keep({"a": 10.0, "b": 10.0})
        self.assertEqual(5.0, made.give_turns())
        here = threading.current_thread()
        self.assertEqual([("a", here), ("b", here)], seen)
        self.assertTrue(made.rest(0))
        self.now += 5.0
        made.give_turns()
        self.assertEqual(4, len(seen))

    def test_more_jobs_than_threads_all_get_their_turn(self):
        turns = []
        made = self.make(lambda key: turns.append(key))
        made.keep({str(i): 1e9 for i in range(50)})
        wait_until(lambda: made.give_turns() is not None and len(turns) == 50)
        self.assertEqual(50, len(set(turns)))

    def test_stop_waits_for_the_turn_under_way(self):
        begun, go, ended = threading.Event(), threading.Event(), []

        def work(key):
            begun.set()
            go.wait(5)
            ended.append(key)

        made = self.make(work)
        made.keep({"a": 1.0})
        made.give_turns()
        begun.wait(5)
        self.assertFalse(made.stop(0.05))
        go.set()
        self.assertTrue(made.stop(5.0))
        self.assertEqual(["a"], ended)
