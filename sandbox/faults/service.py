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

"""The proxy as one of the sandbox's programs, where it is wanted."""

from __future__ import annotations

from sandbox import identity
from sandbox import layout as layouts
from sandbox import ports as tcp
from sandbox import processes
from sandbox import services
from sandbox.config import settings as s
from sandbox.faults import client

NAME = "faults"


def catalogue(settings: s.Settings) -> dict[str, services.Service]:
    """The one program, or none."""
    if not settings.faults:
        return {}
    ports = settings.ports
    ways = tuple(
        f"{name}={ports.of(f'faults_{name}')}:{ports.of(name)}"
        for name, _kind, _path in identity.SERVICES
    )
    program = processes.Program(
        NAME,
        (
            *(layouts.broker_program("python"), "-m", "sandbox.faults"),
            *("--control", str(ports.faults), *ways),
        ),
        directory=layouts.ROOT,
        stop_seconds=2,
    )
    ready = services.Service(
        program, lambda: tcp.answers(ports.faults), "the proxy of faults"
    )
    return {NAME: ready}


def connect(settings: s.Settings) -> client.Faults:
    """By which tests tell what goes wrong."""
    return client.Faults(settings.ports.url("faults"))
