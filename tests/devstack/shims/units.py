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

"""systemctl in the scratch root: runs the units that DevStack has written.

Knows what DevStack asks for: daemon-reload, enable, disable, is-enabled,
start, stop, restart, status. A unit's program is started with its
Environment, told to end by SIGTERM to its main process (KillMode=process),
and logs to ``$DEVSTACK_UNIT_LOGS``. Not known: users, readiness (Type=notify)
and starting again what has ended; nothing ends here that has not been told to.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

UNITS = pathlib.Path("/etc/systemd/system")
STATE = pathlib.Path("/run/units")
STOP_SECONDS = 60


def main(words: list[str]) -> int:
    verb, *names = [word for word in words if not word.startswith("--")]
    STATE.mkdir(exist_ok=True)
    if verb == "daemon-reload":
        return 0
    return max(_VERBS[verb](name.removesuffix(".service")) for name in names)


def enable(name: str) -> int:
    (STATE / f"{name}.enabled").touch()
    return 0


def disable(name: str) -> int:
    (STATE / f"{name}.enabled").unlink(missing_ok=True)
    return 0


def is_enabled(name: str) -> int:
    return 0 if (STATE / f"{name}.enabled").exists() else 1


def start(name: str) -> int:
    if alive(name):
        return 0
    if name == "apache2":
        return apache("start")
    service = _service(name)
    if service is None:
        print(f"Unit {name}.service not found.", file=sys.stderr)
        return 5
    environment = dict(
        word.split("=", 1) for word in shlex.split(service["Environment"])
    )
    logs = pathlib.Path(os.environ["DEVSTACK_UNIT_LOGS"])
    with open(logs / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            shlex.split(service["ExecStart"]),
            env={"PATH": "/usr/bin:/bin", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    _pid_file(name).write_text(str(process.pid))
    return 0


def stop(name: str) -> int:
    if name == "apache2":
        return apache("stop")
    pid = alive(name)
    if pid:
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while alive(name):
            if time.monotonic() > until:
                print(f"{name} did not end on SIGTERM", file=sys.stderr)
                os.killpg(pid, signal.SIGKILL)
                return 1
            time.sleep(0.1)
    _pid_file(name).unlink(missing_ok=True)
    return 0


def restart(name: str) -> int:
    return stop(name) or start(name)


def status(name: str) -> int:
    print(f"{name}: {'active' if alive(name) else 'inactive'}")
    return 0 if alive(name) else 3


def alive(name: str) -> int | None:
    """The pid of the running unit, or None."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid = int(_pid_file(name).read_text())
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        # What is dead waits for its parent, which may not care.
        return None if stat.rpartition(")")[2].split()[0] == "Z" else pid
    return None


def apache(verb: str) -> int:
    """Apache has a control program of its own; Debian's unit calls it, too."""
    for folder in ("/run/apache2", "/run/lock/apache2", "/var/log/apache2"):
        os.makedirs(folder, exist_ok=True)
    if verb == "start":
        return subprocess.call(["apache2ctl", "start"])
    pid_file = pathlib.Path("/run/apache2/apache2.pid")
    code = subprocess.call(["apache2ctl", "graceful-stop"])
    until = time.monotonic() + STOP_SECONDS
    while pid_file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    return code


def _service(name: str) -> configparser.SectionProxy | None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    if not unit.read(UNITS / f"{name}.service"):
        return None
    return unit["Service"]


def _pid_file(name: str) -> pathlib.Path:
    return STATE / f"{name}.pid"


_VERBS = {
    "enable": enable,
    "disable": disable,
    "is-enabled": is_enabled,
    "start": start,
    "stop": stop,
    "restart": restart,
    "status": status,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
