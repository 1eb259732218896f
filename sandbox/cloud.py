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

import pathlib
import shutil
import time
from collections.abc import Iterable
from typing import Any

from sandbox import errors
from sandbox import hardware
from sandbox import horizon
from sandbox import identity
from sandbox import layout as layouts
from sandbox import lock as locks
from sandbox import passwords as secrets
from sandbox import ports as tcp
from sandbox import private_files
from sandbox import processes
from sandbox import progress as reporting
from sandbox import readiness
from sandbox import services
from sandbox import snapshot
from sandbox import startup
from sandbox import tenants
from sandbox.config import settings as s

# The data, a copy of it for later starts, logs; less when there is the copy.
DISK_NEEDED_MIB = 1024
DISK_NEEDED_LATER_MIB = 512

_STOP_LAST = ("mariadb", "rabbitmq", "epmd")


class Cloud:
    """One sandbox: a folder, and the services that run from it.

    Not for use by several threads at once.

    :param state_dir: the folder; two with different folders may run at the
        same time.
    :param port_base: first of the ports; without it free ones are found.
    :param progress: where steps are told; by default nowhere.
    :param faults: put a proxy between the broker and the cloud, on which
        calls can be made to go wrong, when this starts it.
    :param extras: what else to start, such as ``horizon``.
    """

    def __init__(
        self,
        state_dir: pathlib.Path = layouts.DEFAULT_STATE,
        port_base: int | None = None,
        progress: reporting.Progress | None = None,
        faults: bool = False,
        extras: Iterable[str] = (),
    ) -> None:
        self.layout = layouts.Layout.at(state_dir)
        self.processes = processes.Processes(self.layout)
        self.progress = progress or reporting.Progress.silent()
        self._port_base = port_base
        self._faults = faults
        self._extras = frozenset(extras)
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
        self.processes.renew()
        try:
            self._end_leftovers()
            shutil.rmtree(self.layout.data, ignore_errors=True)
            self._check_disk()
            self.layout.make()
            ports = tcp.choose(self.layout, self._port_base)
            passwords = secrets.load(self.layout)
            self._settings = s.Settings(
                self.layout, ports, passwords, self._faults, self._extras
            )
            self._remember()
            startup.Startup(
                self._settings, self.processes, self.progress
            ).run()
        except BaseException as error:
            self._give_up()
            if isinstance(error, OSError):
                raise _disk_error(error) from error
            raise

    def attach(self) -> bool:
        """Take over a cloud that was left running.

        :returns: whether there is one, whole and made by this code.
        :raises SandboxError: another process holds it.
        """
        if not self.layout.kept.exists():
            return False
        if self.layout.faults.exists() != self._faults:
            return False
        if self._running_extras() != self._extras:
            return False
        self._lock.take()
        names = self.processes.names()
        whole = all(map(self.processes.running, self.services()))
        if whole and set(self.services()) <= set(names):
            if self.layout.kept.read_text() == snapshot.digest():
                self._renew_horizon()
                return True
        self._lock.release()
        return False

    def _renew_horizon(self) -> None:
        if horizon.renew(self.settings, self.processes):
            self.progress.line("Horizon was started again: panels changed.")

    def detach(self) -> None:
        """Leave it running without this process."""
        private_files.write(self.layout.kept, snapshot.digest())
        self._lock.release()

    def down(self) -> None:
        """End all that runs here, whoever started it."""
        if not self.layout.state.is_dir():
            return
        self._lock.end_holder()
        names = self.processes.names()
        self._end(names)
        self.processes.stop_strays()
        self.layout.kept.unlink(missing_ok=True)
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
            readiness.wait_for_nova(
                self.settings, self.processes, since, {name}
            )

    def stop(self, name: str) -> None:
        """End one service in an orderly way."""
        self.processes.stop([name])

    def kill(self, name: str) -> None:
        """End one service as a power cut would."""
        self.processes.kill(name)

    def services(self) -> dict[str, services.Service]:
        """All services by name."""
        return startup.all_services(self.settings)

    def connection(self, cloud: str = "sandbox") -> Any:
        """A new openstacksdk connection.

        :param cloud: a name in clouds.yaml: ``sandbox``, ``sandbox-other``
            or ``sandbox-admin``.
        """
        return identity.connect(self.layout, cloud)

    def set_hardware(
        self, host: str, restart: bool = False, **changes: Any
    ) -> None:
        """Change what is in a host.

        Nova sees other CPUs or memory within 20 s.  PCI devices Nova 34
        reads when nova-compute starts, and never again
        (https://bugs.launchpad.net/nova/+bug/2147424).

        :param restart: start the host's nova-compute anew.
        :param changes: parts of ``hardware.json``, such as ``gpus``.
        """
        hardware.change(self.layout, host, **changes)
        if restart:
            self.stop(services.compute_name(host))
            self.start(services.compute_name(host))

    def set_control(
        self,
        host: str,
        fail_spawn: bool | int = False,
        fail_image: str | None = None,
        spawn_delay: float = 0,
        destroy_delay: float = 0,
    ) -> None:
        """Tell a host's hypervisor what to do wrong, from now on.

        :param fail_spawn: True for every spawn, or how many of the next.
        :param fail_image: id of an image whose servers never come up.
        :param spawn_delay: seconds.
        :param destroy_delay: seconds.
        """
        private_files.write_json(
            hardware.control_file(self.layout, host),
            {
                "fail_spawn": fail_spawn,
                "fail_image": fail_image,
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
                self.layout,
                ports,
                secrets.load(self.layout),
                self.layout.faults.exists(),
                self._running_extras(),
            )
        return self._settings

    # -- the end ------------------------------------------------------------

    def _end_leftovers(self) -> None:
        """End what a run that was killed has left."""
        self.layout.kept.unlink(missing_ok=True)
        names = self.processes.names()
        if any(self.processes.running(name) for name in names):
            with self.progress.step("End what the last run left running"):
                self._end(names)
        self._end(names)
        self.processes.stop_strays()

    def _running_extras(self) -> frozenset[str]:
        """What the last start was asked to start beside the cloud."""
        return frozenset(private_files.read_json(self.layout.extras) or ())

    def _remember(self) -> None:
        private_files.write_json(self.layout.extras, sorted(self._extras))
        if self._faults:
            private_files.write(self.layout.faults, "")
        else:
            self.layout.faults.unlink(missing_ok=True)

    def _give_up(self) -> None:
        with self.progress.step("Stop everything"):
            self._end(self.processes.names())
            self.processes.stop_strays()
        self._lock.release()

    def _end(self, names: Iterable[str]) -> None:
        """End programs for good: nobody will miss what they held."""
        names = list(names)
        self.processes.stop((n for n in names if n not in _STOP_LAST), 2)
        self.processes.stop(n for n in names if n in _STOP_LAST)

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.layout.state).free // 2**20
        needed = (
            DISK_NEEDED_LATER_MIB
            if snapshot.usable(self.layout)
            else DISK_NEEDED_MIB
        )
        if free < needed:
            raise errors.SandboxError(
                f"the disk of {self.layout.state} has {free} MiB free, "
                f"{needed} are needed: free some space, or choose "
                "another folder with --state"
            )


def _disk_error(error: OSError) -> errors.SandboxError:
    """An operating system error in a person's words."""
    where = f" ({error.filename})" if error.filename else ""
    return errors.SandboxError(f"{error.strerror}{where}")
