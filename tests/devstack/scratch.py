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

"""The scratch root: where DevStack writes what it writes to a machine."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox import cloud as clouds
from sandbox import layout as layouts
from sandbox import ports as tcp
from sandbox import private_files

HERE = pathlib.Path(__file__).parent
HOME = pathlib.Path.home()
#: DevStack's people, and the services' users that it makes.
PASSWORD = "devstack-secret"
#: The last of the block of ports that a small cloud has.
APACHE_PORT = 19
HOSTS = "gpu-a100-1 gpu-l40s-1"
SERVICES = (
    "key,n-api,n-cond,n-sch,placement-api,g-api,q-svc,rabbit,mysql,"
    "horizon,tempest"
)


@dataclass(frozen=True)
class Scratch:
    """A folder with a root of its own in it.

    :ivar checkout: of openstack/devstack; copied, never written.
    """

    folder: pathlib.Path
    checkout: pathlib.Path

    @property
    def root(self) -> pathlib.Path:
        return self.folder / "root"

    @property
    def logs(self) -> pathlib.Path:
        return self.folder / "log"

    def run(
        self, command: Sequence[str], log: str = "", check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the scratch root.

        :param log: name of a file for its output; else it is returned.
        """
        words = [
            *("unshare", "--mount", "--propagation", "private"),
            *(str(HERE / "enter.sh"), str(self.folder), *command),
        ]
        output = subprocess.PIPE
        with open(self.logs / (log or "commands.log"), "a") as file:
            return subprocess.run(
                words,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=file if log else output,
                stderr=file if log else subprocess.STDOUT,
                text=True,
                check=check,
            )

    def openstack(self, cloud: str, *words: str) -> str:
        """What the ``openstack`` of DevStack's environment answers."""
        done = self.run(
            ["/opt/stack/data/venv/bin/openstack", "--os-cloud", cloud, *words]
        )
        if done.returncode:
            raise AssertionError(f"openstack {' '.join(words)}: {done.stdout}")
        return done.stdout.strip()

    def file(self, path: str) -> pathlib.Path:
        """Where a file of the scratch root lies."""
        return self.root / path.lstrip("/")

    def end(self) -> None:
        """End every unit that is left, and Apache."""
        units = self.file("run/units").glob("*.pid")
        names = [path.name.removesuffix(".pid") for path in units]
        self.run(["systemctl", "stop", *names, "apache2"])

    def _environment(self) -> dict[str, str]:
        known = dict(
            line.split("=", 1)
            for line in (self.folder / "inputs.env").read_text().splitlines()
        )
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "SSL_", "REQUESTS_"))
            or name.lower().endswith("_proxy")
        }
        path = f"{self.folder}/shims:/usr/sbin:/usr/bin:/sbin:/bin"
        return {**kept, **known, "PATH": path, "HOME": str(HOME)}


def make(scratch: Scratch, cloud: clouds.Cloud) -> None:
    """Make the root as it is before the first ``stack.sh``."""
    shutil.rmtree(scratch.folder, ignore_errors=True)
    for folder in ("log", "root/opt/stack", "root/var/log"):
        (scratch.folder / folder).mkdir(parents=True)
    (scratch.root / "run" / "lock").mkdir(parents=True)
    config = HOME / ".config"
    inside = scratch.file(str(config))
    inside.parent.mkdir(parents=True, exist_ok=True)
    # cp knows what shutil does not: owners, links to nowhere.
    subprocess.run(["cp", "-a", "/etc", scratch.root / "etc"], check=True)
    if config.is_dir():
        subprocess.run(["cp", "-a", config, inside], check=True)
    shutil.rmtree(scratch.file("etc/gpubroker"), ignore_errors=True)
    shutil.copytree(HERE / "shims", scratch.folder / "shims")
    shutil.copytree(
        scratch.checkout, scratch.folder / "devstack", symlinks=True
    )
    _tree(scratch.file("opt/stack/gpubroker"))
    _requirements(scratch.file("opt/stack/requirements"))
    _inputs(scratch, cloud)
    _local_conf(scratch, cloud)
    _other_services(scratch, cloud)


def _tree(target: pathlib.Path) -> None:
    """The working tree, with what is not committed yet, as a clone has it."""
    git = ["git", "-C", str(layouts.ROOT)]
    listed = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source = layouts.ROOT / name
        if source.exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    here = [
        *("git", "-C", str(target), "-c", "user.name=devstack"),
        *("-c", "user.email=devstack@localhost"),
    ]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Copied"]):
        subprocess.run([*here, *words], check=True)


