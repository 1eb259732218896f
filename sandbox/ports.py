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

"""The TCP ports of one sandbox, all of them on 127.0.0.1."""

import hashlib
import pathlib
import socket
from dataclasses import asdict, dataclass

from sandbox import errors
from sandbox import layout as layouts
from sandbox import private_files

HOST = "127.0.0.1"
# Below the ports that Linux hands to outgoing connections (32768 and up): a
# port that is free now must not be taken by some client a moment later.
FIRST, LAST, BLOCK = 20000, 32000, 20


@dataclass(frozen=True)
class Ports:
    """One port for each thing that listens."""

    keystone: int
    placement: int
    glance: int
    neutron: int
    nova: int
    gpubroker: int
    mariadb: int
    rabbitmq: int
    rabbitmq_nodes: int
    epmd: int
    # Where things can go wrong on the broker's way, and on that of its
    # agents: see sandbox.faults.
    faults: int
    faults_keystone: int
    faults_placement: int
    faults_glance: int
    faults_neutron: int
    faults_nova: int
    faults_gpubroker: int
    api_metrics: int
    worker_metrics: int
    horizon: int

    @classmethod
    def block(cls, base: int) -> "Ports":
        """Consecutive ports from a first one on."""
        count = len(cls.__dataclass_fields__)
        return cls(*range(base, base + count))

    def url(self, service: str, path: str = "") -> str:
        """Where an HTTP service of the cloud answers."""
        return f"http://{HOST}:{self.of(service)}{path}"

    def of(self, name: str) -> int:
        port: int = asdict(self)[name]
        return port

    def taken(self) -> dict[str, int]:
        """Those of the ports that something already listens on."""
        return {
            name: port
            for name, port in asdict(self).items()
            if not is_free(port)
        }


def is_free(port: int) -> bool:
    """Whether a listener could be opened on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        # As servers do: connections of a past run that still linger in
        # TIME_WAIT do not count as taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _blocks(state: pathlib.Path) -> list[int]:
    """First ports to try, in an order of this folder's own.

    Two sandboxes that start at the same moment thus look at different
    ports first instead of racing for the same ones.
    """
    bases = list(range(FIRST, LAST, BLOCK))
    digest = hashlib.sha256(str(state).encode()).digest()
    start = int.from_bytes(digest[:4], "big") % len(bases)
    return bases[start:] + bases[:start]


def remembered(layout: layouts.Layout) -> Ports | None:
    """The ports of the last start, or None."""
    known = private_files.read_json(layout.ports)
    try:
        return Ports(**known) if known else None
    except TypeError:  # written by another version
        return None


def choose(layout: layouts.Layout, base: int | None) -> Ports:
    """The ports to use from now on, remembered in the sandbox's folder.

    :param base: the first of the ports, when the person set it.
    :raises SandboxError: a port that was set is taken, or none is free.
    """
    if base is not None:
        ports = Ports.block(base)
        taken = ports.taken()
        if taken:
            names = ", ".join(f"{p} ({n})" for n, p in taken.items())
            raise errors.SandboxError(
                f"taken by another program: port {names}. Choose another "
                "--port-base, or leave it out and free ports are found."
            )
    else:
        ports = _free(layout)
    private_files.write_json(layout.ports, asdict(ports))
    return ports


def _free(layout: layouts.Layout) -> Ports:
    before = remembered(layout)
    if before is not None and not before.taken():
        return before
    for base in _blocks(layout.state):
        ports = Ports.block(base)
        if not ports.taken():
            return ports
    raise errors.SandboxError(
        f"no {BLOCK} free ports in a row between {FIRST} and {LAST} on {HOST}"
    )
