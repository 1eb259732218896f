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

"""Which socket a connection on this machine is, by its two ports.

Asked of the kernel by sock_diag(7): ``/proc/net/tcp`` says the same, and takes
milliseconds to write where thousands of connections were closed lately.
"""

from __future__ import annotations

import os
import pathlib
import socket
import struct

_LOCALHOST = socket.inet_aton("127.0.0.1")

#: linux/sock_diag.h, linux/netlink.h, linux/inet_diag.h.
_NETLINK_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST = 1
_HEADER = struct.Struct("=IHHII")
_ASKED = struct.Struct("=BBBBI")
_ALL_STATES = 0xFFFFFFFF
#: From the beginning of an answer to ``idiag_inode``.
_INODE = _HEADER.size + 4 + 48 + 4 * 4


def inode(port: int, to: int) -> int | None:
    """The inode of the socket whose connection leads from one port of
    127.0.0.1 to another; ``None`` when there is none any more."""
    try:
        answer = _ask(port, to)
    except OSError:
        # A kernel without it.
        return _listed(port, to)
    _length, kind, *_rest = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY:
        return None
    (found,) = struct.unpack_from("=I", answer, _INODE)
    return int(found) or None


def _ask(port: int, to: int) -> bytes:
    address = _LOCALHOST + bytes(12)
    connection = struct.pack("!HH", port, to) + address + address
    # Any interface; no cookie.
    connection += bytes(4) + b"\xff" * 8
    body = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ALL_STATES)
    length = _HEADER.size + len(body) + len(connection)
    header = _HEADER.pack(length, _BY_FAMILY, _REQUEST, os.getpid(), 0)
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG
    ) as kernel:
        kernel.sendto(header + body + connection, (0, 0))
        return kernel.recv(4096)


def _listed(port: int, to: int) -> int | None:
    """By ``/proc/net/tcp``: its columns 2, 3 and 10 are the local and the
    remote address, and the inode (proc_net_tcp.rst of the kernel)."""
    text = pathlib.Path("/proc/net/tcp").read_text()
    for line in text.splitlines()[1:]:
        columns = line.split()
        here, there = (int(columns[n].rpartition(":")[2], 16) for n in (1, 2))
        if (here, there) == (port, to):
            return int(columns[9])
    return None
