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

"""The services of the cloud: how each is started and when it is ready."""

import functools
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from sandbox import databases
from sandbox import hardware
from sandbox import layout as layouts
from sandbox import ports as tcp
from sandbox import processes
from sandbox import rabbit
from sandbox.config import neutron
from sandbox.config import nova
from sandbox.config import settings as s

COMPUTE_SCRIPT = layouts.ROOT / "sandbox" / "nova_driver" / "compute.py"


@dataclass(frozen=True)
class Service:
    """A program with the question whether it is ready.

    :ivar label: what the person reads.
    """

    program: processes.Program
    ready: Callable[[], bool]
    label: str

    @property
    def name(self) -> str:
        return self.program.name


def compute_name(host: str) -> str:
    """The name of a host's nova-compute among the services."""
    return f"nova-compute-{host}"


def catalogue(settings: s.Settings) -> dict[str, Service]:
    """All services of the cloud by name, in the order of their start."""
    found = [*_stores(settings), *_apis(settings), *_nova(settings)]
    return {service.name: service for service in found}


def answers_http(url: str) -> bool:
    """Whether a web service answers with less than a server error."""
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, http.client.HTTPException):
        return False


def _stores(settings: s.Settings) -> list[Service]:
    layout, ports = settings.layout, settings.ports
    passwords = settings.passwords
    return [
        Service(
            databases.server(layout, ports),
            lambda: databases.ready(ports, passwords),
            "MariaDB",
        ),
        Service(
            rabbit.port_mapper(ports),
            lambda: tcp.answers(ports.epmd),
            "Erlang port mapper",
        ),
        Service(
            rabbit.node(layout, ports),
            lambda: tcp.answers(ports.rabbitmq),
            "RabbitMQ",
        ),
    ]


def _apis(settings: s.Settings) -> list[Service]:
    config = settings.layout.config
    return [
        _web(
            settings,
            "keystone",
            "Keystone",
            {"OS_KEYSTONE_CONFIG_DIR": str(config / "keystone")},
            "/v3",
        ),
        _web(
            settings,
            "placement",
            "Placement",
            {"OS_PLACEMENT_CONFIG_DIR": str(config / "placement")},
        ),
        _web(
            settings,
            "glance",
            "Glance",
            {"OS_GLANCE_CONFIG_DIR": str(config / "glance")},
            "/versions",
        ),
        _web(settings, "neutron", "Neutron", neutron.environment(settings)),
        _web(
            settings,
            "nova",
            "Nova API",
            {"OS_NOVA_CONFIG_DIR": str(config / "nova")},
        ),
    ]


def _web(
    settings: s.Settings,
    name: str,
    label: str,
    environment: dict[str, str],
    path: str = "/",
) -> Service:
    url = settings.ports.url(name, path)
    return Service(
        processes.Program(
            name=name,
            # Its file gunicorn.conf.py is found in the working folder.
            command=(layouts.cloud_program("gunicorn"),),
            environment=environment,
            directory=settings.layout.config / name,
            stop_seconds=5,
        ),
        lambda: answers_http(url),
        label,
    )


def _nova(settings: s.Settings) -> list[Service]:
    """Nova's other programs."""
    config = settings.layout.config
    conf = str(config / "nova" / "nova.conf")
    control = [
        _called(
            settings,
            name,
            (layouts.cloud_program(name), "--config-file", conf),
            queue=name.removeprefix("nova-"),
        )
        for name in ("nova-conductor", "nova-scheduler")
    ]
    return control + [_compute(settings, host) for host in hardware.HOSTS]


def _compute(settings: s.Settings, host: hardware.Host) -> Service:
    folder = settings.layout.config / nova.compute_folder(host.name)
    return _called(
        settings,
        compute_name(host.name),
        (
            layouts.cloud_program("python"),
            str(COMPUTE_SCRIPT),
            "--config-file",
            str(folder / "nova.conf"),
        ),
        queue=f"compute.{host.name}",
    )


def _called(
    settings: s.Settings, name: str, command: tuple[str, ...], queue: str
) -> Service:
    """A program that waits for calls: ready once its queue is there.

    Whether it has reported as up is known to Nova's API only.
    """
    return Service(
        processes.Program(name, command),
        functools.partial(
            rabbit.has_queue, settings.ports, settings.passwords, queue
        ),
        name,
    )