def _requirements(target: pathlib.Path) -> None:
    """What DevStack holds packages to: here the pins of the small cloud."""
    (target / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(
        layouts.ROOT / "sandbox" / "constraints.txt",
        target / "upper-constraints.txt",
    )
    shutil.copy(HERE / "shims" / "edit-constraints", target / ".venv/bin")


def _inputs(scratch: Scratch, cloud: clouds.Cloud) -> None:
    settings = cloud.settings
    nova = settings.layout.config / "nova" / "gunicorn.conf.py"
    values = {
        "DEVSTACK_CHECKOUT": scratch.folder / "devstack",
        "DEVSTACK_UNIT_LOGS": scratch.logs,
        "MYSQL_TCP_PORT": settings.ports.mariadb,
        "SANDBOX_KEYSTONE": settings.ports.url("keystone"),
        "SANDBOX_NOVA": settings.ports.url("nova"),
        "SANDBOX_TRANSPORT": settings.transport.rpartition("/")[0] + "/",
        "SANDBOX_CLOUD_BIN": layouts.CLOUD_ENVIRONMENT / "bin",
        "SANDBOX_NOVA_GUNICORN": nova,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    private_files.write(scratch.folder / "inputs.env", text)


def _local_conf(scratch: Scratch, cloud: clouds.Cloud) -> None:
    settings = cloud.settings
    database = settings.passwords["database"]
    address = f"{tcp.HOST}:{apache_port(cloud)}"
    lines = [
        f"HOST_IP={tcp.HOST}",
        f"SERVICE_HOST={address}",
        f"SERVICE_LOCAL_HOST={tcp.HOST}",
        "STACK_USER=root",
        f"ADMIN_PASSWORD={PASSWORD}",
        f"SERVICE_PASSWORD={PASSWORD}",
        f"RABBIT_PASSWORD={PASSWORD}",
        "DATABASE_USER=sandbox",
        f"DATABASE_PASSWORD={database}",
        f"MYSQL_HOST={tcp.HOST}",
        "BASE_SQL_CONN=mysql+pymysql://"
        f"sandbox:{database}@{tcp.HOST}:{settings.ports.mariadb}",
        "MYSQL_GATHER_PERFORMANCE=False",
        f"ENABLED_SERVICES={SERVICES}",
        "enable_plugin gpubroker file:///opt/stack/gpubroker",
        f'GPUBROKER_SIMULATED_HOSTS="{HOSTS}"',
        # Nova has an environment of its own here.
        f"GPUBROKER_NOVA_PYTHON={layouts.CLOUD_ENVIRONMENT}/bin/python",
    ]
    private_files.write(
        scratch.folder / "devstack" / "localrc", "\n".join(lines) + "\n"
    )


def apache_port(cloud: clouds.Cloud) -> int:
    """Where Apache listens, in front of what DevStack puts behind it."""
    return int(cloud.settings.ports.keystone) + APACHE_PORT


def _other_services(scratch: Scratch, cloud: clouds.Cloud) -> None:
    """Their files, as stack.sh has written them before the plugin comes."""
    config = cloud.layout.config
    nova = scratch.file("etc/nova")
    nova.mkdir()
    shutil.copy(config / "nova" / "api-paste.ini", nova)
    text = (config / "nova" / "nova.conf").read_text()
    (nova / "nova.conf").write_text(_without(text, "pci", "filter_scheduler"))
    placement = scratch.file("etc/placement")
    placement.mkdir()
    (placement / "placement.conf").write_text("[placement]\n")
    ml2 = scratch.file("etc/neutron/plugins/ml2")
    ml2.mkdir(parents=True)
    (ml2 / "ml2_conf.ini").write_text("[ml2]\nmechanism_drivers = ovn\n")
    horizon = scratch.file("opt/stack/horizon/openstack_dashboard/local")
    for folder in ("enabled", "local_settings.d"):
        (horizon / folder).mkdir(parents=True)
    tempest = scratch.file("opt/stack/tempest/etc")
    tempest.mkdir(parents=True)
    (tempest / "tempest.conf").write_text("[service_available]\n")
    ports = scratch.file("etc/apache2/ports.conf")
    ports.write_text(f"Listen {tcp.HOST}:{apache_port(cloud)}\n")


def _without(text: str, *sections: str) -> str:
    kept, skip = [], False
    for line in text.splitlines():
        if line.startswith("["):
            skip = line.strip("[]") in sections
        if not skip:
            kept.append(line)
    return "\n".join(kept) + "\n"
