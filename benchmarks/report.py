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


"""What a report of a host with eight GPUs costs the API and its database.

``python -m benchmarks.report`` sends reports to the whole WSGI application in
this process, on SQLite, and with ``--url`` (or ``--state`` of a running
sandbox) on MariaDB as well: one that says what the last one said, and one in
which a card's driver has changed. Time is that of the whole request without
the network; the share of a core is what 1,000 hosts would need that report
every 30 seconds. Exits 1 when a budget is exceeded.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import sys
import time
from typing import Any

from benchmarks import application
from benchmarks import estate
from benchmarks import figures
from sandbox import cloud as clouds
from sandbox import layout as layouts
from tests.fixtures import estate as test_estate

STATEMENTS = 2
HOSTS, INTERVAL, CORES = 1000, 30, 0.5

_PATH = "/v1/hosts/gpu-0000/report"


def report(driver: str = "vfio-pci") -> dict[str, Any]:
    """:param driver: of the first card."""
    addresses = [estate.address(slot) for slot in range(estate.CARDS)]
    first, *others = test_estate.whole_host(addresses)
    return test_estate.body({**first, "driver": driver}, *others)


def measure(server: str | None, count: int) -> list[figures.Figure]:
    """:param server: a database server; SQLite without."""
    with application.Database(server) as database:
        estate.add_hosts(database.store, 1)
        with application.Application(database) as app:
            kind = database.store.engine.dialect.name
            # The first one brings everything that is kept in memory.
            _send(app, report(), changed=True)
            return [
                *_same(app, f"{kind}, unchanged", count),
                *_changed(app, f"{kind}, changed", count),
            ]


def _same(
    app: application.Application, name: str, count: int
) -> list[figures.Figure]:
    with app.statements() as sent:
        _send(app, report(), changed=False)
    times, cpu = [], time.process_time()
    for _ in range(count):
        times.append(_send(app, report(), changed=False))
    cpu = (time.process_time() - cpu) / count
    return [
        figures.Figure(f"{name}: SQL statements", len(sent), "", STATEMENTS),
        _median(name, times),
        figures.Figure(
            f"{name}: {HOSTS} hosts every {INTERVAL} s",
            cpu * HOSTS / INTERVAL,
            "cores of API",
            CORES,
            f"{1000 * cpu:.1f} ms of CPU each, client included",
        ),
    ]


def _changed(
    app: application.Application, name: str, count: int
) -> list[figures.Figure]:
    times, sent = [], 0
    for number in range(count):
        with app.statements() as found:
            body = report("nvidia" if number % 2 == 0 else "vfio-pci")
            times.append(_send(app, body, changed=True))
        sent = max(sent, len(found))
    return [
        figures.Figure(f"{name}: SQL statements, most", sent, ""),
        _median(name, times),
    ]


def _median(name: str, times: list[float]) -> figures.Figure:
    return figures.Figure(
        f"{name}: median of {len(times)}",
        1000 * statistics.median(times),
        "ms",
        note=f"p99 {1000 * figures.percentile(times, 99):.1f} ms",
    )


def _send(
    app: application.Application, body: dict[str, Any], changed: bool
) -> float:
    began = time.perf_counter()
    answer = app.put(_PATH, body, "agent")
    seconds = time.perf_counter() - began
    if answer["changed"] is not changed:
        raise RuntimeError(f"not as expected: {answer}")
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--url",
        help="also on this server: SQLAlchemy URL with any database; one "
        f"named {application.NAME} is made and dropped",
    )
    where.add_argument(
        "--state",
        type=pathlib.Path,
        help="also on the MariaDB of this running sandbox",
    )
    parser.add_argument(
        "--count", type=int, default=300, help="reports of each kind (300)"
    )
    options = parser.parse_args()
    servers = [None, server(options.url, options.state)][: _many(options)]
    return figures.report(
        lambda: [
            figure for one in servers for figure in measure(one, options.count)
        ]
    )


def _many(options: argparse.Namespace) -> int:
    return 2 if options.url or options.state else 1


def server(url: str | None, state: pathlib.Path | None) -> str | None:
    """The database server that the options name."""
    if state is None:
        return url
    cloud = clouds.Cloud(layouts.Layout.at(state).state)
    return cloud.settings.database("gpubroker")


if __name__ == "__main__":
    sys.exit(main())
