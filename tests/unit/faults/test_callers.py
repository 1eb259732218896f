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

"""Who asks, told from a folder that looks like ``/proc``."""

from __future__ import annotations

import pathlib

import fixtures

from sandbox.faults import callers

HEAD = "sl local_address rem_address st tx_queue tr retrnsmt uid timeout inode"
LINE = " 0: 0100007F:{:04X} 0100007F:{:04X} 01 0:0 00:0 0 0 0 {} 1 0 20 4 30"


class CallersTest(fixtures.TestWithFixtures):
    def setUp(self):
        super().setUp()
        self.proc = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(
            fixtures.MonkeyPatch("sandbox.faults.callers._PROC", self.proc)
        )
        (self.proc / "net").mkdir()
        lines = [HEAD, LINE.format(7000, 80, 11), LINE.format(7001, 80, 12)]
        (self.proc / "net/tcp").write_text("\n".join(lines))
        for pid in (41, 42):
            (self.proc / str(pid) / "fd").mkdir(parents=True)

    def opened(self, pid, number, what):
        (self.proc / str(pid) / "fd" / str(number)).symlink_to(what)

    def test_it_is_who_has_the_socket_open(self):
        self.opened(41, 3, "socket:[11]")
        self.opened(42, 3, "socket:[12]")
        self.assertEqual(42, callers.pid_of(7001, 80))
        self.assertIsNone(callers.pid_of(80, 7001))

    def test_what_its_threads_close_meanwhile_hides_it_not(self):
        """``readlink`` fails for a file that was closed after the folder
        was listed, as it does for one that is no link."""
        for number in range(50):
            (self.proc / "42" / "fd" / str(100 + number)).touch()
        # Two of them: a folder is listed in an order of its own, and one
        # may come before all that were closed.
        self.opened(42, 3, "socket:[11]")
        self.opened(42, 4, "socket:[12]")
        found = [callers.pid_of(port, 80) for port in (7000, 7001)]
        self.assertEqual([42, 42], found)
