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

"""People of a test, each in a project of their own, and a robot."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import keystoneauth1.identity
import keystoneauth1.session
import openstack.connection

from gpubroker.client import sdk
from sandbox import tenants
from sandbox.config import settings
from tests.cloud import base

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


class PeopleTest(base.CloudTest):
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

    def robot_of(self, who):
        """The same with a token that Keystone lets hand on no rights."""
        secret = who.connection.session.post(
            f"{self.cloud.settings.auth_url}/users/{who.user.id}"
            "/application_credentials",
            json={"application_credential": {"name": "robot"}},
        ).json()["application_credential"]
        return dataclasses.replace(
            who,
            connection=self.connected(
                keystoneauth1.identity.V3ApplicationCredential(
                    self.cloud.settings.auth_url,
                    application_credential_id=secret["id"],
                    application_credential_secret=secret["secret"],
                )
            ),
        )
