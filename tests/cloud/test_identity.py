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

import json
import subprocess

import openstack.exceptions
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import loading
from keystoneauth1 import session
from oslo_config import cfg

from sandbox import hardware
from sandbox import identity
from sandbox import layout as layouts
from sandbox.config import gpubroker as config
from tests.cloud import base

REPORT = {
    "agent": {"version": "1", "boot_id": "x"},
    "devices": [],
    "observations": [],
    "conditions": [],
}


class WhoMayDoWhat(base.CloudTest):
    def test_the_bootstrap_admin_can_not_sign_in_any_more(self):
        connection = identity.connect_as(
            self.cloud.settings, identity.BOOTSTRAP, "admin"
        )
        self.addCleanup(connection.close)
        self.assertRaises(
            ksa_exceptions.Unauthorized, connection.session.get_token
        )

    def test_service_users_have_exactly_their_roles(self):
        roles = {r.id: r.name for r in self.admin.identity.roles()}
        for name, (_project, wanted) in identity.USERS.items():
            user = self.admin.identity.find_user(name, ignore_missing=False)
            given = self.admin.identity.role_assignments(user_id=user.id)
            self.assertEqual(
                set(wanted), {roles[one.role["id"]] for one in given}, name
            )

    def test_the_service_user_is_no_admin_of_keystone(self):
        ours = identity.connect_as(self.cloud.settings, "gpubroker", "service")
        self.addCleanup(ours.close)
        self.assertRaises(
            openstack.exceptions.ForbiddenException,
            lambda: list(ours.identity.users()),
        )

    def test_an_agent_can_not_speak_for_another_host(self):
        code = self.as_agent("gpu-l40s-1", "PUT", "gpu-a100-1")
        self.assertEqual(403, code)

    def test_a_member_can_not_report(self):
        url = self.cloud.settings.ports.url(
            "gpubroker", "/v1/hosts/gpu-l40s-1/report"
        )
        answer = self.member.session.put(url, json=REPORT, raise_exc=False)
        self.assertEqual(403, answer.status_code, answer.text)

    def test_the_upgrade_check_finds_nothing(self):
        done = subprocess.run(
            [
                layouts.broker_program("gpubroker-status"),
                "--config-file",
                str(config.main_file(self.cloud.settings)),
                "upgrade",
                "check",
                "--json",
            ],
            capture_output=True,
            text=True,
        )
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        json.loads(done.stdout)

    def as_agent(self, host, verb, other):
        conf = cfg.ConfigOpts()
        loading.register_auth_conf_options(conf, "agent_auth")
        path = config.identity_file(self.cloud.settings, host)
        conf([], default_config_files=[str(path)])
        auth = loading.load_auth_from_conf_options(conf, "agent_auth")
        answer = session.Session(auth=auth).request(
            self.cloud.settings.ports.url(
                "gpubroker", f"/v1/hosts/{other}/report"
            ),
            verb,
            json=REPORT,
            raise_exc=False,
        )
        return answer.status_code


class Names(base.CloudTest):
    def test_every_host_has_an_agent_that_reports(self):
        states = {h.name: h.agent["state"] for h in self.operator.hosts()}
        self.assertEqual(
            {host.name: "reporting" for host in hardware.HOSTS}, states
        )
