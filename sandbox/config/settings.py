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

"""What every service's configuration is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox import databases
from sandbox import layout as layouts
from sandbox import passwords as secrets
from sandbox import ports as tcp
from sandbox import private_files
from sandbox import rabbit

Value = str | int | bool | Sequence[str]
Section = Mapping[str, Value]

REGION = "RegionOne"


@dataclass(frozen=True)
class Settings:
    """One sandbox as its services see it.

    :ivar extras: what runs beside the cloud, such as ``horizon``.
    """

    layout: layouts.Layout
    ports: tcp.Ports
    passwords: secrets.Passwords
    faults: bool = False
    extras: frozenset[str] = frozenset()

    def database(self, name: str) -> str:
        return databases.url(name, self.ports, self.passwords)

    @property
    def transport(self) -> str:
        return rabbit.url(self.ports, self.passwords)

    @property
    def auth_url(self) -> str:
        return self.ports.url("keystone", "/v3")

    def broker_url(self, service: str, path: str = "") -> str:
        """Where the broker finds a service of the cloud: the endpoint of
        the interface ``admin``, which nobody else uses here."""
        way = f"faults_{service}" if self.faults else service
        return self.ports.url(way, path)

    def credentials(self, user: str) -> dict[str, Value]:
        """How a service user signs in (keystoneauth's options)."""
        return {
            "auth_type": "password",
            "auth_url": self.auth_url,
            "username": user,
            "password": self.passwords[user],
            "project_name": "service",
            "user_domain_id": "default",
            "project_domain_id": "default",
            "region_name": REGION,
        }

    def token_checks(self, user: str) -> dict[str, Value]:
        """The section keystone_authtoken of an API."""
        return {
            "www_authenticate_uri": self.auth_url,
            "service_token_roles": "service",
            "service_token_roles_required": True,
            **self.credentials(user),
        }

    def locks(self) -> dict[str, Value]:
        return {"lock_path": str(self.layout.data / "locks")}


def ini(sections: Mapping[str, Section]) -> str:
    """Sections as oslo.config reads them; a list is a repeated option."""
    lines = []
    for name, options in sections.items():
        lines.append(f"[{name}]")
        for option, value in options.items():
            values = [value] if isinstance(value, str | int) else value
            lines += [f"{option} = {one}" for one in values]
        lines.append("")
    return "\n".join(lines)


def write(settings: Settings, service: str, name: str, text: str) -> None:
    """Write one configuration file of a service."""
    private_files.write(settings.layout.config / service / name, text)


def write_no_rules(settings: Settings, service: str) -> None:
    """A policy file for who wants to change a rule of the release's.

    One that comes later and goes again must not be: oslo.policy would look
    for it at each request, and load all rules anew, in which a request of
    another thread is refused at times.
    """
    write(settings, service, "policy.yaml", "# The rules of the release.\n")


def write_web_server(
    settings: Settings,
    service: str,
    application: str,
    threads: int,
    grace: int = 3,
) -> None:
    """Write the web server's own file, ``gunicorn.conf.py``.

    :param grace: seconds to finish what is under way when it is told to go.

    All of it stands in this file and nothing on the command line, because
    the services parse the command line themselves when they are loaded.
    A connection serves one request: a client that sends the next one just
    when an idle connection is closed would get a reset.
    """
    port = getattr(settings.ports, service)
    write(
        settings,
        service,
        "gunicorn.conf.py",
        f"wsgi_app = {application!r}\n"
        f"bind = '{tcp.HOST}:{port}'\n"
        "worker_class = 'gthread'\n"
        "workers = 1\n"
        f"threads = {threads}\n"
        "keepalive = 0\n"
        # A busy machine is no reason to kill a worker.
        "timeout = 0\n"
        f"graceful_timeout = {grace}\n"
        f"proc_name = '{service}'\n"
        f"worker_tmp_dir = {str(settings.layout.data)!r}\n"
        "control_socket_disable = True\n",
    )
