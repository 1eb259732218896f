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

"""The small real cloud as one thing: up, down, and what tests do to it."""

import concurrent.futures
import datetime
import functools
import pathlib
import shutil
import time
from collections.abc import Callable, Iterable
from typing import Any

from sandbox import databases
from sandbox import errors
from sandbox import hardware
from sandbox import identity
from sandbox import installation
from sandbox import layout as layouts
from sandbox import lock as locks
from sandbox import passwords as secrets
from sandbox import ports as tcp
from sandbox import private_files
from sandbox import processes
from sandbox import progress as reporting
from sandbox import rabbit
from sandbox import services
from sandbox import snapshot
from sandbox import tenants
from sandbox.config import glance
from sandbox.config import keystone
from sandbox.config import neutron
from sandbox.config import nova
from sandbox.config import placement
from sandbox.config import settings as s

# Data, a snapshot of it, logs.
DISK_NEEDED_MIB = 1024

_STOP_LAST = ("mariadb", "rabbitmq", "epmd")


class Cloud:
    """One sandbox: a folder, and the services that run from it.

    Not for use by several threads at once.

    :param state_dir: the folder; two with different folders may run at the
        same time.
    :param port_base: first of the ports; without it free ones are found.
    :param progress: where steps are told; by default nowhere.
    """

    def __init__(
        self,
        state_dir: pathlib.Path = layouts.DEFAULT_STATE,
        port_base: int | None = None,
        progress: reporting.Progress | None = None,
    ) -> None:
        self.layout = layouts.Layout.at(state_dir)
        self.processes = processes.Processes(self.layout)
        self.progress = progress or reporting.Progress.silent()
        self._port_base = port_base
        self._lock = locks.Lock(self.layout)
        self._settings: s.Settings | None = None

    # -- up and down --------------------------------------------------------

    def up(self) -> None:
        """Start everything anew; what the last run left is ended first.

        Returns when every service is ready.  When it raises, nothing is
        left running.

        :raises SandboxError: with what the person can do about it.
        """
        self.layout.make()
        self._lock.take()
        try:
            self._end_leftovers()
            self._check_disk()
            self._start_all()
        except BaseException as error:
            self._give_up()
            if isinstance(error, OSError):
                raise _disk_error(error) from error
            raise

    def attach(self) -> None:
        """Work with a cloud that runs already, such as a kept one.

        :raises SandboxError: it does not run whole.
        """
        self._lock.take()
        dead = [one.name for one in self.status() if not one.running]
        if not self.processes.names() or dead:
            self._lock.release()
            raise errors.SandboxError(
                f"no whole cloud runs in {self.layout.state}"
            )

    def detach(self) -> None:
        """Leave it running without this process."""
        self._lock.release()

    def down(self) -> None:
        """End all that runs here, whoever started it."""
        if not self.layout.state.is_dir():
            return
        self._lock.end_holder()
        names = self.processes.names()
        self.processes.stop(n for n in names if n not in _STOP_LAST)
        self.processes.stop(_STOP_LAST)
        self.processes.stop_strays()
        self._lock.release()

    def status(self) -> list[processes.Status]:
        """Every service that was started, alive or not."""
        return self.processes.status()

    # -- what tests do ------------------------------------------------------

    def start(self, name: str) -> None:
        """Start one service again and wait until it is ready."""
        service = self.services()[name]
        since = time.time()
        self.processes.start(service.program)
        self.processes.wait(name, service.ready)
        if name.startswith("nova-"):
            self._wait_nova(since, {name})

    def stop(self, name: str) -> None:
        """End one service in an orderly way."""
        self.processes.stop([name])

    def kill(self, name: str) -> None:
        """End one service as a power cut would."""
        self.processes.kill(name)

    def services(self) -> dict[str, services.Service]:
        """All services by name."""
        return services.catalogue(self.settings)

    def connection(self, cloud: str = "sandbox") -> Any:
        """A new openstacksdk connection.

        :param cloud: a name in clouds.yaml: ``sandbox``, ``sandbox-other``
            or ``sandbox-admin``.
        """
        return identity.connect(self.layout, cloud)

    def set_hardware(self, host: str, **changes: Any) -> None:
        """Change what is in a host; Nova sees it within 20 s.

        :param changes: parts of ``hardware.json``, such as ``gpus``.
        """
        hardware.change(self.layout, host, **changes)

    def set_control(
        self,
        host: str,
        fail_spawn: bool | int = False,
        spawn_delay: float = 0,
        destroy_delay: float = 0,
    ) -> None:
        """Tell a host's hypervisor what to do wrong, from now on.

        :param fail_spawn: True for every spawn, or how many of the next.
        :param spawn_delay: seconds.
        :param destroy_delay: seconds.
        """
        private_files.write_json(
            hardware.control_file(self.layout, host),
            {
                "fail_spawn": fail_spawn,
                "spawn_delay": spawn_delay,
                "destroy_delay": destroy_delay,
            },
        )

    def set_quota(self, project: str, **limits: int) -> None:
        """Set a project's limits in Nova; without any, the first ones."""
        tenants.set_quota(
            self.connection("sandbox-admin"),
            project,
            **(limits or tenants.QUOTA),
        )

    @property
    def settings(self) -> s.Settings:
        """Ports and passwords, as they were at the last start."""
        if self._settings is None:
            ports = tcp.remembered(self.layout)
            if ports is None:
                raise errors.SandboxError(
                    f"no sandbox was ever started in {self.layout.state}"
                )
            self._settings = s.Settings(
                self.layout, ports, secrets.load(self.layout)
            )
        return self._settings

    # -- the start ----------------------------------------------------------

    def _start_all(self) -> None:
        ports = tcp.choose(self.layout, self._port_base)
        passwords = secrets.load(self.layout)
        self._settings = s.Settings(self.layout, ports, passwords)
        known = snapshot.usable(self.layout)
        if known:
            with self.progress.step("Take the data of the first start"):
                snapshot.restore(self.layout)
        else:
            snapshot.discard(self.layout)
        self.layout.make()
        self._write_files()
        if known:
            self._start_known()
        else:
            self._start_first()

    def _write_files(self) -> None:
        (self.layout.data / "locks").mkdir(exist_ok=True)
        for log in self.layout.log.glob("*.log"):
            log.unlink()
        settings = self.settings
        databases.write(self.layout, settings.passwords)
        rabbit.write(self.layout, settings.ports, settings.passwords)
        for module in (keystone, placement, glance, neutron, nova):
            module.write(settings)
        hardware.write(self.layout)
        identity.write_clouds(settings)

    def _start_first(self) -> None:
        """Set up every service, fill the cloud, keep a copy of the data."""
        runner, layout = self.processes, self.layout
        install = installation.Installation(self.settings, runner)
        with self.progress.step("Make the database server's folder"):
            runner.run(databases.install(layout))
        self._together(
            lambda: self._start("mariadb"),
            self._start_rabbit,
        )
        with self.progress.step("Make the tables of all services"):
            self._together(
                install.nova,
                install.keystone,
                install.neutron,
                install.placement,
                install.glance,
            )
        self._start("keystone")
        with self.progress.step("Make users, roles and endpoints"):
            identity.create(
                identity.connect_as(
                    self.settings, identity.BOOTSTRAP, "admin"
                ),
                self.settings,
            )
            identity.retire_bootstrap(self.connection("sandbox-admin"))
        since = time.time()
        self._start_rest(("placement", "glance", "neutron", "nova"))
        self._together(
            self._fill,
            lambda: self._wait_nova_step(since),
        )
        with self.progress.step("Make the GPU hosts known to the scheduler"):
            install.hosts()
        self._wait_gpus()
        with self.progress.step("Keep a copy of the data for later starts"):
            pid = next(
                one.pid for one in self.status() if one.name == "mariadb"
            )
            assert pid is not None
            snapshot.take(layout, pid)

    def _start_known(self) -> None:
        """Start from a copy of the data: everything at once."""
        since = time.time()
        self._together(
            lambda: self._start("mariadb"),
            self._start_rabbit,
            lambda: self._start("keystone"),
            lambda: self._start("glance"),
        )
        identity.move_endpoints(self.settings.ports, self.settings.passwords)
        self._start_rest(("placement", "neutron", "nova"))
        self._wait_nova_step(since)
        self._wait_gpus()

    def _start(self, name: str) -> None:
        service = self.services()[name]
        with self.progress.step(f"Start {service.label}"):
            self.processes.start(service.program)
            self.processes.wait(name, service.ready)

    def _start_rabbit(self) -> None:
        service = self.services()["epmd"]
        self.processes.start(service.program)
        self.processes.wait("epmd", service.ready)
        self._start("rabbitmq")

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
        known = self.services()
        conductor = known["nova-conductor"]
        self.processes.start(conductor.program)
        self.processes.start(known["nova-scheduler"].program)
        self.processes.wait(conductor.name, conductor.ready)
        for host in hardware.HOSTS:
            service = known[services.compute_name(host.name)]
            self.processes.start(service.program)

    def _fill(self) -> None:
        with self.progress.step("Make image, networks, key pair and quotas"):
            tenants.create_for_all(self.connection("sandbox-admin"))
            for cloud, name, addresses in tenants.NETWORKS.values():
                tenants.create_network(self.connection(cloud), name, addresses)
            tenants.create_key_pair(self.layout, self.connection("sandbox"))

    def _wait_nova_step(self, since: float) -> None:
        count = len(hardware.HOSTS)
        text = f"Start Nova's conductor, scheduler and {count} computes"
        with self.progress.step(text):
            names = {n for n in self.services() if n.startswith("nova-")}
            self._wait_nova(since, names)

    def _wait_nova(self, since: float, names: set[str]) -> None:
        """Wait until programs of Nova have reported since a moment.

        "Up" alone may be left over: it holds for a minute after the end.
        """
        compute = self.connection("sandbox-admin").compute
        began = datetime.datetime.fromtimestamp(
            since, datetime.UTC
        ).isoformat()[:19]

        def reported() -> bool:
            found = set()
            for one in compute.services():
                host = one.binary == "nova-compute"
                name = services.compute_name(one.host) if host else one.binary
                if one.state == "up" and (one.updated_at or "") > began:
                    found.add(name)
            return found >= names

        until = time.monotonic() + 240
        while not reported():
            for name in names:
                if not self.processes.running(name):
                    raise self.processes.failure(name, "it ended by itself")
            if time.monotonic() > until:
                raise self.processes.failure(
                    sorted(names)[0], "not ready after 240 s"
                )
            time.sleep(0.3)

    def _wait_gpus(self) -> None:
        """Wait until Placement shows every GPU with its slot's trait."""
        admin = self.connection("sandbox-admin")
        wanted = {
            hardware.provider_name(host.name, gpu)
            for host in hardware.HOSTS
            for gpu in host.gpus
        }
        slots = ",".join(
            hardware.slot_trait(slot) for slot in range(hardware.SLOTS)
        )

        def shown() -> bool:
            answer = admin.placement.get(
                f"/resource_providers?required=in:{slots}",
                microversion="1.39",
            )
            if answer.status_code != 200:  # a trait is not there yet
                return False
            providers = answer.json()["resource_providers"]
            return wanted <= {one["name"] for one in providers}

        with self.progress.step(f"See {len(wanted)} GPUs in Placement"):
            name = services.compute_name(hardware.HOSTS[-1].name)
            self.processes.wait(name, shown, 120)

    def _together(self, *jobs: Callable[[], None]) -> None:
        """Run jobs at the same time; the first failure ends the others."""
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            futures = [pool.submit(job) for job in jobs]
            try:
                for future in concurrent.futures.as_completed(futures):
                    future.result()
            except BaseException:
                # Their programs end, and with them the waiting threads.
                self.processes.abort()
                raise

    # -- the end ------------------------------------------------------------

    def _end_leftovers(self) -> None:
        """End what a run that was killed has left."""
        names = self.processes.names()
        if any(self.processes.running(name) for name in names):
            with self.progress.step("End what the last run left running"):
                self.processes.stop(names)
        self.processes.stop(names)
        self.processes.stop_strays()

    def _give_up(self) -> None:
        names = self.processes.names()
        self.processes.stop(names)
        self.processes.stop_strays()
        self._lock.release()

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.layout.state).free // 2**20
        if free < DISK_NEEDED_MIB:
            raise errors.SandboxError(
                f"the disk of {self.layout.state} has {free} MiB free, "
                f"{DISK_NEEDED_MIB} are needed: free some space, or choose "
                "another folder with --state"
            )


def _disk_error(error: OSError) -> errors.SandboxError:
    """An operating system error in a person's words."""
    where = f" ({error.filename})" if error.filename else ""
    return errors.SandboxError(f"{error.strerror}{where}")
