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

"""Who starts, who waits, and what is refused."""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses

import testtools

from gpubroker import errors
from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services import end
from gpubroker.services import plan
from tests.fixtures import world


class QueueCase(testtools.TestCase):
    hosts = ("gpu-1",)

    def setUp(self):
        super().setUp()
        self.world = self.useFixture(
            world.World(self.hosts, cards=2, max_leases_per_project=3)
        )


class Waiting(QueueCase):
    def test_of_two_orders_for_the_last_two_cards_the_first_gets_them(self):
        first, second = self.world.order("first"), self.world.order("second")
        self.world.settle(first.id, "active")
        waiting = self.world.get(second.id)
        self.assertEqual(leases.State.QUEUED, waiting.state)
        self.assertIn("2 in use", waiting.reason)
        end.end(self.world.core, first.id)
        second = self.world.settle(second.id, "active")
        self.assertEqual("", second.reason)

    def test_an_order_for_a_zone_goes_to_a_host_of_it(self):
        with self.world.store.write() as tx:
            host = tx.hosts.get("gpu-1")
            tx.hosts.update(dataclasses.replace(host, zone="az1"))
        self.assertRaisesRegex(
            errors.Invalid,
            "in zone nova",
            self.world.order,
            workload={"availability_zone": "nova"},
        )
        lease = self.world.order(workload={"availability_zone": "az1"})
        self.world.settle(lease.id, "active")

    def test_with_a_boot_volume_the_disk_of_the_host_does_not_count(self):
        with self.world.store.write() as tx:
            small = tx.flavors.get("gpu.2")
            tx.flavors.update(dataclasses.replace(small, disk_gib=5000))
        self.assertRaisesRegex(errors.Invalid, "disk", self.world.order)
        lease = self.world.order(workload={"boot_volume_gib": 20})
        self.world.settle(lease.id, "active")
        (machine,) = self.world.cloud.machines.values()
        self.assertEqual(0, machine.shape.disk_gib)

    def test_an_order_says_why_it_waits_only_when_that_changes(self):
        self.world.settle(self.world.order("first").id, "active")
        second = self.world.order("second")
        self.world.turn()
        before = self.world.get(second.id)
        for _turn in range(3):
            self.world.turn()
        self.assertEqual(
            before.generation, self.world.get(second.id).generation
        )
        self.assertIn("lease.waiting", self.world.events(second.id))

    def test_a_fenced_card_is_not_given_out(self):
        with self.world.store.write() as tx:
            card = tx.devices.of_host("gpu-1")[0]
            tx.fences.add(
                fences.Fence(device_id=card.id, reason=fences.Reason.OPERATOR)
            )
        lease = self.world.order()
        self.world.turn()
        waiting = self.world.get(lease.id)
        self.assertEqual("queued", waiting.state)
        self.assertIn("1 held back", waiting.reason)
        with self.world.store.write() as tx:
            tx.fences.remove(card.id, fences.Reason.OPERATOR)
        self.world.settle(lease.id, "active")

    def test_a_queued_lease_can_be_cancelled(self):
        self.world.settle(self.world.order("first").id, "active")
        second = self.world.order("second")
        end.end(self.world.core, second.id)
        second = self.world.settle(second.id, "ended")
        self.assertEqual(leases.EndCause.USER, second.end_cause)
        self.assertEqual(1, len(self.world.cloud.machines))
        self.assertEqual([], list(self.world.cloud.trusts))


class AllOrNone(QueueCase):
    hosts = ("gpu-1", "gpu-2")

    def test_two_nodes_start_together(self):
        lease = self.world.order(nodes=2)
        lease = self.world.settle(lease.id, "active")
        self.assertEqual(
            ["gpu-1", "gpu-2"], sorted(n.host for n in lease.nodes)
        )
        names = {m.seen.name for m in self.world.cloud.machines.values()}
        self.assertEqual({"train-0", "train-1"}, names)

    def test_two_nodes_wait_while_there_is_room_for_one(self):
        self.world.settle(self.world.order("first").id, "active")
        lease = self.world.order(nodes=2)
        for _turn in range(3):
            self.world.turn()
        self.assertEqual("queued", self.world.get(lease.id).state)
        self.assertEqual(1, len(self.world.cloud.machines))

    def test_no_card_is_in_two_open_claims_whoever_plans(self):
        """Promise 1, with planners that do not know of each other."""
        for name in ("a", "b", "c"):
            self.world.order(name, flavor="gpu.2")

        def starve(index):
            # Each takes the pool from the others as if they were dead.
            core = dataclasses.replace(
                self.world.core,
                settings=dataclasses.replace(
                    self.world.core.settings, ownership_seconds=0
                ),
            )
            return plan.plan_pool(core, pools.DEFAULT, f"worker-{index}")

        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            started = [x for ids in threads.map(starve, range(8)) for x in ids]
        self.assertEqual(2, len(started))
        self.assertEqual(2, len(set(started)))
        with self.world.store.read() as tx:
            planned = [
                device
                for lease in tx.leases.in_state([leases.State.STARTING])
                for node in lease.nodes
                for device in node.planned
            ]
        self.assertEqual(4, len(set(planned)))


