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

"""Starting, watching and ending the programs of one sandbox."""

import contextlib
import math
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field

from sandbox import errors
from sandbox import failures
from sandbox import layout as layouts
from sandbox import private_files
from sandbox import proc

# In the environment of every program that is started: tells which sandbox it
# belongs to, also when the record of its pid was never written (a kill -9
# between the two) or when it left its session.
MARK = "GPUBROKER_SANDBOX"


@dataclass(frozen=True)
class Program:
    """A program to start.

    :ivar stop_seconds: how long it may take to end by itself before it is
        killed.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: pathlib.Path | None = None
    stop_seconds: float = 8.0


@dataclass(frozen=True)
class Record:
    """What is remembered of a started program, in ``run/NAME.json``.

    A pid alone does not name a process: it is used again.  Together with
    the moment the process began (in clock ticks since boot) it does.
    """

    name: str
    pid: int
    start_ticks: str
    started_at: float
    log_offset: int
    stop_seconds: float


@dataclass(frozen=True)
class Status:
    """One line of ``--status``.

    :ivar memory_mib: proportional set size of all its processes.
    """

    name: str
    running: bool
    pid: int | None
    memory_mib: float
    seconds: float
    log: pathlib.Path


class Processes:
    """The programs of one sandbox, by name."""

    def __init__(self, layout: layouts.Layout) -> None:
        self._layout = layout
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._aborted = False

    # -- starting -----------------------------------------------------------

    def start(self, program: Program) -> None:
        """Start a program in a session of its own, its output in its log.

        :raises SandboxError: it already runs.
        """
        if self._aborted:
            raise errors.SandboxError("given up")
        if self.running(program.name):
            raise errors.SandboxError(f"{program.name} already runs")
        log = self._layout.log_of(program.name)
        with open(log, "ab") as output:
            offset = output.tell()
            child = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=program.directory or self._layout.data,
                env=self.environment(program.environment),
                start_new_session=True,
            )
        self._children[program.name] = child
        record = Record(
            name=program.name,
            pid=child.pid,
            start_ticks=proc.start_ticks(child.pid) or "",
            started_at=time.time(),
            log_offset=offset,
            stop_seconds=program.stop_seconds,
        )
        private_files.write_json(self._path(program.name), asdict(record))

    def run(self, program: Program, timeout: float = 300) -> None:
        """Run a program to its end.

        :raises ServiceFailed: its exit status is not 0.
        """
        self.start(program)
        child = self._children[program.name]
        try:
            status = child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise self.failure(
                program.name, f"not finished after {timeout:.0f} s"
            ) from None
        finally:
            self.stop([program.name])
        if status != 0:
            raise self.failure(program.name, f"exit status {status}")

    def wait(
        self, name: str, ready: Callable[[], bool], seconds: float = 180
    ) -> None:
        """Wait until a started program is ready.

        :raises ServiceFailed: it ended, or is not ready in time.
        """
        until = time.monotonic() + seconds
        while not ready():
            if not self.running(name):
                raise self.failure(name, self.end_of(name))
            if time.monotonic() > until:
                raise self.failure(name, f"not ready after {seconds:.0f} s")
            time.sleep(0.1)

    def renew(self) -> None:
        """Allow starts again after :meth:`abort`."""
        self._aborted = False

    def abort(self) -> None:
        """Start nothing more; what :meth:`run` waits for is ended."""
        self._aborted = True
        self.stop([name for name in self.names() if self.running(name)])

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """The environment of a program: little of the person's own.

        Variables such as OS_CLOUD or PYTHONPATH in the person's shell must
        not reach the services.
        """
        kept = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
        wanted = {
            name: os.environ[name] for name in kept if name in os.environ
        }
        wanted["PATH"] = (
            f"{layouts.CLOUD_ENVIRONMENT / 'bin'}"
            f":{wanted.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin"
        )
        wanted["HOME"] = str(self._layout.data)
        wanted["PYTHONUNBUFFERED"] = "1"
        wanted.update(more)
        wanted[MARK] = str(self._layout.state)
        return wanted

    # -- watching -----------------------------------------------------------

    def running(self, name: str) -> bool:
        """Whether the very process that was started still runs."""
        child = self._children.get(name)
        if child is not None:
            child.poll()  # else an ended child stays as a zombie
        record = self._record(name)
        return (
            record is not None
            and proc.start_ticks(record.pid) == record.start_ticks
        )

    def pid(self, name: str) -> int:
        """The pid of a program that runs.

        :raises ServiceFailed: it does not.
        """
        record = self._record(name)
        if record is None or not self.running(name):
            raise self.failure(name, self.end_of(name))
        return record.pid

    def names(self) -> list[str]:
        """Names of the programs that were started and not yet stopped."""
        return sorted(path.stem for path in self._layout.run.glob("*.json"))

    def end_of(self, name: str) -> str:
        """How a program ended, as far as can be known."""
        child = self._children.get(name)
        status = child.poll() if child is not None else None
        if status is None:
            return "it ended by itself"
        if status < 0:
            return f"it was ended by {signal.Signals(-status).name}"
        return f"it ended by itself with exit status {status}"

    def failure(self, name: str, reason: str) -> errors.ServiceFailed:
        """The error to raise for a program, with the end of its log."""
        record = self._record(name)
        log = self._layout.log_of(name)
        tail = failures.tail(log, record.log_offset if record else 0)
        return errors.ServiceFailed(
            name, failures.cause(tail) or reason, str(log), tail[-15:]
        )

    def status(self) -> list[Status]:
        """Every program with its state and memory."""
        sessions = proc.sessions()
        found = []
        for name in self.names():
            record = self._record(name)
            if record is None:
                continue
            running = self.running(name)
            pids = sessions.get(record.pid, []) if running else []
            found.append(
                Status(
                    name=name,
                    running=running,
                    pid=record.pid if running else None,
                    memory_mib=proc.memory_mib(pids),
                    seconds=time.time() - record.started_at,
                    log=self._layout.log_of(name),
                )
            )
        return found

    # -- ending -------------------------------------------------------------

    def stop(self, names: Iterable[str], at_most: float | None = None) -> None:
        """End programs together: asked first, killed after their time.

        Ends whole sessions, and only those whose leader is the process that
        was started here.

        :param at_most: seconds that each gets, if less than its own.
        """
        names = list(names)
        waiting = {}
        for name in names:
            record = self._record(name)
            if record is not None and self.running(name):
                allowed = min(record.stop_seconds, at_most or math.inf)
                waiting[name] = time.monotonic() + allowed
                self._signal(name, signal.SIGTERM)
        while waiting:
            time.sleep(0.05)
            now = time.monotonic()
            waiting = {
                name: until
                for name, until in waiting.items()
                if self.running(name) and now < until
            }
        for name in names:
            self._kill_session(name)
            self._path(name).unlink(missing_ok=True)
            self._children.pop(name, None)

    def kill(self, name: str) -> None:
        """End one program at once, as a power cut would (kill -9)."""
        self._kill_session(name)
        self._path(name).unlink(missing_ok=True)
        self._children.pop(name, None)

    def stop_strays(self) -> list[int]:
        """Kill what carries this sandbox's mark but is not recorded.

        :returns: the pids.
        """
        recorded = {
            record.pid
            for record in map(self._record, self.names())
            if record is not None
        }
        wanted = f"{MARK}={self._layout.state}".encode()
        strays = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:  # gone meanwhile, or another user's
                continue
            if wanted in environment and int(entry.name) not in recorded:
                strays.append(int(entry.name))
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return strays

    def _signal(self, name: str, number: int) -> None:
        record = self._record(name)
        if record is not None and self.running(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, number)

    def _kill_session(self, name: str) -> None:
        """Kill what is left of a program's session.

        While any process of the session lives, Linux gives its number to no
        other, so members found under it are its own, unless the number was
        free in between: their mark tells.
        """
        record = self._record(name)
        if record is None:
            return
        child = self._children.get(name)
        mark = f"{MARK}={self._layout.state}".encode()
        killed = []
        for pid in proc.sessions().get(record.pid, []):
            ours = child is not None or (
                proc.start_ticks(record.pid) == record.start_ticks
            )
            if not ours:
                with contextlib.suppress(OSError):
                    path = pathlib.Path(f"/proc/{pid}/environ")
                    ours = mark in path.read_bytes().split(b"\0")
            if ours:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        if child is not None:
            child.wait()
        # Their ports are free only when they are gone.
        until = time.monotonic() + 5
        while any(map(proc.start_ticks, killed)) and time.monotonic() < until:
            time.sleep(0.02)

    # -- records ------------------------------------------------------------

    def _path(self, name: str) -> pathlib.Path:
        return self._layout.run / f"{name}.json"

    def _record(self, name: str) -> Record | None:
        known = private_files.read_json(self._path(name))
        try:
            return Record(**known) if known else None
        except TypeError:  # written by another version
            return None
