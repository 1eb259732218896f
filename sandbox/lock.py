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

"""One start at a time: who holds a sandbox."""

import fcntl
import os
import signal
import time
from typing import IO

from sandbox import errors
from sandbox import layout as layouts
from sandbox import proc


class Lock:
    """Held by the process that brings a sandbox up or watches over it.

    The kernel drops it when that process ends, however it ends.
    """

    def __init__(self, layout: layouts.Layout) -> None:
        self._path = layout.lock
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take the lock.

        :raises SandboxError: another process holds it.
        """
        file = open(self._path, "a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(file)
            file.close()
            raise errors.SandboxError(
                f"a sandbox is running in {self._path.parent} already "
                f"(process {holder}). Stop it there with Ctrl-C or from here "
                "with --down, or use another folder with --state."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()} {proc.start_ticks(os.getpid())}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def holder(self) -> int | None:
        """The pid of the process that holds it; None when nobody does."""
        try:
            with open(self._path, encoding="utf-8") as file:
                pid, ticks = file.read().split()
        except (FileNotFoundError, ValueError):
            return None
        alive = proc.start_ticks(int(pid)) == ticks
        return int(pid) if alive and not self._free() else None

    def _free(self) -> bool:
        with open(self._path, "a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def end_holder(self, seconds: float = 60) -> None:
        """Ask the process that holds it to stop all it started, and wait.

        :raises SandboxError: it does not end in time.
        """
        pid = self.holder()
        if pid is None or pid == os.getpid():
            return
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + seconds
        while self.holder() == pid:
            if time.monotonic() > until:
                raise errors.SandboxError(
                    f"process {pid} does not end; end it with kill -9 and "
                    "run --down again"
                )
            time.sleep(0.1)


def _read(file: IO[str]) -> str:
    file.seek(0)
    words = file.read().split()
    return words[0] if words else "unknown"