class Refused(QueueCase):
    def refused(self, error, words, **more):
        found = self.assertRaises(error, self.world.order, **more)
        self.assertIn(words, found.message)
        self.assertEqual([], self.world.open())
        self.assertEqual({}, self.world.cloud.trusts)
        return found

    def test_what_can_never_fit_is_refused_with_the_reason(self):
        self.refused(errors.Invalid, "more than any host", flavor="gpu.8")
        self.refused(errors.Invalid, "more than pool", nodes=2)

    def test_unknown_names_are_refused(self):
        found = self.refused(errors.Invalid, "no flavor", flavor="nope")
        self.assertEqual("flavor", found.fields["field"])
        found = self.refused(errors.Invalid, "no pool", pool="nope")
        self.assertEqual("pool", found.fields["field"])

    def test_a_pool_of_other_projects_is_not_known(self):
        with self.world.store.write() as tx:
            tx.pools.add(pools.Pool(name="theirs", projects=("other",)))
        self.refused(errors.Invalid, "no pool theirs", pool="theirs")

    def test_an_image_that_is_not_there_is_refused(self):
        found = self.refused(
            errors.Invalid, "no image", workload={"image": "nope"}
        )
        self.assertEqual("workload.image", found.fields["field"])

    def test_a_name_that_is_too_long_for_its_servers_is_refused(self):
        found = self.refused(
            errors.Invalid, "at most 253", name="x" * 254, nodes=2
        )
        self.assertEqual("name", found.fields["field"])
        self.world.order("x" * 255, flavor="gpu.1")

    def test_an_image_that_does_not_fit_the_flavor_is_refused(self):
        self.world.cloud.image_needs = (1025, 0)
        self.refused(errors.Invalid, "1025 MiB")
        self.world.cloud.image_needs = (1024, 11)
        self.refused(errors.Invalid, "11 GiB")
        self.world.cloud.image_needs = (1024, 10)
        self.world.order()

    def test_impossible_numbers_are_refused(self):
        self.refused(errors.Invalid, "nodes", nodes=0)
        self.refused(errors.Invalid, "nodes", nodes=10**9)
        self.refused(errors.Invalid, "duration", duration=59)
        self.refused(errors.Invalid, "duration", duration=10**9)

    def test_user_data_has_to_be_base64_and_small(self):
        self.refused(errors.Invalid, "base64", workload={"user_data": "%%%"})
        big = base64.b64encode(bytes(49152)).decode()
        self.refused(errors.Invalid, "65536", workload={"user_data": big})

    def test_a_port_can_not_serve_two_nodes(self):
        self.refused(
            errors.Invalid,
            "several nodes",
            nodes=2,
            flavor="gpu.1",
            workload={"networks": [{"port": "p"}]},
        )

    def test_too_many_open_leases_are_refused(self):
        for _number in range(3):
            self.world.order(flavor="gpu.1")
        error = self.assertRaises(
            errors.QuotaExceeded, self.world.order, flavor="gpu.1"
        )
        self.assertIn("[api] max_leases_per_project", str(error))
        self.assertEqual(3, len(self.world.cloud.trusts))

    def test_a_service_that_is_down_is_said_to_be_down(self):
        self.world.cloud.down = {"keystone"}
        self.refused(errors.Unavailable, "keystone")

    def test_a_trust_is_taken_back_when_the_row_is_not_written(self):
        class Full:
            """A store that can not be written."""

            def __init__(self, real):
                self.read, self.now = real.read, real.now

            def write(self):
                raise errors.Unavailable("The database: disk full")

        self.world.core = dataclasses.replace(
            self.world.core, store=Full(self.world.store)
        )
        self.refused(errors.Unavailable, "disk full")
