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

"""The first start: making the tables of every service.

Each function may run at the same time as the others.
"""

import grp
import os
import pwd

from sandbox import identity
from sandbox import layout as layouts
from sandbox import processes
from sandbox.config import neutron as neutron_config
from sandbox.config import settings as s

# Nova keeps in its cell table how to reach each cell.  Filled in from
# nova.conf whenever it is read, so that ports may change later.
_CELL = "{scheme}://{username}:{password}@{hostname}:{port}/"
_CELL_DATABASE = _CELL + "{path}?{query}"
_CELL0_DATABASE = _CELL + "nova_cell0?{query}"


class Installation:
    """The commands that set up one sandbox's services."""

    def __init__(
        self, settings: s.Settings, runner: processes.Processes
    ) -> None:
        self._settings = settings
        self._runner = runner

    def keystone(self) -> None:
        """Tables, keys and the first user."""
        keys = self._settings.layout.data / "keystone"
        for folder in ("fernet", "credential"):
            (keys / folder).mkdir(parents=True, mode=0o700, exist_ok=True)
        self._keystone("db-sync", "db_sync")
        owner = (
            "--keystone-user",
            pwd.getpwuid(os.getuid()).pw_name,
            "--keystone-group",
            grp.getgrgid(os.getgid()).gr_name,
        )
        self._keystone("fernet", "fernet_setup", *owner)
        self._keystone("credential", "credential_setup", *owner)
        self._keystone(
            "bootstrap", *identity.bootstrap_command(self._settings)
        )

    def placement(self) -> None:
        config = self._settings.layout.config / "placement"
        self._run(
            "placement-db-sync",
            "placement-manage",
            "--config-file",
            str(config / "placement.conf"),
            "db",
            "sync",
        )

    def glance(self) -> None:
        config = self._settings.layout.config / "glance"
        self._run(
            "glance-db-sync",
            "glance-manage",
            "--config-file",
            str(config / "glance-api.conf"),
            "db_sync",
        )

    def neutron(self) -> None:
        config = self._settings.layout.config / "neutron"
        self._run(
            "neutron-db-sync",
            "neutron-db-manage",
            "--config-file",
            str(config / "neutron.conf"),
            "--config-file",
            str(config / "ml2_conf.ini"),
            "upgrade",
            "heads",
            environment=neutron_config.environment(self._settings),
        )

    def nova(self) -> None:
        """Tables of the API and of both cells, and the cells themselves."""
        self._nova("api-db-sync", "api_db", "sync")
        self._nova(
            "map-cell0",
            "cell_v2",
            "map_cell0",
            "--database_connection",
            _CELL0_DATABASE,
        )
        self._nova("db-sync", "db", "sync")
        self._nova(
            "create-cell",
            "cell_v2",
            "create_cell",
            "--name",
            "cell1",
            "--database_connection",
            _CELL_DATABASE,
            "--transport-url",
            _CELL + "{path}",
        )

    def hosts(self) -> None:
        """Make the GPU hosts known to Nova's scheduler, once they are up."""
        self._nova("discover-hosts", "cell_v2", "discover_hosts")

    def _keystone(self, name: str, *arguments: str) -> None:
        config = self._settings.layout.config / "keystone"
        self._run(
            f"keystone-{name}",
            "keystone-manage",
            "--config-file",
            str(config / "keystone.conf"),
            *arguments,
        )

    def _nova(self, name: str, *arguments: str) -> None:
        config = self._settings.layout.config / "nova"
        self._run(
            f"nova-{name}",
            "nova-manage",
            "--config-file",
            str(config / "nova.conf"),
            *arguments,
        )

    def _run(
        self,
        name: str,
        program: str,
        *arguments: str,
        environment: dict[str, str] | None = None,
    ) -> None:
        self._runner.run(
            processes.Program(
                name=f"setup-{name}",
                command=(layouts.cloud_program(program), *arguments),
                environment=environment or {},
            )
        )
