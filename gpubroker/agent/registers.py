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


"""Reads what touches the card itself, without ever waiting for it.

Most of sysfs is the kernel's own memory. The configuration space and the
state of the link are read from the card, and the kernel makes a reader wait
while it resets the card or wakes it: up to a minute for a function level
reset, for ever for some broken cards. Such a reader can not even be killed.
So each card is read in a child of its own, and a child that does not answer
in time is left behind.
"""

from __future__ import annotations

import json
import os
import pathlib
import select
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

#: The header that every PCI function has.
HEADER_BYTES = 64

_LINK_FILES = (
    "current_link_width",
    "max_link_width",
    "current_link_speed",
    "max_link_speed",
)

# A killed child that does nothing but sleep is gone within this time.
_GRACE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Registers:
    """:param header: the configuration header, None when unreadable.
    :param files: text of the link files by name; missing ones left out.
    """

    header: bytes | None
    files: Mapping[str, str]


@dataclass(slots=True)
class _Child:
    pid: int
    pipe: int
    said: bytes = b""


class Reader:
    """Starts the children, one a card, and forgets none that hangs."""

    def __init__(self, deadline: float) -> None:
        """:param deadline: seconds for all cards together."""
        self._deadline = deadline
        self._stuck: dict[str, int] = {}

    @property
    def stuck(self) -> frozenset[str]:
        """Folders of cards whose reader has not come back yet."""
        return frozenset(self._stuck)

    def read(self, folders: Iterable[str]) -> dict[str, Registers]:
        """What could be read in time; a card that hangs is left out, and
        not touched again before its last reader has ended."""
        self._reap()
        children = {
            folder: _start(folder)
            for folder in folders
            if folder not in self._stuck
        }
        self._listen(list(children.values()))
        found: dict[str, Registers] = {}
        for folder, child in children.items():
            os.close(child.pipe)
            if not self._ended(child.pid, bool(child.said)):
                self._stuck[folder] = child.pid
            registers = _decode(child.said)
            if registers is not None:
                found[folder] = registers
        return found

    def _reap(self) -> None:
        for folder, pid in list(self._stuck.items()):
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                del self._stuck[folder]

    def _ended(self, pid: int, answered: bool) -> bool:
        """Whether the child is gone; one that has not answered is killed."""
        if answered:
            os.waitpid(pid, 0)
            return True
        self._kill(pid)
        until = time.monotonic() + _GRACE_SECONDS
        while True:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.002)

    def _kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def _listen(self, children: list[_Child]) -> None:
        until = time.monotonic() + self._deadline
        waiting = {child.pipe: child for child in children}
        poll = select.poll()
        for pipe in waiting:
            poll.register(pipe, select.POLLIN)
        while waiting:
            left = until - time.monotonic()
            if left <= 0:
                return
            for pipe, _events in poll.poll(left * 1000):
                data = os.read(pipe, 65536)
                waiting[pipe].said += data
                if not data:
                    poll.unregister(pipe)
                    del waiting[pipe]


def _start(folder: str) -> _Child:
    reading, writing = os.pipe()
    # The agent has no threads, so a fork without exec is safe; it costs a
    # millisecond where a new interpreter would cost fifty.
    pid = os.fork()
    if pid == 0:
        _child(folder, writing)
    os.close(writing)
    return _Child(pid, reading)


def _child(folder: str, pipe: int) -> NoReturn:
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        # Left open, the agent's connections would live on in a reader that
        # hangs.
        os.closerange(3, pipe)
        os.closerange(pipe + 1, 1024)
        os.write(pipe, _encode(folder))
    finally:
        os._exit(0)


def _encode(folder: str) -> bytes:
    root = pathlib.Path(folder)
    files: dict[str, str] = {}
    header: str | None = None
    for name in _LINK_FILES:
        try:
            files[name] = (root / name).read_text("ascii").strip()
        except (OSError, ValueError):
            continue
    try:
        with open(root / "config", "rb", buffering=0) as config:
            header = config.read(HEADER_BYTES).hex()
    except OSError:
        header = None
    return json.dumps({"header": header, "files": files}).encode()


def _decode(said: bytes) -> Registers | None:
    if not said:
        return None
    try:
        known = json.loads(said)
    except ValueError:
        return None
    header = known["header"]
    return Registers(
        None if header is None else bytes.fromhex(header), known["files"]
    )
