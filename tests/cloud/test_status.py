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


"""gpubroker-status on a cloud that is set up as the install guide says, and
with each thing set wrong. It reads only, so nothing has to be put back."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
from collections.abc import Mapping

import fixtures
import testtools

from gpubroker.cmd import status
from gpubroker.domain import hosts
from sandbox import cloud as clouds
from sandbox import identity
from sandbox.config import gpubroker as config
from sandbox.config import settings as s
from tests.fixtures import database

OK, WARNING, FAILURE = 0, 1, 2
HOST = "gpu-l40s-1"


class StatusTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        state = os.environ.get("GPUBROKER_TEST_CLOUD", ".sandbox")
        self.cloud = clouds.Cloud(pathlib.Path(state))
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def run_check(
        self, sections: Mapping[str, Mapping[str, s.Value]] | None = None
    ) -> tuple[int, dict[str, tuple[int, str]]]:
        """The exit status, and title -> (level, detail).

        :param sections: what is set otherwise than in the sandbox.
        """
        other = self.folder / "other.conf"
        other.write_text(s.ini(sections or {}))
        main = config.main_file(self.cloud.settings)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = status.main(
                [
                    f"--config-file={main}",
                    f"--config-file={other}",
                    "upgrade",
                    "check",
                    "--json",
                ]
            )
        return code, {
            one["check"]: (one["result"], one["details"] or "")
            for one in json.loads(out.getvalue())["checks"]
        }

    def as_user(self, name: str) -> tuple[int, dict[str, tuple[int, str]]]:
        """With the identity of another user of the sandbox."""
        credentials = self.cloud.settings.credentials(name)
        project, _roles = identity.USERS[name]
        return self.run_check(
            {"service_user": {**credentials, "project_name": project}}
        )

    def test_the_sandbox_is_ready(self) -> None:
        code, found = self.run_check()
        self.assertEqual({OK}, {level for level, _ in found.values()}, found)
        self.assertEqual(OK, code)

    def test_a_user_without_the_roles(self) -> None:
        code, found = self.as_user("demo-user")
        self.assertEqual(FAILURE, code)
        level, detail = found["Roles of the broker's user"]
        self.assertEqual(FAILURE, level)
        self.assertIn("lacks gpubroker, service", detail)
        for title, word in (
            ("Placement", "role service"),
            ("Nova's policy", "context_is_admin"),
        ):
            level, detail = found[title]
            self.assertEqual((FAILURE, True), (level, word in detail), detail)

    def test_the_role_service_alone_opens_placement_and_not_nova(self) -> None:
        _code, found = self.as_user("placement")
        self.assertEqual(OK, found["Placement"][0], found)
        self.assertEqual(OK, found["GPUs in Placement"][0], found)
        self.assertEqual(FAILURE, found["Nova's policy"][0], found)

    def test_an_admin_is_refused_although_everything_works(self) -> None:
        _code, found = self.as_user("operator")
        wrong = {title for title, (level, _) in found.items() if level}
        self.assertEqual({"Roles of the broker's user"}, wrong)
        self.assertIn("has the role admin", found[wrong.pop()][1])

    def test_a_wrong_password(self) -> None:
        code, found = self.run_check({"service_user": {"password": "wrong"}})
        self.assertEqual(FAILURE, code)
        level, detail = found["Roles of the broker's user"]
        self.assertEqual(FAILURE, level)
        self.assertIn("Keystone refuses the broker's own identity", detail)

    def test_a_region_without_services(self) -> None:
        _code, found = self.run_check(
            {"service_user": {"region_name": "Nowhere"}}
        )
        level, detail = found["Service catalogue"]
        self.assertEqual(FAILURE, level)
        self.assertIn("openstack endpoint create", detail)

    def test_slots_that_are_not_those_the_broker_gave(self) -> None:
        """The broker of another database has other numbers."""
        mirror = self.useFixture(database.Database())
        admin = self.cloud.connection("sandbox-admin")
        self.addCleanup(admin.close)
        answer = admin.placement.get(
            f"/resource_providers?name={HOST}", microversion="1.39"
        )
        (root,) = answer.json()["resource_providers"]
        tree = admin.placement.get(
            f"/resource_providers?in_tree={root['uuid']}", microversion="1.39"
        )
        addresses = sorted(
            provider["name"].rpartition("_")[2].lower()
            for provider in tree.json()["resource_providers"]
            if "_0000:" in provider["name"]
        )
        with mirror.store.write() as tx:
            tx.hosts.add(
                hosts.Host(
                    name=HOST,
                    hypervisor_hostname=HOST,
                    pool="default",
                    mode=hosts.Mode.MANAGE,
                    provider_id=root["uuid"],
                )
            )
            tx.hosts.give_slots(
                HOST, {a: n for n, a in enumerate(reversed(addresses))}
            )
        _code, found = self.run_check({"database": {"connection": mirror.url}})
        level, detail = found["Slots"]
        self.assertEqual(FAILURE, level)
        first = f"{HOST}_{addresses[0].upper()}"
        last = len(addresses) - 1
        self.assertIn(
            f"{first} has slot 0 where the broker has {last}", detail
        )

    def test_a_flavor_that_leads_around_the_broker(self) -> None:
        admin = self.cloud.connection("sandbox-admin")
        self.addCleanup(admin.close)
        flavor = admin.compute.create_flavor(
            name="around", vcpus=1, ram=512, disk=1, is_public=False
        )
        self.addCleanup(admin.compute.delete_flavor, flavor)
        admin.compute.create_flavor_extra_specs(
            flavor, {"pci_passthrough:alias": "l40s-48gb:1"}
        )
        _code, found = self.run_check()
        level, detail = found["Flavors"]
        self.assertEqual(WARNING, level)
        self.assertIn("hosts: around.", detail)
