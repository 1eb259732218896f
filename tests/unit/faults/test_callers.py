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

"""Who asks: a real socket, and a folder that looks like ``/proc``."""

from __future__ import annotations

import os
import pathlib
import socket

import fixtures
import testtools

from sandbox.faults import callers
from sandbox.faults import sockets

INODES = {(7000, 80): 11, (7001, 80): 12}


class SocketsTest(testtools.TestCase):
    def setUp(self):
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.to = self.server.getsockname()[1]
        self.client = socket.create_connection(self.server.getsockname())
        self.addCleanup(self.client.close)
        self.port = self.client.getsockname()[1]
        link = os.readlink(f"/proc/self/fd/{self.client.fileno()}")
        self.inode = int(link.strip("socket:[]"))

    def test_it_is_that_of_the_connection(self):
        self.assertEqual(self.inode, sockets.inode(self.port, self.to))

    def test_the_other_end_is_another_one(self):
        self.assertNotEqual(self.inode, sockets.inode(self.to, self.port))

    def test_without_a_connection_there_is_none(self):
        self.assertIsNone(sockets.inode(1, self.to))

    def test_a_kernel_that_can_not_be_asked_has_a_list(self):
        self.patch(sockets, "_NETLINK_SOCK_DIAG", 31)
        self.assertEqual(self.inode, sockets.inode(self.port, self.to))
        self.assertIsNone(sockets.inode(1, self.to))


class CallersTest(fixtures.TestWithFixtures):
    def setUp(self):
        super().setUp()
        self.proc = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name, value in (
            ("callers._PROC", self.proc),
            ("callers._lately", []),
            ("sockets.inode", lambda *ports: INODES.get(ports)),
        ):
            self.useFixture(
                fixtures.MonkeyPatch(f"sandbox.faults.{name}", value)
            )
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
