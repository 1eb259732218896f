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
"""Servers that bear the marks of a lease and are none of its.

Every member of a project reads the tag, the name and the metadata of its
servers in Nova, and may give them to others. Where a POST got no answer the
broker looks for its server by that tag: that is when a forged one counts.
"""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import testtools

from gpubroker.domain import leases
from gpubroker.services import end
from gpubroker.services import names
from gpubroker.services import ports
from tests.fixtures import cloud_ports
from tests.fixtures import world

#: Who made it: project, user, flavor; ``None`` = as the lease's own server.
FORGERS: dict[str, dict[str, Any]] = {
    "another project": {"project_id": "elsewhere", "user_id": "mallory"},
    "another project with the flavor": {"project_id": "elsewhere"},
    "another user of the project": {"user_id": "mallory"},
    "the user, from a flavor of their own": {"flavor": "m1.large"},
    "nobody that Nova tells": {"flavor": ""},
}


#: What the auditor says of them when there is no lease any more.
TOLD = {"server-left", "server-tag-forged"}


class Compute(cloud_ports.Compute):
    """Nova, and what it was told to delete."""

    def __init__(self, cloud: Any) -> None:
        super().__init__(cloud)
        self.deleted: list[str] = []

    def delete_server(self, server_id: str) -> None:
        self.deleted.append(server_id)
        super().delete_server(server_id)


class Forged(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = self.useFixture(world.World(["gpu-1"], cards=4))
        self.cloud = self.world.cloud
        self.nova = Compute(self.cloud)
        self.world.core = dataclasses.replace(
            self.world.core, compute=self.nova
        )

    def forge(self, lease_id: str) -> set[str]:
        """One of each kind for the lease's node, as it is now."""
        lease = self.world.get(lease_id)
        (node,) = lease.nodes
        made = [self._like(lease, node, more) for more in FORGERS.values()]
        self.cloud.strangers += made
        return {server.id for server in made}

    def _like(
        self, lease: leases.Lease, node: leases.Node, more: dict[str, Any]
    ) -> ports.Server:
        return dataclasses.replace(
            ports.Server(
                id=str(uuid.uuid4()),
                name=names.server(lease, node),
                status="ACTIVE",
                project_id=lease.project_id,
                user_id=lease.user_id,
                flavor=node.shape_id or "",
                host=node.host,
                hypervisor_hostname=node.host,
                tags=(names.tag(node),),
            ),
            **more,
        )

    def starting(self, fate: str) -> str:
        """A lease whose POST got no answer."""
        self.cloud.fates = [fate]
        lease = self.world.order()
        self.world.run(lambda: self.cloud.posts == 1)
        return lease.id

    def started(self, lease_id: str, forged: set[str]) -> None:
        lease = self.world.settle(
            lease_id, "active", told=["server-doubled", "server-tag-forged"]
        )
        (node,) = lease.nodes
        self.assertIn(node.server_id, self.cloud.machines)
        self.assertEqual(set(), forged & set(self.nova.deleted))
        self.assertEqual("", lease.reason)

    def ended(self, lease_id: str, forged: set[str]) -> None:
        end.end(self.world.core, lease_id)
        self.world.settle(lease_id, "ended", told=TOLD)
        self.nothing_else_is_left(forged)

    def nothing_else_is_left(self, forged: set[str]) -> None:
        """They stay, and the auditor tells an operator of each."""
        self.assertEqual(set(), forged & set(self.nova.deleted))
        told = {
            (finding.code, thing)
            for finding in self.world.auditor.found()
            for thing in finding.about
        }
        self.assertEqual(forged, {thing for _code, thing in told})
        self.assertEqual(TOLD, {code for code, _ in told})
        self.cloud.strangers.clear()
        self.assertEqual({}, self.world.leftovers())

    def test_not_taken_for_one_that_was_never_made(self) -> None:
        lease_id = self.starting("unmade")
        forged = self.forge(lease_id)
        self.started(lease_id, forged)
        self.assertEqual(2, self.cloud.posts)
        self.ended(lease_id, forged)

    def test_not_taken_for_one_that_turns_up_later(self) -> None:
        lease_id = self.starting("lost")
        forged = self.forge(lease_id)
        self.started(lease_id, forged)
        self.assertEqual(1, self.cloud.posts)
        self.ended(lease_id, forged)

    def test_not_deleted_as_a_double(self) -> None:
        """After a second POST the first one's server may still turn up, and
        is removed then."""
        lease_id = self.starting("late")
        forged = self.forge(lease_id)
        self.started(lease_id, forged)
        self.world.clock.advance(120)
        self.world.turn()
        self.started(lease_id, forged)
        self.ended(lease_id, forged)

    def test_not_deleted_with_a_start_that_is_cancelled(self) -> None:
        lease_id = self.starting("unmade")
        forged = self.forge(lease_id)
        self.ended(lease_id, forged)

    def test_not_deleted_with_a_lease_that_ran(self) -> None:
        lease = self.world.order()
        self.world.settle(lease.id, "active")
        forged = self.forge(lease.id)
        self.world.turn()
        self.started(lease.id, forged)
        self.ended(lease.id, forged)

    def test_not_a_reason_to_go_on_when_the_real_one_is_gone(self) -> None:
        lease = self.world.order()
        lease = self.world.settle(lease.id, "active")
        forged = self.forge(lease.id)
        self.cloud.user_deletes(lease.nodes[0].server_id)
        self.world.settle(lease.id, "ended", told=TOLD)
        self.nothing_else_is_left(forged)
