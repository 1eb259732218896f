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

"""gpubroker on the small cloud: its services and their first set-up."""

import os
import pathlib
import shutil
import time
from collections.abc import Callable
from typing import Any

from sandbox import errors
from sandbox import hardware
from sandbox import layout as layouts
from sandbox import processes
from sandbox import services
from sandbox import simulated_hosts
from sandbox.config import gpubroker as config
from sandbox.config import settings as s

API = "gpubroker-api"
WORKER = "gpubroker-worker"

# (GPUs, vCPUs, GiB of memory) of the flavors vm.gpu.FAMILY.N.
_SIZES = ((1, 12, 96), (2, 24, 192), (4, 48, 384), (8, 96, 768))


def agent_name(host: str) -> str:
    """The name of a host's agent among the services."""
    return f"gpubroker-agent-{host}"


def catalogue(settings: s.Settings) -> dict[str, services.Service]:
    """API, worker and one agent a GPU host, in the order of their start."""
    url = settings.ports.url("gpubroker", "/healthcheck")
    main = str(config.main_file(settings))
    found = [
        services.Service(
            processes.Program(
                name=API,
                command=(layouts.broker_program("gunicorn"),),
                environment={
                    "OS_GPUBROKER_CONFIG_FILES": main,
                    "PROMETHEUS_MULTIPROC_DIR": str(_counts(settings)),
                },
                directory=settings.layout.config / "gpubroker",
                stop_seconds=35,
            ),
            lambda: services.answers_http(url),
            "gpubroker API",
        ),
        services.Service(
            processes.Program(
                name=WORKER,
                command=(
                    layouts.broker_program("gpubroker-worker"),
                    "--config-file",
                    main,
                ),
                stop_seconds=10,
            ),
            lambda: True,
            "gpubroker worker",
        ),
    ]
    found += [_agent(settings, host.name) for host in hardware.HOSTS]
    return {service.name: service for service in found}


def client(connection: Any) -> Any:
    """The gpu-broker part of an openstacksdk connection."""
    from gpubroker.client import sdk

    return sdk.add_to(connection)


def _agent(settings: s.Settings, host: str) -> services.Service:
    command = [layouts.broker_program("gpubroker-agent")]
    for path in config.agent_files(settings, host):
        command += ["--config-file", str(path)]
    return services.Service(
        processes.Program(agent_name(host), tuple(command), stop_seconds=5),
        lambda: True,
        f"agent of {host}",
    )


def _counts(settings: s.Settings) -> pathlib.Path:
    """Where the processes of the API add up what they count."""
    return settings.layout.data / "api-counts"


def prepare(settings: s.Settings) -> None:
    """Write the configuration and build what the agents look at."""
    config.write(settings)
    # What the API of the last start has counted is over.
    shutil.rmtree(_counts(settings), ignore_errors=True)
    _counts(settings).mkdir()
    simulated_hosts.build(settings.layout)


def make_tables(settings: s.Settings, runner: processes.Processes) -> None:
    """Bring gpubroker's database up to date, and make the keys for it."""
    manage = layouts.broker_program("gpubroker-manage")
    file = str(config.main_file(settings))
    for words in (("db", "upgrade"), ("keys", "create")):
        runner.run(
            processes.Program(
                f"gpubroker-{words[0]}",
                (manage, "--config-file", file, *words),
            )
        )


def enroll(
    settings: s.Settings, runner: processes.Processes, host: str
) -> None:
    """Give a host's agent an identity, by the operator's own command."""
    runner.run(
        processes.Program(
            f"enroll-{host}",
            (
                layouts.broker_program("openstack"),
                *("gpu", "host", "enroll", host, "--mode", "manage"),
                *("--output", str(config.identity_file(settings, host))),
            ),
            environment={
                "OS_CLIENT_CONFIG_FILE": str(settings.layout.clouds),
                "OS_CLOUD": "sandbox-admin",
            },
        )
    )


def fill(operator: Any) -> None:
    """What an operator sets up once: admission and flavors.

    :param operator: the gpu-broker proxy of an operator's connection.
    """
    pool = operator.get_pool("default")
    operator.update_pool(pool, admission="automatic")
    for model in hardware.MODELS:
        family = model.name.split("-")[0]
        cards = max(len(h.gpus) for h in hardware.HOSTS if h.model == model)
        for gpus, vcpus, gib in _SIZES:
            if gpus <= cards:
                operator.create_flavor(
                    name=f"vm.gpu.{family}.{gpus}",
                    description=f"{gpus} x {model.name}",
                    models=[model.name],
                    gpus=gpus,
                    vcpus=vcpus,
                    ram_mib=gib * 1024,
                    disk_gib=200,
                )


def wait_for_cards(
    operator: Any, alive: Callable[[], None], seconds: float = 120
) -> None:
    """Wait until every card can be given out.

    :param alive: raises when a service that this waits for has ended.
    """
    wanted = sum(len(host.gpus) for host in hardware.HOSTS)
    until = time.monotonic() + seconds
    while True:
        cards = list(operator.devices())
        # The broker may have looked when a nova-compute was not up yet.
        up = {h.name for h in operator.hosts() if h.compute_state == "up"}
        ready = [
            card
            for card in cards
            if card.is_schedulable and card.serial and card.host in up
        ]
        if len(ready) >= wanted:
            return
        alive()
        if time.monotonic() > until:
            raise errors.SandboxError(
                f"only {len(ready)} of {wanted} GPUs can be given out after "
                f"{seconds:.0f} s; openstack gpu device list tells why "
                f"(pid {os.getpid()})"
            )
        time.sleep(0.5)
