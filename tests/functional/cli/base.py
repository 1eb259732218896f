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

"""The ``openstack`` command itself, against the real WSGI application.

Each look of a waiting command lets the world take a turn, so that what a
worker does happens while the command runs, in one thread and in order.
"""

from __future__ import annotations

import io
import json
import logging
import os
import pathlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import fixtures
import testtools
from openstackclient import shell
from osc_lib import clientmanager
from wsgi_intercept import interceptor

from gpubroker.client.cli import plugin
from tests.fixtures import api as test_api
from tests.functional.cli import emulated


@dataclass(frozen=True)
class Outcome:
    """What one command did."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Turning:
    """The API in a world that takes a turn before every look at a lease."""

    def __init__(self, api: test_api.Api) -> None:
        self._api = api
        self.turning = False

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"].split("/")
        if (
            self.turning
            and environ["REQUEST_METHOD"] == "GET"
            and path[2:3] == ["leases"]
            and len(path) == 4
        ):
            self._api.world.clock.advance(1)
            self._api.world.turn()
        return self._api.application(environ, start_response)


class TestCase(testtools.TestCase):
    """:ivar api: the API and its world.
    :ivar clouds: what Keystone, Glance and Neutron know.
    """

    def setUp(self) -> None:
        super().setUp()
        self._environment()
        self.api = self.useFixture(test_api.Api())
        self.world = self.api.world
        self.clouds = emulated.Emulated(self.api)
        self.turning = Turning(self.api)
        self._serve(emulated.BROKER, self.turning)
        for url in (emulated.KEYSTONE, emulated.GLANCE, emulated.NEUTRON):
            self._serve(url, self.clouds)

    def _environment(self) -> None:
        for name in list(os.environ):
            if name.startswith("OS_"):
                self.useFixture(fixtures.EnvironmentVariable(name))
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # Nobody's clouds.yaml; and tables as wide as they want to be.
        for name, value in (
            ("HOME", str(self.folder)),
            ("XDG_CONFIG_HOME", str(self.folder)),
            ("COLUMNS", "500"),
        ):
            self.useFixture(fixtures.EnvironmentVariable(name, value))

    def _serve(self, url: str, application: Any) -> None:
        intercept = interceptor.RequestsInterceptor(
            lambda: application, url=url
        )
        intercept.install_intercept()
        self.addCleanup(intercept.uninstall_intercept)

    def openstack(
        self, command: str, who: test_api.Persona = test_api.MEMBER
    ) -> Outcome:
        """Run a command whose words have no spaces in them."""
        return self.run_words(command.split(), who)

    def run_words(
        self,
        words: list[str],
        who: test_api.Persona = test_api.MEMBER,
    ) -> Outcome:
        """Run a command."""
        out, err = io.StringIO(), io.StringIO()
        argv = [
            "--os-auth-url",
            f"{emulated.KEYSTONE}/v3",
            "--os-username",
            who.user_id,
            "--os-password",
            emulated.PASSWORD,
            "--os-project-name",
            who.project_id,
            "--os-user-domain-id",
            "default",
            "--os-project-domain-id",
            "default",
            "--os-region-name",
            emulated.REGION,
            *words,
        ]
        # The client is kept on a class, for a process that runs one command.
        cache = vars(clientmanager.ClientManager)[plugin.API_NAME]
        cache._handle = None
        with (
            fixtures.MonkeyPatch("sys.stdout", out),
            fixtures.MonkeyPatch("sys.stderr", err),
            _Logging(),
        ):
            try:
                status = shell.OpenStackShell().run(argv)
            except SystemExit as stop:
                status = int(stop.code or 0)
        return Outcome(status, out.getvalue(), err.getvalue())

    def good(self, command: str, **more: Any) -> Outcome:
        """Run a command that has to succeed."""
        outcome = self.openstack(command, **more)
        self.assertEqual(0, outcome.status, f"{outcome.out}{outcome.err}")
        return outcome

    def bad(self, command: str, **more: Any) -> str:
        """Run a command that has to fail; what it says."""
        outcome = self.openstack(command, **more)
        self.assertNotEqual(0, outcome.status, outcome.out)
        self.assertNotIn("Traceback", outcome.err)
        return outcome.err

    def data(self, command: str, **more: Any) -> Any:
        """Run a command that has to succeed, and read its JSON."""
        return self.good(f"{command} -f json", **more).json()


class _Logging(fixtures.Fixture):
    """The shell sets the root logger up for its own process."""

    def _setUp(self) -> None:
        root = logging.getLogger()
        kept = root.handlers[:], root.level
        root.handlers[:] = []
        # These speak for the services, which elsewhere are other processes.
        served = [
            logging.getLogger(name)
            for name in ("gpubroker.api", "keystonemiddleware", "placement")
        ]
        levels = [logger.level for logger in served]
        for logger in served:
            logger.setLevel(logging.CRITICAL)

        def restore() -> None:
            root.handlers[:], level = kept
            root.setLevel(level)
            for logger, former in zip(served, levels, strict=True):
                logger.setLevel(former)

        self.addCleanup(restore)
