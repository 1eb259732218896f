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

"""The tests that kill the broker do it at every change outside."""

from __future__ import annotations

import inspect

import testtools

from gpubroker.services import ports
from tests.fixtures import tripwire

PORTS = (ports.Ledger, ports.Compute, ports.Identity, ports.UserCloud)
#: All that the ports change outside.
CHANGES = {
    "create_server",
    "delegate",
    "delete_server",
    "drop_class",
    "drop_key",
    "drop_shape",
    "drop_ticket",
    "ensure_key",
    "ensure_shape",
    "ensure_ticket_provider",
    "make_class",
    "put_ticket",
    "revoke",
    "set_reserved",
}


def methods(port):
    return {
        name
        for name, _value in inspect.getmembers(port, inspect.isfunction)
        if not name.startswith("_")
    }


class TripwireTest(testtools.TestCase):
    def test_what_only_reads_is_in_a_port(self):
        there = set().union(*map(methods, PORTS))
        self.assertEqual(set(), tripwire.READS - there)

    def test_no_change_is_taken_for_a_read(self):
        there = set().union(*map(methods, PORTS))
        self.assertEqual(CHANGES, there - tripwire.READS - tripwire.LEADS)
