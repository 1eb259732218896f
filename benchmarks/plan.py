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


"""What a plan of a large pool costs: 10,000 orders that wait, 1,000 hosts.

``python -m benchmarks.plan`` reads and decides as the worker does, on SQLite
in this process; nothing is started, so that each pass finds the same. Some
cards and CPUs of each host are in use, hardly two hosts are alike. Decided
are three such pools: as it is, with no card free, and with every host empty,
where as many orders start as ever can. Times are CPU times: nothing here waits
for anything, and a busy machine would tell of the others. Memory is what the
process has gained since before it read anything. Exits 1 when a budget is
exceeded.
"""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import statistics
import sys
import time
from dataclasses import replace

from benchmarks import application
from benchmarks import estate
from benchmarks import figures
from gpubroker.db import store as db_store
from gpubroker.domain import planning
from gpubroker.domain import pools
from gpubroker.domain.matching import Availability
from gpubroker.domain.snapshots import Snapshot
from gpubroker.services import standing

PASS_SECONDS = 1
DECISION_P99_MS = 10
MEMORY_MIB = 200


def measure(options: argparse.Namespace) -> list[figures.Figure]:
    with application.Database() as database:
        estate.add_hosts(database.store, options.hosts, used=True)
        estate.add_queue(database.store, options.orders, estate.PROJECT)
        return passes(database.store, options)


def passes(
    store: db_store.Store, options: argparse.Namespace
) -> list[figures.Figure]:
    cache, before = standing.Cache(), _resident_mib()
    read: list[float] = []
    for _ in range(1 + options.count):
        began = time.process_time()
        seen = _read(store, cache)
        read.append(time.process_time() - began)
    again = statistics.median(read[1:])
    name = f"{options.orders} orders, {options.hosts} hosts"
    found = [
        figures.Figure(f"{name}: first read of a process", read[0], "s"),
        figures.Figure(f"{name}: read again", again, "s"),
    ]
    for what, pool in {
        "as it is": seen,
        "no card free": _full(seen),
        "every host empty": _empty(seen),
    }.items():
        found += _decided(what, pool, again)
    gained = _resident_mib() - before
    return [
        *found,
        figures.Figure("memory gained", gained, "MiB", MEMORY_MIB),
    ]


def _decided(what: str, seen: Snapshot, read: float) -> list[figures.Figure]:
    deciding = planning.Planning(seen)
    began = time.process_time()
    times = []
    for order in seen.orders:
        start = time.process_time()
        deciding.decide(order)
        times.append(1000 * (time.process_time() - start))
    took = time.process_time() - began
    started = len(deciding.starts)
    return [
        figures.Figure(f"{what}: orders that start", started, ""),
        figures.Figure(
            f"{what}: read and decide", read + took, "s", PASS_SECONDS
        ),
        figures.Figure(
            f"{what}: one decision, p99",
            figures.percentile(times, 99),
            "ms",
            DECISION_P99_MS,
        ),
    ]


def _read(store: db_store.Store, cache: standing.Cache) -> Snapshot:
    now = datetime.datetime.now(datetime.UTC)
    with store.read() as tx:
        [seen] = cache.snapshots(tx, [pools.DEFAULT], now)
    return seen


def _full(seen: Snapshot) -> Snapshot:
    return replace(
        seen,
        shapes=(),
        hosts=tuple(
            replace(
                host,
                cards=tuple(
                    replace(card, availability=Availability.IN_USE)
                    for card in host.cards
                ),
            )
            for host in seen.hosts
        ),
    )


def _empty(seen: Snapshot) -> Snapshot:
    return replace(
        seen, shapes=(), hosts=tuple(host.emptied() for host in seen.hosts)
    )


def _resident_mib() -> float:
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.plan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--hosts", type=int, default=1000, help="of eight GPUs (1000)"
    )
    parser.add_argument(
        "--orders", type=int, default=10_000, help="that wait (10000)"
    )
    parser.add_argument("--count", type=int, default=5, help="passes (5)")
    options = parser.parse_args()
    return figures.report(lambda: measure(options))


if __name__ == "__main__":
    sys.exit(main())
