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

"""The cloud's MariaDB: one server of its own, a database a service."""

import getpass
import pathlib
import shutil
from typing import Any

from sandbox import errors
from sandbox import layout as layouts
from sandbox import passwords as secrets
from sandbox import ports as tcp
from sandbox import private_files
from sandbox import processes

NAMES = (
    "keystone",
    "placement",
    "glance",
    "neutron",
    "nova_api",
    "nova_cell0",
    "nova",
    "gpubroker",
)


def url(name: str, ports: tcp.Ports, passwords: secrets.Passwords) -> str:
    """The SQLAlchemy URL of a database."""
    return (
        f"mysql+pymysql://sandbox:{passwords['database']}"
        f"@{tcp.HOST}:{ports.mariadb}/{name}?charset=utf8mb4"
    )


def folder(layout: layouts.Layout) -> pathlib.Path:
    return layout.data / "mariadb"


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise errors.SandboxError(
            f"{name} is missing: install the package mariadb-server"
        )
    return found


def install(layout: layouts.Layout) -> processes.Program:
    """The program that makes an empty database folder."""
    return processes.Program(
        name="mariadb-install",
        command=(
            _program("mariadb-install-db"),
            "--no-defaults",
            f"--user={getpass.getuser()}",
            f"--datadir={folder(layout)}",
            "--skip-test-db",
            "--skip-name-resolve",
            "--innodb-log-file-size=32M",
        ),
    )


def write(layout: layouts.Layout, passwords: secrets.Passwords) -> None:
    """Write what the server runs at its start.

    It makes its accounts and databases itself, so that no account without a
    password is ever needed.
    """
    account = f"'sandbox'@'{tcp.HOST}'"
    lines = [
        f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4;"
        for name in NAMES
    ]
    lines += [
        f"CREATE USER IF NOT EXISTS {account}"
        f" IDENTIFIED BY '{passwords['database']}';",
        f"GRANT ALL ON *.* TO {account};",
    ]
    private_files.write(_init_file(layout), "\n".join(lines) + "\n")


def _init_file(layout: layouts.Layout) -> pathlib.Path:
    return layout.config / "mariadb" / "init.sql"


def server(layout: layouts.Layout, ports: tcp.Ports) -> processes.Program:
    """The database server.

    What it writes is thrown away at the next start: it need not survive a
    power cut, and is told to spend no time on that.
    """
    return processes.Program(
        name="mariadb",
        command=(
            _program("mariadbd"),
            "--no-defaults",
            f"--user={getpass.getuser()}",
            f"--datadir={folder(layout)}",
            f"--init-file={_init_file(layout)}",
            f"--bind-address={tcp.HOST}",
            f"--port={ports.mariadb}",
            # Relative to the data folder: the path of a Unix socket has an
            # upper limit of about a hundred characters.
            "--socket=mariadb.sock",
            f"--pid-file={folder(layout) / 'mariadb.pid'}",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--character-set-server=utf8mb4",
            "--innodb-log-file-size=32M",
            # A commit outlives a kill of the server, not of the machine.
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-doublewrite=0",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=128M",
            "--performance-schema=off",
            "--max-connections=800",
        ),
        stop_seconds=10,
    )


def connect(name: str, ports: tcp.Ports, passwords: secrets.Passwords) -> Any:
    """A PyMySQL connection to a database of the cloud."""
    # Imported here: the other users of this module need only the names.
    import pymysql

    return pymysql.connect(
        host=tcp.HOST,
        port=ports.mariadb,
        user="sandbox",
        password=passwords["database"],
        database=name,
        autocommit=True,
    )


def ready(ports: tcp.Ports, passwords: secrets.Passwords) -> bool:
    """Whether the server answers and its accounts are there."""
    import pymysql

    try:
        connect("gpubroker", ports, passwords).close()
    except pymysql.err.OperationalError:
        return False
    return True
