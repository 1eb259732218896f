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
"""Each role of each service user of ours is needed, and lets it do no more.

Keystone knows of a role's removal at once, and so does everybody who asks it
about a new token; the other services believe the old token as long as they
remember it. So the worker is restarted, which asks for a new one. So is
Keystone where a role has come back: each of its threads remembers the roles
from its last request, and refuses once more by them.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

from keystoneauth1 import loading
from keystoneauth1 import session
from openstack import connection
from oslo_config import cfg

from gpubroker.cmd import status
from sandbox import gpubroker as services
from sandbox import layout as layouts
from sandbox.config import gpubroker as config
from tests.cloud import base

HOST = "gpu-l40s-1"
FAILURE = 2


class RolesCase(base.CloudTest):
    def setUp(self) -> None:
        super().setUp()
        find = self.admin.identity
        self.service = find.find_project("service", ignore_missing=False)
        self.demo = find.find_project("demo", ignore_missing=False)

    @contextlib.contextmanager
    def without(self, user: str, role: str) -> Iterator[None]:
        keystone = self.admin.identity
        grant = (
            self.service,
            keystone.find_user(user, ignore_missing=False),
            keystone.find_role(role, ignore_missing=False),
        )
        keystone.unassign_project_role_from_user(*grant)
        try:
            yield
        finally:
            keystone.assign_project_role_to_user(*grant)

    def restart(self, *names: str) -> None:
        for name in names:
            self.cloud.stop(name)
            self.cloud.start(name)

    def log(self, name: str) -> str:
        path = self.cloud.layout.log_of(name)
        return path.read_text(errors="replace")

    def findings(self) -> dict[str, tuple[int, str]]:
        """What ``gpubroker-status upgrade check`` finds wrong."""
        out = io.StringIO()
        main = config.main_file(self.cloud.settings)
        with contextlib.redirect_stdout(out):
            status.main(
                [f"--config-file={main}", "upgrade", "check", "--json"]
            )
        return {
            one["check"]: (one["result"], one["details"])
            for one in json.loads(out.getvalue())["checks"]
            if one["result"]
        }

    def nothing_wrong(self) -> None:
        """Any more: what was restarted has to be heard of first."""
        found = self.settled(self.findings, lambda found: not found)
        self.assertEqual({}, found)

    def refused(
        self,
        service: Any,
        method: str,
        path: str,
        *statuses: int,
        **more: Any,
    ) -> None:
        answer = service.request(path, method, raise_exc=False, **more)
        self.assertIn(
            answer.status_code, statuses or (403,), f"{method} {path}"
        )


class TheBroker(RolesCase):
    def test_without_gpubroker_nova_opens_nothing(self) -> None:
        before = len(self.log(services.WORKER))
        with self.without("gpubroker", "gpubroker"):
            self.restart(services.WORKER)
            lease = self.order("vm.gpu.l40s.1")
            reason = self.eventually(
                "the lease says what it waits for",
                lambda: self.gpus.get_lease(lease.id).reason,
            )
            self.assertIn("Nova refuses what the broker itself", reason)
            found = self.findings()
            level, words = found["Roles of the broker's user"]
            self.assertEqual(FAILURE, level)
            self.assertIn("lacks gpubroker", words)
            self.assertIn("openstack role add --user gpubroker", words)
            self.assertIn("context_is_admin", found["Nova"][1])
        said = self.log(services.WORKER)[before:]
        self.assertIn("Nova refuses the broker's own identity", said)
        self.assertIn('Run "gpubroker-status upgrade check"', said)
        self.restart(services.WORKER)
        self.end(self.wait(lease))
        self.nothing_wrong()

    def test_without_service_neither_keystone_nor_placement(self) -> None:
        before = {
            name: len(self.log(name))
            for name in (services.WORKER, services.API)
        }
        with self.without("gpubroker", "service"):
            self.restart(services.WORKER)
            # Of one whose token the API has not seen.
            with contextlib.closing(self.cloud.connection("sandbox")) as new:
                answer = new.session.get(
                    self.cloud.settings.ports.url("gpubroker", "/v1/leases"),
                    raise_exc=False,
                )
            self.assertEqual(503, answer.status_code)
            self.assertIn("does not let this service ask", answer.text)
            found = self.findings()
            self.assertIn(
                "lacks service", found["Roles of the broker's user"][1]
            )
            self.assertIn("the role service", found["Placement"][1])
            self.eventually(
                "the worker says what it lacks",
                lambda: (
                    "Placement refuses the broker's own identity"
                    in self.log(services.WORKER)[before[services.WORKER] :]
                ),
            )
        said = self.log(services.API)[before[services.API] :]
        self.assertIn("identity:validate_token", said)
        self.restart("keystone", services.WORKER)
        self.end(self.active("vm.gpu.l40s.1"))
        self.nothing_wrong()

    def test_it_can_do_nothing_else_in_keystone(self) -> None:
        keystone = self.broker.identity
        me = self.broker.current_user_id
        them = self.admin.identity.find_user("demo-user").id
        admin = self.admin.identity.find_role("admin").id
        grants = f"/projects/{self.demo.id}/users/{me}/roles/{admin}"
        for method, path in (
            ("GET", "/users"),
            ("GET", f"/users/{them}"),
            ("PATCH", f"/users/{them}"),
            ("GET", "/projects"),
            ("GET", "/domains"),
            ("GET", "/roles"),
            ("GET", "/role_assignments"),
            ("GET", "/services"),
            ("GET", "/endpoints"),
            ("GET", f"/users/{them}/application_credentials"),
            ("GET", "/OS-TRUST/trusts"),
            ("GET", f"/OS-TRUST/trusts?trustor_user_id={them}"),
            ("PUT", grants),
        ):
            body = {"user": {"enabled": False}} if method == "PATCH" else None
            self.refused(keystone, method, path, json=body)
        found = keystone.get("/credentials").json()["credentials"]
        self.assertEqual([], found)

    def test_it_can_do_nothing_else_elsewhere(self) -> None:
        """Of Nova it is an administrator, and of Placement all that a
        service is: the security guide says so."""
        image = next(iter(self.member.image.images())).id
        new = {"disk_format": "raw", "container_format": "bare"}
        for method, path, body in (
            ("GET", "/images", None),
            ("POST", "/images", new),
            ("DELETE", f"/images/{image}", None),
            ("GET", f"/images/{image}/members", None),
        ):
            self.refused(self.broker.image, method, path, 403, 404, json=body)
        network = self.member.network.find_network("demo-net").id
        for method, path, body in (
            ("POST", "/networks", {"network": {"name": "x"}}),
            ("PUT", f"/networks/{network}", {"network": {"name": "x"}}),
            ("DELETE", f"/networks/{network}", None),
            ("GET", f"/quotas/{self.demo.id}", None),
        ):
            self.refused(self.broker.network, method, path, json=body)
        ours = self.cloud.settings.ports.url("gpubroker")
        for path in ("leases", "hosts", "devices", "offers", "models"):
            self.refused(self.broker.session, "GET", f"{ours}/v1/{path}")


class AnAgent(RolesCase):
    def as_agent(self) -> connection.Connection:
        conf = cfg.ConfigOpts()
        loading.register_auth_conf_options(conf, "agent_auth")
        path = config.identity_file(self.cloud.settings, HOST)
        conf([], default_config_files=[str(path)])
        auth = loading.load_auth_from_conf_options(conf, "agent_auth")
        found = connection.Connection(
            session=session.Session(auth=auth), region_name="RegionOne"
        )
        self.addCleanup(found.close)
        return found

    def once(self) -> subprocess.CompletedProcess[str]:
        command = [layouts.broker_program("gpubroker-agent"), "--once"]
        for path in config.agent_files(self.cloud.settings, HOST):
            command += ["--config-file", str(path)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60
        )

    def test_without_its_role_it_is_not_heard(self) -> None:
        agent = services.agent_name(HOST)
        self.assertEqual(0, self.once().returncode)
        self.cloud.stop(agent)
        self.addCleanup(self.cloud.start, agent)
        with self.without(f"gpubroker-agent-{HOST}", "gpubroker_agent"):
            done = self.once()
            self.assertEqual(1, done.returncode)
            self.assertIn(
                "this host may not report, is it enrolled? 401",
                done.stdout + done.stderr,
            )
        self.assertEqual(0, self.once().returncode)

    def test_it_can_do_nothing_but_report(self) -> None:
        agent = self.as_agent()
        me = agent.current_user_id
        ours = self.cloud.settings.ports.url("gpubroker", "/v1/")
        them = self.admin.identity.find_user("demo-user").id
        other = str(uuid.uuid4())
        credential = {"name": "more", "roles": [{"name": "gpubroker_agent"}]}
        for service, method, path, body in (
            (agent.identity, "GET", "/users", None),
            (agent.identity, "GET", "/projects", None),
            (agent.identity, "GET", f"/users/{them}", None),
            (
                agent.identity,
                "POST",
                f"/users/{me}/application_credentials",
                {"application_credential": credential},
            ),
            (agent.compute, "GET", "/servers", None),
            (agent.compute, "GET", "/os-hypervisors", None),
            (agent.compute, "DELETE", f"/servers/{other}", None),
            (agent.placement, "GET", "/resource_providers", None),
            (agent.placement, "GET", f"/allocations/{other}", None),
            (agent.image, "GET", "/images", None),
            (agent.network, "POST", "/networks", {"network": {"name": "x"}}),
            (agent.session, "GET", f"{ours}leases", None),
            (agent.session, "GET", f"{ours}hosts/{HOST}", None),
            (agent.session, "GET", f"{ours}devices", None),
            (agent.session, "GET", f"{ours}offers", None),
            (agent.session, "PUT", f"{ours}hosts/gpu-a100-1/report", _REPORT),
        ):
            self.refused(service, method, path, 403, 404, json=body)


_REPORT = {
    "agent": {"version": "1", "boot_id": "x"},
    "devices": [],
    "observations": [],
    "conditions": [],
}
