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

"""What becomes of leases whose users may do less and less."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import threading

from gpubroker.client import errors
from sandbox import layout as layouts
from tests.cloud import base
from tests.cloud import people
from tests.fixtures import effort


class Events(people.PeopleTest):
    def test_while_it_waits_and_while_it_runs(self):
        names = ("role", "user", "deleted", "project", "trust", "password")
        people = {name: self.person(name) for name in names}
        self.close_all()
        leases = {}
        for name, who in people.items():
            before = set(self.trusts())
            leases[name] = self.order_as(who, name)
            if name == "trust":
                (trust,) = set(self.trusts()) - before
        behind = self.order("vm.gpu.h100.2", name="behind")
        self.lose(people, trust)
        self.open_all()
        # Those who can not start keep nobody behind them from starting.
        self.wait(behind)
        self.until(leases["password"], "active")
        self.until(leases["role"], "queued", "has lost a role")
        self.until(leases["user"], "queued", "the user is disabled")
        self.until(leases["project"], "queued", "The project is disabled")
        for name in ("deleted", "trust"):
            failed = self.until(leases[name], "failed", "trust")
            self.assertIn("Order again", failed.reason)
        self.assertEqual(2, len(self.servers()))
        base.assert_clean(base.audit(self.cloud))
        self.give_back(people)
        for name in ("role", "user", "project"):
            self.until(leases[name], "active")
        # Not one of them runs in the user's name alone.
        del people["deleted"]
        self.lose(people, None)
        self.keystone.delete_user(people["password"].user)
        self.end_all(leases)
        self.give_back(people)

    def lose(self, people, trust):
        self.keystone.unassign_project_role_from_user(
            people["role"].project, people["role"].user, self.member_role
        )
        self.keystone.update_user(people["user"].user, is_enabled=False)
        self.keystone.update_project(
            people["project"].project, is_enabled=False
        )
        if trust is None:
            return
        self.keystone.delete_user(people["deleted"].user)
        self.admin.identity.delete(f"/OS-TRUST/trusts/{trust}")
        self.keystone.update_user(people["password"].user, password="new")

    def give_back(self, people):
        self.keystone.assign_project_role_to_user(
            people["role"].project, people["role"].user, self.member_role
        )
        self.keystone.update_user(people["user"].user, is_enabled=True)
        self.keystone.update_project(
            people["project"].project, is_enabled=True
        )

    def end_all(self, leases):
        for name in ("role", "user", "project", "password"):
            self.operator.delete_lease(leases[name].id)
        for name in ("role", "user", "project", "password"):
            self.until(leases[name], "ended")

    def test_a_lease_that_waits_for_rights_ends_and_its_trust_goes_later(self):
        who = self.person("ends")
        self.close_all()
        lease = self.order_as(who, "ends", duration=3600)
        self.keystone.update_user(who.user, is_enabled=False)
        self.open_all()
        self.until(lease, "queued", "the user is disabled")
        self.operator.delete_lease(lease.id)
        self.until(lease, "ended")
        # Nobody can delete it now but an administrator.
        self.assertEqual(1, len(self.trusts()))
        self.keystone.update_user(who.user, is_enabled=True)
        self.keystone.update_user(who.user, password="again")
        self.eventually(
            "the sweep deletes it",
            lambda: not self.trusts(),
        )

    def test_its_time_is_over_while_its_user_is_disabled(self):
        who = self.person("expires")
        lease = self.until(self.order_as(who, "e", duration=60), "active")
        self.keystone.update_user(who.user, is_enabled=False)
        ended = self.until(lease, "ended")
        self.assertEqual("expiry", ended.end_cause)


class Groups(people.PeopleTest):
    def test_roles_by_a_group_that_the_user_leaves(self):
        """As those of federated users are, with memberships that end."""
        group = self.keystone.create_group(
            name=f"group-{self.made}", domain_id="default"
        )
        self.addCleanup(self.keystone.delete_group, group)
        who = self.person("group", group)
        self.close_all()
        lease = self.order_as(who, "group")
        self.keystone.remove_user_from_group(who.user, group)
        self.open_all()
        held = self.until(lease, "queued", "sign in again")
        self.assertEqual([None], [one["id"] for one in held.servers])
        self.keystone.add_user_to_group(who.user, group)
        self.until(lease, "active")
        self.keystone.remove_user_from_group(who.user, group)
        self.operator.delete_lease(lease.id)
        self.until(lease, "ended")


class Keys(people.PeopleTest):
    def test_keys_of_keystone_are_rotated(self):
        """Tokens of the old key stay good, as operators are told to see to:
        Nova itself does not get over it when they do not."""
        who = self.person("keys")
        self.close_all()
        waiting = self.order_as(who, "waits")
        self.rotate()
        self.open_all()
        self.until(waiting, "active")
        again = self.connect(who.user, who.project).gpu_broker
        again.delete_lease(waiting.id)
        self.until(waiting, "ended")

    def rotate(self):
        owner = pwd.getpwuid(os.getuid()).pw_name
        group = grp.getgrgid(os.getgid()).gr_name
        done = subprocess.run(
            [
                layouts.cloud_program("keystone-manage"),
                "--config-file",
                str(self.cloud.layout.config / "keystone" / "keystone.conf"),
                "fernet_rotate",
                "--keystone-user",
                owner,
                "--keystone-group",
                group,
            ],
            capture_output=True,
            text=True,
        )
        self.assertEqual(0, done.returncode, done.stderr)


class Robots(people.PeopleTest):
    """With a token that Keystone lets hand on no rights."""

    def setUp(self):
        super().setUp()
        self.who = self.person("robot")
        self.robot = self.robot_of(self.who)

    def server(self, lease):
        found = self.seen(lease).servers[0]["id"]
        return self.admin.compute.get_server(found)


class Credentials(Robots):
    def test_what_can_start_at_once_is_made_with_the_token_itself(self):
        lease = self.order_as(self.robot, "now")
        self.assertEqual("caller", lease.identity_mode)
        self.assertEqual([], self.trusts())
        self.until(lease, "active")
        self.assertEqual(self.who.user.id, self.server(lease).user_id)
        self.robot.gpus.delete_lease(lease.id)
        self.until(lease, "ended")

    def test_an_api_that_is_told_to_go_uses_the_token_first(self):
        self.cloud.stop("gpubroker-worker")
        lease = self.order_as(self.robot, "going")
        going = threading.Thread(
            target=self.cloud.stop, args=("gpubroker-api",)
        )
        going.start()
        # What has to be there before the POST is made by the worker.
        self.cloud.start("gpubroker-worker")
        going.join()
        self.cloud.start("gpubroker-api")
        self.until(lease, "active")
        self.robot.gpus.delete_lease(lease.id)
        self.until(lease, "ended")

    def test_what_has_to_wait_needs_the_operators_word(self):
        self.robot.connection.compute.create_keypair(
            name="robot", public_key=people.PUBLIC_KEY
        )
        self.close_all()
        refused = self.assertRaises(
            errors.Conflict, self.order_as, self.robot, "no"
        )
        self.assertIn("Order with a password", str(refused))
        ours = self.keystone.find_user("gpubroker", ignore_missing=False)
        self.keystone.assign_project_role_to_user(
            self.who.project, ours, self.member_role
        )
        lease = self.order_as(
            self.robot, "later", workload={"key_name": "robot"}
        )
        self.assertEqual("service", lease.identity_mode)
        self.open_all()
        self.until(lease, "active")
        server = self.server(lease)
        self.assertEqual(ours.id, server.user_id)
        self.assertEqual(self.who.project.id, server.project_id)
        self.assertIn("gpubroker-", server.key_name)
        self.assertEqual([], list(self.broker.compute.keypairs()))
        self.keystone.unassign_project_role_from_user(
            self.who.project, ours, self.member_role
        )
        self.robot.gpus.delete_lease(lease.id)
        self.until(lease, "ended")


if effort.LONG:
    # Two minutes in which nothing happens.

    class LostTokens(Robots):
        def test_an_api_that_is_killed_loses_the_token_and_nothing_else(self):
            self.cloud.stop("gpubroker-worker")
            lease = self.order_as(self.robot, "lost")
            self.cloud.kill("gpubroker-api")
            self.cloud.start("gpubroker-api")
            self.cloud.start("gpubroker-worker")
            failed = self.until(lease, "failed", "Identity lost", 300)
            self.assertEqual([None], [one["id"] for one in failed.servers])
