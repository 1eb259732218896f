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

"""Operators of GPUs who administer nothing else."""

from __future__ import annotations

import pathlib

from fixtures import TempDir

from tests.fixtures import api as test_api
from tests.functional.dashboard import base

FLEET = "/admin/gpu_fleet/"


class OperatorsTest(base.TestCase):
    """As ``doc/source/install/horizon.rst`` says."""

    def setUp(self) -> None:
        super().setUp()
        from django import test
        from django.conf import settings
        from openstack_auth import policy

        folder = pathlib.Path(self.useFixture(TempDir()).path)
        changed = folder / "gpubroker_policy.yaml"
        changed.write_text(
            '"context_is_admin": "role:admin or role:unrelated"\n'
        )
        files = {**settings.POLICY_FILES, "gpubroker": str(changed)}
        override = test.override_settings(POLICY_FILES=files)
        override.enable()
        policy.reset()
        self.addCleanup(policy.reset)
        self.addCleanup(override.disable)
        self.client = self.sign_in(test_api.NOBODY)

    def menu(self) -> str:
        return str(self.client.get("/project/api_access/").content.decode())

    def test_horizon_shows_them_no_menu_of_its_own_accord(self) -> None:
        self.assertNotIn(FLEET, self.menu())
        # It is only the menu: the page has the panel's own rules.
        self.assertEqual(200, self.client.get(FLEET).status_code)

    def test_horizons_admin_roles_open_more_than_that(self) -> None:
        from django import test

        roles = ["admin", "unrelated"]
        with test.override_settings(OPENSTACK_KEYSTONE_ADMIN_ROLES=roles):
            menu = self.menu()
        for panel in ("gpu_fleet", "info", "defaults"):
            self.assertIn(f"/admin/{panel}/", menu)

    def test_a_module_of_the_deployers_opens_it(self) -> None:
        import horizon

        # Horizon finds its dashboards with the first page.
        self.menu()
        admin = horizon.get_dashboard("admin")
        rule = ("gpubroker", "gpubroker:lease:list:all_projects")
        self.patch(admin, "policy_rules", (*admin.policy_rules, rule))
        menu = self.menu()
        for panel in ("fleet", "queue", "leases", "flavors", "pools"):
            self.assertIn(f"/admin/gpu_{panel}/", menu)
        # What is not theirs is not shown.
        for panel in ("instances", "info", "defaults"):
            self.assertNotIn(f"/admin/{panel}/", menu)
