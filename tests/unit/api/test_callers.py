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

import logging
import subprocess
import sys
import threading
import time

import fixtures
import testtools

from gpubroker.api import callers


class Callers(testtools.TestCase):
    def made(self, answers):
        """Answers of the looks at each lease, first first."""
        self.looks = []

        def drive(lease_id, cloud):
            self.looks.append((lease_id, cloud))
            answer = answers[lease_id].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return callers.Callers(drive, time.monotonic)

    def test_each_until_its_last_look(self):
        found = self.made({"a": [0.0, 0.01, None], "b": [None]})
        found.take("a", "cloud-a")
        found.take("b", "cloud-b")
        self.assertTrue(found.rest(10))
        self.assertEqual(
            [("a", "cloud-a")] * 3 + [("b", "cloud-b")], sorted(self.looks)
        )

    def test_a_new_one_does_not_wait_for_another(self):
        found = self.made({"a": [600.0], "b": [None]})
        found.take("a", "")
        found.take("b", "")
        for _look in range(500):
            if ("b", "") in self.looks:
                return
            time.sleep(0.01)
        self.fail("not looked at")

    def test_it_goes_on_after_something_unforeseen(self):
        self.patch(callers, "_AGAIN", 0.01)
        log = self.useFixture(fixtures.FakeLogger(level=logging.ERROR))
        found = self.made({"a": [ValueError("boom"), None]})
        found.take("a", "")
        self.assertTrue(found.rest(10))
        self.assertIn("boom", log.output)

    def test_those_that_hang_do_not_keep_others_waiting(self):
        go_on, looked = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def drive(lease_id, cloud):
            (looked.set if lease_id == "quick" else go_on.wait)()

        found = callers.Callers(drive, time.monotonic)
        for number in range(callers.THREADS - 1):
            found.take(f"slow-{number}", "")
        found.take("quick", "")
        self.assertTrue(looked.wait(10))
        go_on.set()
        self.assertTrue(found.rest(10))

    def test_no_more_threads_than_allowed_and_no_lease_is_lost(self):
        self.patch(callers, "THREADS", 3)
        running, most, looks = [], [], []

        def drive(lease_id, cloud):
            self.assertNotIn(lease_id, running)
            running.append(lease_id)
            most.append(len(running))
            time.sleep(0.002)
            running.remove(lease_id)
            looks.append(lease_id)
            return None if looks.count(lease_id) == 5 else 0.001

        found = callers.Callers(drive, time.monotonic)
        names = [f"lease-{number}" for number in range(9)]
        for name in names:
            found.take(name, "")
        self.assertTrue(found.rest(10))
        self.assertEqual(sorted(names * 5), sorted(looks))
        self.assertEqual(3, max(most))

    def test_its_thread_ends_with_the_last_and_begins_again(self):
        before = threading.active_count()
        found = self.made({"a": [None], "b": [None]})
        for lease_id in ("a", "b"):
            found.take(lease_id, "")
            self.assertTrue(found.rest(10))
        self.assertEqual(2, len(self.looks))
        self.assertLessEqual(threading.active_count(), before + 1)


_GOING = """
import atexit, time
from gpubroker.api import callers

def drive(lease_id, cloud):
    time.sleep(0.3)
    print("made", lease_id, flush=True)

found = callers.Callers(drive, time.monotonic)
atexit.register(found.finish)
found.take("one", None)
"""


class Going(testtools.TestCase):
    def test_a_process_that_is_told_to_go_uses_the_tokens_first(self):
        said = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _GOING],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual("made one\n", said.stdout)

    def test_no_longer_than_it_may(self):
        go = threading.Event()
        self.addCleanup(go.set)
        self.patch(callers, "GRACE", 0.05)
        found = callers.Callers(lambda *_: go.wait(), time.monotonic)
        found.take("one", None)
        with self.assertLogs("gpubroker.api.callers", "WARNING"):
            found.finish()
