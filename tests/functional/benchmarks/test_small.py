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

"""The benchmarks still run; what they find is for a quiet machine."""

import subprocess
import sys

import testtools

from tests import suites

_PYTHON = (sys.executable, "-W", "ignore")


class Small(testtools.TestCase):
    def figures(self, name, *options):
        """What it printed below the line about the machine."""
        done = subprocess.run(
            [*_PYTHON, "-m", f"benchmarks.{name}", *options],
            cwd=suites.ROOT,
            capture_output=True,
            text=True,
        )
        self.assertNotIn("Traceback", done.stderr)
        self.assertIn("after:", done.stdout, done.stderr)
        return done.stdout.partition("after:")[2]

    def test_lists(self):
        found = self.figures("lists", "--hosts", "10", "--count", "2")
        self.assertIn("/v1/offers (10 hosts): SQL statements", found)
        self.assertIn("after one host changed: p99", found)
        self.assertIn("first of a process", found)

    def test_plan(self):
        found = self.figures(
            "plan", "--hosts", "5", "--orders", "30", "--count", "1"
        )
        self.assertIn("memory gained", found)

    def test_report(self):
        self.assertIn("SQL statements", self.figures("report", "--count", "2"))

    def test_agent(self):
        self.assertIn("resident", self.figures("agent", "--seconds", "4"))
