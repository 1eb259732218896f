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

"""Bringing everything up in the right order, and no slower than needed."""

import concurrent.futures
import functools
import time
from collections.abc import Callable, Iterable
from typing import Any

from sandbox import databases
from sandbox import gpubroker
from sandbox import hardware
from sandbox import horizon
from sandbox import identity
from sandbox import installation
from sandbox import processes
from sandbox import progress as reporting
from sandbox import rabbit
from sandbox import readiness
from sandbox import services
from sandbox import snapshot
from sandbox import tenants
from sandbox.config import glance
from sandbox.config import horizon as horizon_config
from sandbox.config import keystone
from sandbox.config import neutron
from sandbox.config import nova
from sandbox.config import placement
from sandbox.config import settings as s
from sandbox.faults import service as faults


def all_services(settings: s.Settings) -> dict[str, services.Service]:
    """The services of the cloud and gpubroker's, by name."""
    return {
        **services.catalogue(settings),
        **faults.catalogue(settings),
        **gpubroker.catalogue(settings),
        **horizon.catalogue(settings),
    }


class Startup:
    """One start of one sandbox, its data folder being empty."""

    def __init__(
        self,
        settings: s.Settings,
        runner: processes.Processes,
        progress: reporting.Progress,
    ) -> None:
        self._settings = settings
        self._layout = settings.layout
        self._runner = runner
        self._progress = progress
        self._services: dict[str, services.Service] = {}

    def run(self) -> None:
        """Start from the data of the first start, or make the first.

        :raises ServiceFailed: a service does not start.
        """
        known = snapshot.usable(self._layout)
        if known:
            with self._progress.step("Take the data of the first start"):
                snapshot.restore(self._layout)
        else:
            snapshot.discard(self._layout)
        self._layout.make()
        self._write_files()
        self._services = all_services(self._settings)
        if known:
            self._start_known()
        else:
            self._start_first()
        self._start_horizon()

    def _write_files(self) -> None:
        settings, layout = self._settings, self._layout
        (layout.data / "locks").mkdir(exist_ok=True)
        for log in layout.log.glob("*.log"):
            log.unlink()
        databases.write(layout, settings.passwords)
        rabbit.write(layout, settings.ports, settings.passwords)
        for module in (keystone, placement, glance, neutron, nova):
            module.write(settings)
        hardware.write(layout)
        gpubroker.prepare(settings)
        horizon_config.write(settings)
        identity.write_clouds(settings)

    # -- the two ways -------------------------------------------------------

    def _start_first(self) -> None:
        """Set up every service, fill the cloud, keep a copy of the data."""
        install = installation.Installation(self._settings, self._runner)
        with self._progress.step("Make the database server's folder"):
            self._runner.run(databases.install(self._layout))
        self._together(
            lambda: self._start("mariadb"),
            self._start_rabbit,
        )
        with self._progress.step("Make the tables of all services"):
            self._together(
                install.nova,
                install.keystone,
                install.neutron,
                install.placement,
                install.glance,
                lambda: gpubroker.make_tables(self._settings, self._runner),
            )
        self._start("keystone")
        self._start_faults()
        self._make_identities()
        since = time.time()
        self._start_rest(("placement", "glance", "neutron", "nova"))
        self._together(
            self._fill,
            lambda: self._wait_nova(since),
        )
        with self._progress.step("Make the GPU hosts known to the scheduler"):
            install.hosts()
        self._wait_gpus()
        self._set_up_broker()
        with self._progress.step("Keep a copy of the data for later starts"):
            snapshot.take(self._layout, self._runner.pid("mariadb"))

    def _start_known(self) -> None:
        """Start from a copy of the data: everything at once."""
        since = time.time()
        self._together(
            lambda: self._start("mariadb"),
            self._start_rabbit,
            lambda: self._start("keystone"),
            lambda: self._start("glance"),
        )
        identity.move_endpoints(self._settings)
        self._start_faults()
        self._start_rest(("placement", "neutron", "nova", gpubroker.API))
        self._start_broker()
        self._wait_nova(since)
        self._wait_gpus()
        self._wait_cards()

    # -- the cloud ----------------------------------------------------------

    def _make_identities(self) -> None:
        with self._progress.step("Make users, roles and endpoints"):
            first = identity.connect_as(
                self._settings, identity.BOOTSTRAP, "admin"
            )
            identity.create(first, self._settings)
            identity.retire_bootstrap(self._connect("sandbox-admin"))

    def _fill(self) -> None:
        with self._progress.step("Make image, networks, key pair and quotas"):
            tenants.create_for_all(self._connect("sandbox-admin"))
            for cloud, name, addresses in tenants.NETWORKS.values():
                tenants.create_network(self._connect(cloud), name, addresses)
            tenants.create_key_pair(self._layout, self._connect("sandbox"))

    def _start_rest(self, apis: Iterable[str]) -> None:
        """Start some APIs and Nova's other programs; wait for the APIs."""
        self._together(
            self._start_nova,
            *[functools.partial(self._start, name) for name in apis],
        )

    def _start_nova(self) -> None:
        """Start conductor, scheduler and computes, in this order.

        A compute that calls the conductor too early waits ten seconds
        before it calls again.
        """
        conductor = self._services["nova-conductor"]
        self._runner.start(conductor.program)
        self._runner.start(self._services["nova-scheduler"].program)
        self._runner.wait(conductor.name, conductor.ready)
        for host in hardware.HOSTS:
            service = self._services[services.compute_name(host.name)]
            self._runner.start(service.program)

    def _wait_nova(self, since: float) -> None:
        count = len(hardware.HOSTS)
        text = f"Start Nova's conductor, scheduler and {count} computes"
        names = {name for name in self._services if name.startswith("nova-")}
        with self._progress.step(text):
            readiness.wait_for_nova(self._settings, self._runner, since, names)

    def _wait_gpus(self) -> None:
        count = sum(len(host.gpus) for host in hardware.HOSTS)
        with self._progress.step(f"See {count} GPUs in Placement"):
            readiness.wait_for_gpus(self._settings, self._runner)

    def _start_rabbit(self) -> None:
        mapper = self._services["epmd"]
        self._runner.start(mapper.program)
        self._runner.wait(mapper.name, mapper.ready)
        self._start("rabbitmq")

    def _start_faults(self) -> None:
        for name in faults.catalogue(self._settings):
            self._start(name)

    # -- gpubroker ----------------------------------------------------------

    def _set_up_broker(self) -> None:
        """What an operator does once: agents, admission, flavors."""
        self._start(gpubroker.API)
        with self._progress.step("Enroll the agents of the GPU hosts"):
            self._together(
                *[
                    functools.partial(
                        gpubroker.enroll,
                        self._settings,
                        self._runner,
                        host.name,
                    )
                    for host in hardware.HOSTS
                ]
            )
        self._start_broker()
        with self._progress.step("Make GPU flavors"):
            gpubroker.fill(self._operator())
        self._wait_cards()

    def _start_broker(self) -> None:
        for name, service in gpubroker.catalogue(self._settings).items():
            if name != gpubroker.API:
                self._runner.start(service.program)

    def _operator(self) -> Any:
        return gpubroker.client(self._connect("sandbox-admin"))

    def _wait_cards(self) -> None:
        names = list(gpubroker.catalogue(self._settings))

        def alive() -> None:
            for name in names:
                if not self._runner.running(name):
                    raise self._runner.failure(name, self._runner.end_of(name))

        count = sum(len(host.gpus) for host in hardware.HOSTS)
        with self._progress.step(f"See {count} GPUs that can be ordered"):
            gpubroker.wait_for_cards(self._operator(), alive)

    # -- what was asked for beside it ----------------------------------------

    def _start_horizon(self) -> None:
        for name in horizon.catalogue(self._settings):
            with self._progress.step("Collect what browsers load"):
                horizon.prepare(self._settings, self._runner)
            horizon.remember_code(self._settings)
            self._start(name)

    # -- by which all of it is done -----------------------------------------

    def _connect(self, cloud: str) -> Any:
        return identity.connect(self._layout, cloud)

    def _start(self, name: str) -> None:
        service = self._services[name]
        with self._progress.step(f"Start {service.label}"):
            self._runner.start(service.program)
            self._runner.wait(name, service.ready)

    def _together(self, *jobs: Callable[[], None]) -> None:
        """Run jobs at the same time; the first failure ends the others."""
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            futures = [pool.submit(job) for job in jobs]
            try:
                for future in concurrent.futures.as_completed(futures):
                    future.result()
            except BaseException:
                # Their programs end, and with them the waiting threads.
                self._runner.abort()
                raise
