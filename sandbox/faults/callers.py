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

"""Who is at the other end of a connection on this machine.

Linux tells the socket of a connection by its two ports, and in ``/proc`` the
process that has this socket open.
"""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Iterator

from sandbox.faults import sockets

_PROC = pathlib.Path("/proc")
#: Processes that asked lately, the last one first: most requests come from
#: these, and to look through all that run takes longer than the request.
_lately: list[int] = []
_MANY = 32


def pid_of(port: int, to: int) -> int | None:
    """The process whose connection leads from one port to another.

    :returns: ``None`` when it is gone already, or somebody else's.
    """
    inode = sockets.inode(port, to)
    if inode is None:
        return None
    wanted = f"socket:[{inode}]"
    for pid in itertools.chain(list(_lately), _all()):
        if _holds(_PROC / str(pid) / "fd", wanted):
            # A list of another thread may win, which costs a longer look.
            _lately[:] = [pid, *(p for p in _lately if p != pid)][:_MANY]
            return pid
    return None


def _all() -> Iterator[int]:
    for name in os.listdir(_PROC):
        if name.isdigit():
            yield int(name)


def role_of(pid: int | None) -> str:
    """``worker``, ``api``, ``agent`` or empty."""
    if pid is None:
        return ""
    try:
        line = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    for role in ("worker", "agent"):
        if f"gpubroker-{role}".encode() in line:
            return role
    return "api" if b"gunicorn" in line else ""


def _holds(folder: pathlib.Path, wanted: str) -> bool:
    try:
        names = os.listdir(folder)
    except OSError:
        # Another user's process, or one that ended meanwhile.
        return False
    return any(_leads_to(f"{folder}/{name}", wanted) for name in names)


def _leads_to(entry: str, wanted: str) -> bool:
    try:
        return os.readlink(entry) == wanted
    except OSError:
        # Another thread of the process closed it meanwhile.
        return False
