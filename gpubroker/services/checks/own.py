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

"""The broker's own parts: database, keys, bus and what is set."""

from __future__ import annotations

from typing import Protocol
from urllib import parse

from gpubroker.services.checks import finding as f
from gpubroker.services.checks.mistakes import Mistake


class Schema(Protocol):
    """The tables as they are and as the code wants them."""

    def revision(self) -> str | None:
        """The revision of the database; ``None`` when it is empty.

        :raises Unavailable: when the database does not answer.
        """
        ...

    def head(self) -> str:
        """The newest revision that this code knows."""
        ...

    def dialect(self) -> str:
        """``sqlite``, ``mysql`` or ``postgresql``."""
        ...


def database(schema: Schema) -> f.Findings:
    found, head = schema.revision(), schema.head()
    if found is None:
        yield f.failure(
            Mistake.DATABASE_EMPTY,
            "The database holds no tables of gpubroker. Run "
            '"gpubroker-manage db upgrade".',
        )
    elif found != head:
        yield f.failure(
            Mistake.DATABASE_BEHIND,
            f"The database is at revision {found}, the code needs {head}. "
            'Stop the workers, run "gpubroker-manage db upgrade", then start '
            "the new code. If this code is the older one, install the newer.",
        )
    else:
        yield f.fact(f"At revision {head}.")
    if schema.dialect() == "sqlite":
        yield f.warning(
            Mistake.DATABASE_SQLITE,
            "[database] connection names SQLite, which has one writer at a "
            "time on one machine. Set it to MariaDB, MySQL or PostgreSQL "
            "before there is a second process.",
        )


def keys(count: int, lost: int) -> f.Findings:
    """
    :param count: keys of this machine.
    :param lost: leases whose user data none of them opens.
    """
    if lost:
        yield f.failure(
            Mistake.KEYS_OTHER,
            f"No key of this machine fits the user data of {lost} leases, so "
            "that they can not start. Copy [encryption] key_repository from "
            "a machine of the API.",
        )
    yield f.fact(f"{count} keys.")


def transport(url: str) -> f.Findings:
    """:param url: [DEFAULT] transport_url in full; never shown, for it has a
    password."""
    parts = parse.urlsplit(url)
    if parts.scheme in ("fake", "kombu+memory"):
        yield f.warning(
            Mistake.BUS_INSIDE,
            "[DEFAULT] transport_url names a bus inside one process: the API "
            "can not wake workers in other processes, so that leases start "
            "only when their turn in the loop comes.",
        )
    elif not parts.netloc:
        yield f.failure(
            Mistake.BUS_UNSET,
            "[DEFAULT] transport_url is not set: the API can not wake the "
            "workers. Set it to the message bus, such as "
            "rabbit://gpubroker:PASSWORD@HOST:5672/.",
        )


def settings(interval: float, timeout: float) -> f.Findings:
    """
    :param interval: [api] report_interval.
    :param timeout: [worker] heartbeat_timeout.
    """
    if timeout < 2 * interval:
        yield f.warning(
            Mistake.SILENT_TOO_SOON,
            f"Agents report every {interval:g} s ([api] report_interval) and "
            f"count as silent after {timeout:g} s ([worker] "
            "heartbeat_timeout): one report that is late is an alarm. Set "
            f"heartbeat_timeout to {4 * interval:g} at least.",
        )
