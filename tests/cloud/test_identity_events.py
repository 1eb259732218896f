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

import dataclasses
import grp
import os
import pwd
import subprocess
import time
from dataclasses import dataclass
from typing import Any

import keystoneauth1.identity
import keystoneauth1.session
import openstack.connection

from gpubroker.client import errors
from gpubroker.client import sdk
from sandbox import layout as layouts
from sandbox import tenants
from sandbox.config import settings
from tests.cloud import base
from tests.fixtures import effort

FLAVOR = "vm.gpu.h100.1"
HOST = "gpu-h100-1"
PUBLIC_KEY = (
    "ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q"
    " robot"
)


@dataclass
class Person:
    """A user of one project, made for one test."""

    user: Any
    project: Any
    connection: Any

    @property
    def gpus(self) -> Any:
        return self.connection.gpu_broker


class IdentityCase(base.CloudTest):
    def setUp(self):
        super().setUp()
        self.keystone = self.admin.identity
        self.member_role = self.keystone.find_role("member")
        self.made = f"{int(time.time() * 1000):x}"

    def person(self, name, group=None):
        name = f"{name}-{self.made}"
        project = self.keystone.create_project(name=name, domain_id="default")
        self.addCleanup(self.keystone.delete_project, project)
        user = self.keystone.create_user(
            name=name, password="secret", domain_id="default"
        )
        self.addCleanup(self.keystone.delete_user, user, ignore_missing=True)
        if group is None:
            self.keystone.assign_project_role_to_user(
                project, user, self.member_role
            )
        else:
            self.keystone.assign_project_role_to_group(
                project, group, self.member_role
            )
            self.keystone.add_user_to_group(user, group)
        self.cloud.set_quota(name)
        return Person(user, project, self.connect(user, project))

    def connect(self, user, project, password="secret"):
        return self.connected(
            keystoneauth1.identity.V3Password(
                self.cloud.settings.auth_url,
                user_id=user.id,
                password=password,
                project_id=project.id,
            )
        )

    def connected(self, auth):
        connection = openstack.connection.Connection(
            session=keystoneauth1.session.Session(auth=auth),
            region_name=settings.REGION,
        )
        self.addCleanup(connection.close)
        sdk.add_to(connection)
        return connection

    def order_as(self, who, name, **more):
        workload = {
            "type": "server",
            "image": who.connection.image.find_image(tenants.IMAGE).id,
            "networks": "none",
        }
        return who.gpus.create_lease(
            name=name,
            flavor=more.pop("flavor", FLAVOR),
            workload={**workload, **more.pop("workload", {})},
            **more,
        )

    def seen(self, lease):
        """As an operator sees it: its user may see nothing any more."""
        return self.operator.get_lease(lease.id)

    def until(self, lease, state, words="", patience=base.PATIENCE):
        found = self.eventually(
            f"{lease.name} is {state} {words}",
            lambda: self._if(self.seen(lease), state, words),
            patience,
        )
        return found

    def _if(self, lease, state, words):
        if lease.is_final and lease.state != state:
            self.fail(f"{lease.name}: {lease.state} {lease.reason}")
        so = lease.state == state and words in lease.reason
        return lease if so else None

    def close_all(self):
        """No card is free for a while, so that orders have to wait."""
        self.closed = [card.id for card in self.cards(HOST)]
        for card in self.closed:
            self.operator.fence_device(card, "a test")
        self.addCleanup(self.open_all)

    def open_all(self):
        while self.closed:
            self.operator.unfence_device(self.closed.pop())


class Events(IdentityCase):
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


class Groups(IdentityCase):
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


class Keys(IdentityCase):
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


class Credentials(IdentityCase):
    """With a token that Keystone lets hand on no rights."""

    def setUp(self):
        super().setUp()
        self.who = self.person("robot")
        secret = self.who.connection.session.post(
            f"{self.cloud.settings.auth_url}/users/{self.who.user.id}"
            "/application_credentials",
            json={"application_credential": {"name": "robot"}},
        ).json()["application_credential"]
        self.robot = dataclasses.replace(
            self.who,
            connection=self.connected(
                keystoneauth1.identity.V3ApplicationCredential(
                    self.cloud.settings.auth_url,
                    application_credential_id=secret["id"],
                    application_credential_secret=secret["secret"],
                )
            ),
        )

    def server(self, lease):
        found = self.seen(lease).servers[0]["id"]
        return self.admin.compute.get_server(found)

    def test_what_can_start_at_once_is_made_with_the_token_itself(self):
        lease = self.order_as(self.robot, "now")
        self.assertEqual("caller", lease.identity_mode)
        self.assertEqual([], self.trusts())
        self.until(lease, "active")
        self.assertEqual(self.who.user.id, self.server(lease).user_id)
        self.robot.gpus.delete_lease(lease.id)
        self.until(lease, "ended")

    def test_what_has_to_wait_needs_the_operators_word(self):
        self.robot.connection.compute.create_keypair(
            name="robot", public_key=PUBLIC_KEY
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

    class LostTokens(Credentials):
        def test_an_api_that_is_killed_loses_the_token_and_nothing_else(self):
            self.cloud.stop("gpubroker-worker")
            lease = self.order_as(self.robot, "lost")
            self.cloud.kill("gpubroker-api")
            self.cloud.start("gpubroker-api")
            self.cloud.start("gpubroker-worker")
            failed = self.until(lease, "failed", "Identity lost", 300)
            self.assertEqual([None], [one["id"] for one in failed.servers])
