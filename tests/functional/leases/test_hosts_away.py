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

"""What a lease says while its host is down, in maintenance or removed."""

from __future__ import annotations

import dataclasses

import testtools

from gpubroker.domain import hosts
from gpubroker.services import discovery
from gpubroker.services import ports
from tests.fixtures import world

HOST = "gpu-1"


def service(host=HOST, state="up", status="enabled"):
    return ports.ComputeService(
        host=host, state=state, status=status, disabled_reason="new disks"
    )


class HostsAway(testtools.TestCase):
    def begin(self, *names, **more):
        self.world = self.useFixture(world.World(names, cards=2))
        lease = self.world.order(**more)
        return self.world.settle(lease.id, "active")

    def nova_says(self, found, host=HOST):
        self.note(host, *discovery.compute_state(found))

    def note(self, host, state, reason):
        with self.world.store.write() as tx:
            row = tx.hosts.get(host)
            tx.hosts.update(
                dataclasses.replace(
                    row, compute_state=state, compute_reason=reason
                )
            )

    def reason(self, lease):
        self.world.turn()
        found = self.world.get(lease.id)
        self.assertEqual("active", found.state)
        return found.reason

    def test_it_is_told_and_goes_away_by_itself_and_nothing_is_freed(self):
        lease = self.begin(HOST, flavor="gpu.1")
        other = self.world.order("other", flavor="gpu.1")
        for found, words in (
            (service(state="down"), "does not answer"),
            (service(status="disabled"), "in maintenance"),
            (service(status="disabled", state="down"), "in maintenance"),
            (None, "no longer has the host"),
        ):
            self.nova_says(found)
            said = self.reason(lease)
            self.assertIn(words, said)
            self.assertNotIn(HOST, said)
            self.assertEqual("queued", self.world.get(other.id).state)
            with self.world.store.read() as tx:
                (card,) = tx.devices.many(lease.nodes[0].planned)
            self.assertEqual(lease.nodes[0].id, card.claimed_by)
            self.assertEqual(1, card.reserved)
        self.nova_says(service())
        self.assertEqual("", self.reason(lease))
        said = [
            kind
            for kind in self.world.events(lease.id)
            if kind.startswith(("lease.host", "lease.degr", "lease.rest"))
        ]
        self.assertEqual(["lease.host_away"] * 3 + ["lease.host_back"], said)
        self.world.settle(other.id, "active")

    def test_cards_that_are_not_there_are_told_first(self):
        lease = self.begin(HOST, flavor="gpu.1")
        self.nova_says(service(state="down"))
        tree = self.world.trees[HOST]
        tree.delete_server(lease.nodes[0].server_id)
        self.assertIn("does not hold", self.reason(lease))

    def test_of_several_servers_it_says_which(self):
        lease = self.begin(HOST, "gpu-2", flavor="gpu.2", nodes=2)
        (host,) = (n.host for n in lease.nodes if n.index == 1)
        self.nova_says(service(host, state="down"), host)
        self.assertRegex(self.reason(lease), "^Node 1: The host of")
        self.nova_says(service(host), host)
        self.assertEqual("", self.reason(lease))
        self.assertIn("lease.host_back", self.world.events(lease.id))

    def test_a_host_that_nova_only_calls_otherwise_is_not_away(self):
        lease = self.begin(HOST, flavor="gpu.1")
        self.note(HOST, hosts.ComputeState.UNKNOWN, "Nova calls it gpu-7.")
        self.assertEqual("", self.reason(lease))
