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

"""Nova calls a server deleted a moment before it is; when what comes then
fails, it is there again, in error, with all that it had."""

from __future__ import annotations

import dataclasses

from gpubroker.services import drive
from gpubroker.services import end
from tests.fixtures import cloud_ports
from tests.functional.leases import test_adoption


class Failing(cloud_ports.Compute):
    """Nova, whose first deletion of each server fails at its end.

    :ivar shown: what each such server is shown as.
    """

    def __init__(self, cloud):
        super().__init__(cloud)
        self.shown = {}

    def server(self, server_id):
        found = super().server(server_id)
        if found is None or server_id not in self.shown:
            return found
        return dataclasses.replace(found, status=self.shown[server_id])

    def delete_server(self, server_id):
        if server_id in self.shown:
            super().delete_server(server_id)
        else:
            self.shown[server_id] = "DELETED"

    def fails(self):
        self.shown = dict.fromkeys(self.shown, "ERROR")


class Undeleted(test_adoption.AdoptionCase):
    def setUp(self):
        super().setUp()
        self.nova = Failing(self.cloud)
        self.core = dataclasses.replace(self.core, compute=self.nova)

    def ends(self, lease):
        end.end(self.core, lease.id)
        self.turns(lease, 3)
        self.assertEqual("ending", self.world.get(lease.id).state)
        self.assertEqual({"DELETED"}, set(self.nova.shown.values()))
        self.nova.fails()
        self.turns(lease, 20)
        self.assertEqual("ended", self.world.get(lease.id).state)
        self.assertEqual({}, self.cloud.machines)

    def turns(self, lease, many):
        for _turn in range(many):
            self.world.clock.advance(2)
            self.world.cloud.progress()
            drive.drive(self.core, lease.id)

    def test_it_is_deleted_again(self):
        self.ends(self.world.settle(self.world.order().id, "active"))

    def test_so_is_one_that_was_adopted(self):
        self.ends(self.adopted())
