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

Linux tells it in ``/proc``: the socket of a connection by its two ports, and
the process that has this socket open.
"""

from __future__ import annotations

import os
import pathlib

_PROC = pathlib.Path("/proc")


def pid_of(port: int, to: int) -> int | None:
    """The process whose connection leads from one port to another.

    :returns: ``None`` when it is gone already, or somebody else's.
    """
    inode = _inode(port, to)
    if inode is None:
        return None
    wanted = f"socket:[{inode}]"
    for folder in _PROC.glob("[0-9]*"):
        if _holds(folder / "fd", wanted):
            return int(folder.name)
    return None


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


def _inode(port: int, to: int) -> str | None:
    """From ``/proc/net/tcp``: its columns 2, 3 and 10 are the local and the
    remote address, and the inode (proc_net_tcp.rst of the kernel)."""
    for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]:
        columns = line.split()
        here, there = (int(columns[n].rpartition(":")[2], 16) for n in (1, 2))
        if (here, there) == (port, to):
            return columns[9]
    return None


def _holds(folder: pathlib.Path, wanted: str) -> bool:
    try:
        return any(_leads_to(entry, wanted) for entry in folder.iterdir())
    except OSError:
        # Another user's process, or one that ended meanwhile.
        return False


def _leads_to(entry: pathlib.Path, wanted: str) -> bool:
    try:
        return os.readlink(entry) == wanted
    except OSError:
        # Another thread of the process closed it meanwhile.
        return False
