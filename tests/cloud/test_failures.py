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

from __future__ import annotations

import time

from gpubroker import clock
from gpubroker import clouds
from gpubroker import conf as configuration
from gpubroker import context
from gpubroker.client import errors
from gpubroker.db import store
from gpubroker.services import broker
from gpubroker.services import delegate
from gpubroker.worker import bells
from sandbox.config import gpubroker as config
from tests.cloud import base
from tests.functional.db import samples


class UserErrors(base.CloudTest):
    def refused(self, field, **workload):
        found = self.assertRaises(
            errors.BadRequest,
            self.order,
            "vm.gpu.l40s.1",
            workload=self.workload(**workload),
        )
        self.assertIn(field, str(found))

    def test_an_image_that_is_not_there(self):
        self.refused("image", image="6a4f3c1e-0000-4000-8000-000000000000")

    def test_a_private_image_of_another_project(self):
        image = self.other.image.create_image(
            name="theirs",
            data=b"\0" * 1024,
            disk_format="raw",
            container_format="bare",
            visibility="private",
            wait=True,
        )
        self.addCleanup(self.other.image.delete_image, image.id)
        self.assertEqual("active", self.other.image.get_image(image.id).status)
        self.refused("workload.image: there is no image", image=image.id)

    def test_a_key_pair_that_is_not_there(self):
        self.refused("key", key_name="nobody-has-this")

    def test_a_network_of_another_project(self):
        network = self.other.network.find_network("other-net")
        self.refused("network", networks=[{"network": network.id}])

    def test_an_unknown_flavor(self):
        found = self.assertRaises(
            errors.BadRequest, self.order, "vm.gpu.none.1"
        )
        self.assertIn("vm.gpu.none.1", str(found))

    def test_the_quota_in_nova_ends_it_with_novas_own_words(self):
        self.cloud.set_quota("demo", cores=1)
        self.addCleanup(self.cloud.set_quota, "demo")
        lease = self.order("vm.gpu.l40s.1")
        failed = self.wait(lease, "failed")
        self.assertIn("Quota exceeded", failed.reason)
        self.assertEqual("start_failed", failed.end_cause)


class CloudFailures(base.CloudTest):
    def test_a_failed_spawn_is_tried_again_and_nobody_sees_an_error(self):
        self.cloud.set_control("gpu-l40s-1", fail_spawn=1)
        lease = self.order("vm.gpu.l40s.1")
        done = self.wait(lease)
        self.assertEqual(1, done.attempts)
        self.assertEqual(1, len(self.servers()))

    def test_starts_that_go_on_failing_end_the_lease(self):
        self.cloud.set_control("gpu-l40s-1", fail_spawn=True)
        failed = self.wait(self.order("vm.gpu.l40s.1"), "failed")
        self.assertTrue(failed.reason)

    def test_an_image_that_never_boots_is_felt_by_nobody_else(self):
        host = "gpu-l40s-1"
        image = self.broken_image()
        self.cloud.set_control(host, fail_image=image)
        broken = self.order(
            "vm.gpu.l40s.1", workload=self.workload(image=image)
        )
        self.eventually(
            "its first start has failed",
            lambda: self.gpus.get_lease(broken.id).attempts,
        )
        # On the only host that has such cards, for two projects.
        meanwhile = [
            self.active("vm.gpu.l40s.1"),
            self.wait_as_other(self.order_as_other("vm.gpu.l40s.1")),
        ]
        self.assertFalse(self.gpus.get_lease(broken.id).is_final)
        self.assertEqual([host] * 2, [self.host_of(x) for x in meanwhile])
        self.assertIsNone(self.operator.get_host(host).suspect_until)
        failed = self.wait(broken, "failed")
        self.assertEqual("start_failed", failed.end_cause)
        self.assertEqual(3, failed.attempts)
        self.assertEqual(
            "Start 3 of 3 failed: The server did not come up. If others do, "
            "its image may be the cause.",
            failed.reason,
        )
        kinds = list(self.events(broken))
        self.assertEqual(3, kinds.count("lease.start_failed"))
        # Of all servers only theirs are left, and of the rest nothing.
        self.assertEqual(2, len(self.servers()))
        self.assertEqual(([], 2), (self.shapes(), len(self.tickets())))

    def broken_image(self):
        """Glance has it, and Nova takes it; no server of it comes up."""
        image = self.member.image.create_image(
            name="broken",
            data=b"no boot sector" * 80,
            disk_format="raw",
            container_format="bare",
            wait=True,
        )
        self.addCleanup(self.member.image.delete_image, image.id)
        return image.id

    def order_as_other(self, flavor):
        network = self.other.network.find_network(
            "other-net", ignore_missing=False
        )
        workload = self.workload(networks=[{"network": network.id}])
        # The key pair is the member's own.
        del workload["key_name"]
        return self.other.gpu_broker.create_lease(
            name="other", flavor=flavor, workload=workload
        )

    def wait_as_other(self, lease):
        return self.other.gpu_broker.wait_for_lease(
            lease.id, "active", timeout=base.PATIENCE, interval=0.5
        )

    def host_of(self, lease):
        found = self.operator.get_lease(lease.id)
        return found.servers[0]["host"]

    def test_cancel_while_starting_leaves_nothing(self):
        self.cloud.set_control("gpu-l40s-1", spawn_delay=8)
        lease = self.order("vm.gpu.l40s.1")
        self.eventually("it boots", self.servers)
        ended = self.end(lease)
        self.assertEqual("user", ended.end_cause)

    def test_the_user_deletes_the_server(self):
        lease = self.active("vm.gpu.l40s.1")
        self.member.compute.delete_server(lease.servers[0]["id"])
        ended = self.wait(lease, "ended")
        self.assertEqual("server_gone", ended.end_cause)

    def test_a_worker_killed_in_the_middle_goes_on_where_it_was(self):
        self.cloud.set_control("gpu-l40s-1", spawn_delay=3)
        lease = self.order("vm.gpu.l40s.2")
        self.eventually("it boots", self.servers)
        self.cloud.kill("gpubroker-worker")
        time.sleep(1)
        self.cloud.start("gpubroker-worker")
        self.wait(lease)
        self.assertEqual(1, len(self.servers()))


class DeadOrders(base.CloudTest):
    def test_the_trust_of_an_order_that_died_is_deleted(self):
        """What an API process leaves that is killed when Keystone has made
        the trust and the lease is not written yet."""
        conf = configuration.load(
            [], [str(config.main_file(self.cloud.settings))]
        )
        system = clock.SystemClock()
        found = clouds.build(conf, system)
        core = broker.Broker(
            store=store.Store(conf, system),
            clock=system,
            bell=bells.Bells(),
            ledger=found.ledger,
            compute=found.compute,
            identity=found.identity,
        )
        self.addCleanup(core.store.close)
        lease = samples.lease(
            user_id=self.member.current_user_id,
            project_id=self.member.current_project_id,
        )
        token = self.member.session.get_token()
        facts = self.member.identity.get(
            "/auth/tokens", headers={"X-Subject-Token": token}
        ).json()
        asks = context.RequestContext(auth_token=token, token_info=facts)
        delegate.make(core, asks, lease)
        self.assertEqual(1, len(self.trusts()))
        self.eventually("it is deleted", lambda: not self.trusts())
