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

"""The cloud as it was when it had just been set up, to start from again.

Migrating eight databases and filling them takes most of a first start.  The
data of every later start is a copy of what the first one made.
"""

import contextlib
import hashlib
import os
import shutil
import signal
from collections.abc import Iterator

from sandbox import layout as layouts
from sandbox import private_files

# What decides how a set-up cloud looks.  When any of it changes, the next
# start sets up anew.
_SOURCES = (
    "alembic/versions",
    "gpubroker/domain/catalogue.py",
    "sandbox/gpubroker.py",
    "sandbox/config",
    "sandbox/constraints.txt",
    "sandbox/databases.py",
    "sandbox/hardware.py",
    "sandbox/identity.py",
    "sandbox/installation.py",
    "sandbox/neutron_driver",
    "sandbox/nova_driver",
    "sandbox/simulated_hosts.py",
    "sandbox/simulator",
    "sandbox/snapshot.py",
    "sandbox/tenants.py",
)
# Made anew at each start: queues and what old processes left.
_LEFT_OUT = ("rabbitmq", "locks", "mariadb/mariadb.pid")


def digest() -> str:
    """What a snapshot must have been made with to be of use now."""
    found = hashlib.sha256()
    root = layouts.ROOT
    for name in _SOURCES:
        path = root / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.suffix in (".py", ".txt", ".c") and file.is_file():
                found.update(str(file.relative_to(root)).encode())
                found.update(file.read_bytes())
    return found.hexdigest()


def usable(layout: layouts.Layout) -> bool:
    """Whether there is a whole snapshot that fits this code."""
    made = private_files.read_json(layout.snapshot / "made.json")
    return made is not None and made["digest"] == digest()


def take(layout: layouts.Layout, mariadb_pid: int) -> None:
    """Copy the data of the running cloud.

    The database server is halted meanwhile, so that the copy is what a kill
    of it at this moment would leave: InnoDB and Aria recover from that when
    they start.
    """
    partial = layout.state / "snapshot.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with _halted(mariadb_pid):
        shutil.copytree(layout.data, partial, symlinks=True, ignore=_ignore)
    for name in _LEFT_OUT:
        path = partial / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    private_files.write_json(partial / "made.json", {"digest": digest()})
    shutil.rmtree(layout.snapshot, ignore_errors=True)
    partial.rename(layout.snapshot)


def restore(layout: layouts.Layout) -> None:
    """Replace the data by the snapshot's."""
    shutil.rmtree(layout.data, ignore_errors=True)
    shutil.copytree(
        layout.snapshot,
        layout.data,
        symlinks=True,
        ignore=shutil.ignore_patterns("made.json"),
    )


def discard(layout: layouts.Layout) -> None:
    """Start from nothing: no data, no snapshot."""
    for path in (layout.data, layout.snapshot):
        shutil.rmtree(path, ignore_errors=True)


def _ignore(folder: str, names: list[str]) -> set[str]:
    """Sockets and pipes cannot be copied, and need not be."""
    return {
        name
        for name in names
        if not os.path.isdir(os.path.join(folder, name))
        and not os.path.isfile(os.path.join(folder, name))
    }


@contextlib.contextmanager
def _halted(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
