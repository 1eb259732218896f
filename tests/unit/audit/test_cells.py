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

"""A cell of Nova that is down hides what is in it, and makes nothing wrong."""

from __future__ import annotations

from gpubroker.audit import snapshot
from tests.unit.audit import base
from tests.unit.audit import builders


class Cells(base.AuditTest):
    """Host g1 and its servers are in it."""

    def setUp(self):
        super().setUp()
        for name in ("run", "around"):
            self.hide(name)
        self.small.change("services", "g1", up=False, hidden=True)

    def hide(self, name):
        """As a list of Nova's shows it."""
        self.small.servers[name] = snapshot.Server(
            id=name,
            name="",
            project_id=self.small.servers[name].project_id,
            status="UNKNOWN",
            hidden=True,
        )

    def down(self):
        return self.finds(
            "cell-down", "host g1", "2 servers", severity=base.WARNING
        )

    def test_it_is_told_once_and_by_name(self):
        found = self.down()
        self.assertTrue(found.incomplete)
        self.assertIn("not judged", found.sentence)

    def test_a_server_alone_is_enough(self):
        """Hosts are only listed of where a compute was ever mapped."""
        self.small.change("services", "g1", up=True, hidden=False)
        self.finds("cell-down", "2 servers", severity=base.WARNING)

    def test_a_server_without_a_lease_is_not_judged(self):
        old = builders.start("0c", 3)
        self.small.servers["old"] = self.small.server("old", old)
        self.small.change("servers", "old", hidden=True)
        self.small.tickets["old"] = self.small.ticket(old, "old")
        self.finds("cell-down", "3 servers", severity=base.WARNING)

    def test_a_server_that_asks_for_it_may_be_one_of_the_cell(self):
        """Its POST was not answered, so that its lease has no id of it."""
        self.small.servers["go"] = self.small.server("go")
        self.hide("go")
        places = {"g1.example.org": ("go",)}
        self.small.change("tickets", "go", places=places)
        self.finds("cell-down", severity=base.WARNING)

    def test_moves_of_its_servers_are_not_known(self):
        """Nova leaves them out of its list without a word."""
        places = {"g1.example.org": ("run", "move")}
        self.small.change("tickets", "run", places=places)
        self.small.change("cards", "g1-4", holders={"move": 1})
        self.small.change("devices", "g1-4", consumers=("move",))
        self.down()

    def test_a_server_that_may_come_back_from_the_shelf(self):
        for card in ("g1-0", "g1-1"):
            self.small.change("devices", card, fences=())
            self.small.change("cards", card, reserved=0)
        self.down()

    def test_what_needs_no_cell_is_told_as_ever(self):
        old = builders.shape(builders.start("0c", 3))
        self.small.flavors["old"] = snapshot.Flavor(
            id=old, name=old, public=False
        )
        self.small.change("cards", "g1-0", holders={"run": 1, "around": 1})
        self.small.change("devices", "g1-0", consumers=("run", "around"))
        self.assertEqual(
            ["card-held-twice", "cell-down", "shape-left"], self.codes()
        )

    def test_a_server_that_is_gone_is_gone(self):
        """Which servers there are, Nova knows without their cells; whether
        a move holds the cards, it does not."""
        del self.small.servers["run"]
        self.assertEqual(
            ["cell-down", "lease-server-gone", "port-left"], self.codes()
        )
