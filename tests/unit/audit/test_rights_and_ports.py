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

from gpubroker.audit import snapshot
from tests.unit.audit import base
from tests.unit.audit import builders


class Trusts(base.AuditTest):
    def trust(self, name, user="u1", project="p1"):
        self.small.trusts[name] = snapshot.Trust(
            id=f"trust-{name}", user_id=user, project_id=project
        )

    def test_a_trust_of_a_user_without_a_lease(self):
        self.trust("old", user="u2")
        found = self.finds("trust-left", "trust-old", "u2")
        self.assertIn("openstack trust delete trust-old", found.advice)

    def test_a_trust_of_another_project(self):
        self.trust("old", project="p2")
        self.finds("trust-left", "trust-old", "p2")

    def test_a_trust_more_than_there_are_leases_for(self):
        """Which one it is nobody can tell."""
        self.trust("old")
        found = self.finds("trust-left", "trust-old", "2 of them are in use")
        self.assertNotIn("openstack trust delete", found.advice)

    def test_a_running_lease_needs_none(self):
        del self.small.trusts["go"]
        self.small.change("leases", "go", state="active")
        self.assertNotIn("trust-missing", self.codes())
        self.trust("go")
        self.assertIn("trust-left", self.codes())

    def test_a_lease_that_ends_may_have_one(self):
        self.small.change("leases", "go", state="ending", target="ended")
        self.finds_nothing()
        del self.small.trusts["go"]
        self.finds_nothing()

    def test_a_waiting_lease_without_one(self):
        del self.small.trusts["wait"]
        self.finds("trust-missing", "lease-wait", "2 leases", "1 trusts")

    def test_an_order_just_made_is_given_time(self):
        del self.small.trusts["wait"]
        self.finds_nothing(grace=60)

    def test_a_lease_of_another_identity_needs_none(self):
        del self.small.trusts["wait"]
        self.small.change("leases", "wait", identity_mode="service")
        self.finds_nothing()


class Ports(base.AuditTest):
    def test_a_port_of_a_leases_server_that_is_gone(self):
        self.small.ports["old"] = snapshot.Port(id="port-1", device_id="old")
        self.finds("port-left", "port-1", "lease-old")

    def test_a_port_on_a_gpu_host_of_no_server(self):
        self.small.ports["old"] = snapshot.Port(
            id="port-1", device_id="who", host="g1"
        )
        self.finds("port-left-around", "port-1", severity=base.WARNING)

    def test_a_new_port_is_given_time(self):
        self.small.ports["old"] = snapshot.Port(
            id="port-1",
            device_id="who",
            host="g1",
            created_at=builders.ago(5),
        )
        self.finds_nothing(grace=60)
