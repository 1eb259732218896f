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


"""The limit of open leases holds for orders that come at the same moment."""

from __future__ import annotations

import dataclasses
import datetime
import threading
from collections.abc import Mapping
from typing import Any

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.services import broker
from gpubroker.services import order
from gpubroker.services import ports
from tests.fixtures import bell
from tests.fixtures import cloud
from tests.fixtures import cloud_ports
from tests.fixtures import world
from tests.functional.db import base
from tests.functional.db import samples

LIMIT = 3
#: More than may come in, each in a process of its own.
ORDERS = 6


class Keystone(cloud_ports.Identity):
    """Every order has passed its first look before one goes on."""

    def __init__(self, inside: cloud.Cloud) -> None:
        super().__init__(inside)
        self.all_there = threading.Barrier(ORDERS, timeout=60)

    def delegate(
        self,
        token: str,
        token_info: Mapping[str, Any],
        lease_id: str,
        expires_at: datetime.datetime,
    ) -> leases.Delegation:
        made = super().delegate(token, token_info, lease_id, expires_at)
        self.all_there.wait()
        return made


class LimitTests(base.Tests):
    def setUp(self) -> None:
        super().setUp()
        samples.fill(self.store)
        with self.store.write() as tx:
            tx.flavors.add(samples.flavor("gpu.1", gpus=1, traits=()))
            tx.hosts.update(_roomy(tx.hosts.get("gpu-1")))
        self.cloud = cloud.Cloud(base.Clock(), {})  # type: ignore[arg-type]
        self.identity = Keystone(self.cloud)

    def order(self, store: ports.Store) -> leases.Lease:
        core = broker.Broker(
            store=store,
            clock=base.Clock(),
            bell=bell.Bell(),
            ledger=None,  # type: ignore[arg-type]
            compute=cloud_ports.Compute(self.cloud),
            identity=self.identity,
            settings=broker.Settings(max_leases_per_project=LIMIT),
        )
        body = {
            "name": "train",
            "flavor": "gpu.1",
            "workload": {"type": "server", "image": cloud.IMAGE},
        }
        return order.order(core, world.World.caller(), body)

    def at_once(self) -> list[Any]:
        stores = [self.another_store() for _ in range(ORDERS)]
        return self.together(*[lambda s=s: self.order(s) for s in stores])

    def check(self, found: list[Any], room: int) -> None:
        refused = [f for f in found if isinstance(f, errors.QuotaExceeded)]
        taken = [f for f in found if isinstance(f, leases.Lease)]
        self.assertEqual(
            (room, ORDERS - room), (len(taken), len(refused)), found
        )
        with self.store.read() as tx:
            self.assertEqual(LIMIT, tx.leases.count_open(world.PROJECT))
        # Of those that were refused nothing is left.
        self.assertEqual(room, len(self.cloud.trusts))

    def test_the_first_orders_of_a_project(self) -> None:
        self.check(self.at_once(), LIMIT)

    def test_the_last_one_that_there_is_room_for(self) -> None:
        with self.store.write() as tx:
            tx.leases.wait_turn(world.PROJECT)
            for _ in range(LIMIT - 1):
                tx.leases.add(samples.lease(project_id=world.PROJECT), None)
        self.check(self.at_once(), 1)

    def test_projects_do_not_wait_for_each_other(self) -> None:
        other = self.another_store()
        with self.store.write() as tx:
            tx.leases.wait_turn("p1")
            if self.store.engine.dialect.name != "sqlite":
                (done,) = self.together(lambda: _turn(other, "p2"))
                self.assertIsNone(done)


def _roomy(host: hosts.Host) -> hosts.Host:
    return dataclasses.replace(
        host,
        compute_state=hosts.ComputeState.UP,
        capacities=(
            hosts.Capacity(resource_class="VCPU", total=128),
            hosts.Capacity(resource_class="MEMORY_MB", total=1 << 20),
            hosts.Capacity(resource_class="DISK_GB", total=1000),
        ),
    )


def _turn(store: ports.Store, project_id: str) -> None:
    with store.write() as tx:
        tx.leases.wait_turn(project_id)


LimitTestsOnSQLite, LimitTestsOnMariaDB, LimitTestsOnPostgreSQL = base.bound(
    LimitTests
)
