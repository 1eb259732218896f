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


"""What lists cost: leases by the hundred, offers of a thousand hosts.

``python -m benchmarks.lists`` counts SQL statements and measures time in the
whole WSGI application in this process, on SQLite. With ``--state`` of a
running sandbox it also starts gunicorn with the API as the sandbox does, on a
database of its own in the sandbox's MariaDB, and asks it with a token of a
member that keystonemiddleware checks at the sandbox's Keystone; clients and
server share this machine. Exits 1 when a budget is exceeded.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import sys
import time

from benchmarks import application
from benchmarks import estate
from benchmarks import figures
from benchmarks import web_server
from sandbox import cloud as clouds
from sandbox import layout as layouts

LEASES = 700
LIST = "/v1/leases?limit=100"
OFFERS = "/v1/offers"
OFFERS_P99_MS = 50
#: A call that takes longer is not tried with more hosts.
GIVE_UP_SECONDS = 2


def measure(options: argparse.Namespace) -> list[figures.Figure]:
    found: list[figures.Figure] = []
    if options.only != "offers":
        with application.Database() as database:
            found += leases(database, options.count)
    if options.only != "leases":
        with application.Database() as database:
            found += offers(database, options.hosts, options.count)
    if options.state:
        cloud = clouds.Cloud(layouts.Layout.at(options.state).state)
        found += served(cloud, options.clients, options.seconds)
    return found


# -- in this process ---------------------------------------------------------


def leases(database: application.Database, count: int) -> list[figures.Figure]:
    cards = estate.add_hosts(database.store, 50)
    found = []
    with application.Application(database) as app:
        before = 0
        for rows in (100, LEASES):
            estate.add_leases(
                database.store, rows - before, cards, estate.PROJECT
            )
            # Those that ran already hold the first cards.
            cards, before = cards[2 * rows // 4 + 2 :], rows
            found.append(_statements(app, f"100 of {rows}", LIST, "member"))
        found.append(
            _statements(app, "1 of 700", "/v1/leases?limit=1", "member")
        )
        found.append(
            _statements(
                app,
                "100 of 700, operator",
                f"{LIST}&all_projects=true",
                "admin",
            )
        )
        _even(found)
        found += _times(app, f"{LIST}, in process", LIST, "member", count)
    return found


def _even(found: list[figures.Figure]) -> None:
    """:raises RuntimeError: more statements for more rows."""
    member = {figure.value for figure in found[:3]}
    if len(member) != 1:
        raise RuntimeError(f"statements grow with the rows: {found}")


def offers(
    database: application.Database, hosts: int, count: int
) -> list[figures.Figure]:
    """At ten times as many hosts each time, so that what grows too fast is
    told after seconds, not after hours."""
    estate.add_flavors(database.store)
    sent, made, size = [], 0, max(1, hosts // 100)
    with application.Application(database) as app:
        while True:
            estate.add_hosts(database.store, size - made, made, used=True)
            seconds = _time(app, OFFERS, "member") / 1000
            print(f"  offers of {size} hosts: {seconds:.2f} s", flush=True)
            sent.append(_statements(app, f"{size} hosts", OFFERS, "member"))
            if size == hosts or seconds > GIVE_UP_SECONDS:
                break
            made, size = size, min(hosts, 10 * size)
        if len({figure.value for figure in sent}) != 1:
            raise RuntimeError(f"statements grow with the hosts: {sent}")
        name = f"{OFFERS} at {size} hosts, in process"
        found = _times(app, name, OFFERS, "member", count, OFFERS_P99_MS)
        found += _cpu(app, name, count)
        found += _after_changes(app, database, name, count)
    return [sent[-1], *found, *_first(database, name)]


def _cpu(
    app: application.Application, name: str, count: int
) -> list[figures.Figure]:
    """What the time would be if nobody else used the machine."""
    times = []
    for _ in range(count):
        began = time.process_time()
        app.get(OFFERS, "member")
        times.append(1000 * (time.process_time() - began))
    return _figures(f"{name}, CPU time", times, None)


def _after_changes(
    app: application.Application,
    database: application.Database,
    name: str,
    count: int,
) -> list[figures.Figure]:
    """Each request comes after another host has changed."""
    changed = iter(estate.changes(database.store, count + 1))
    next(changed)
    with app.statements() as sent:
        app.get(OFFERS, "member")
    after = f"{name}, after one host changed"
    found = [figures.Figure(f"{after}: SQL statements", len(sent), "")]
    times = []
    for _ in changed:
        times.append(_time(app, OFFERS, "member"))
    return found + _figures(after, times, OFFERS_P99_MS)


def _first(database: application.Database, name: str) -> list[figures.Figure]:
    """A process that has just begun knows nothing; each time a new one."""
    times = []
    for _ in range(3):
        with application.Application(database) as app:
            # What is imported and compiled for any request.
            app.get("/v1/pools", "member")
            times.append(_time(app, OFFERS, "member"))
    return [
        figures.Figure(
            f"{name}: first of a process, median of 3",
            statistics.median(times),
            "ms",
        )
    ]


def _statements(
    app: application.Application, name: str, path: str, who: str
) -> figures.Figure:
    app.get(path, who)
    with app.statements() as sent:
        app.get(path, who)
    path = path.partition("?")[0]
    return figures.Figure(f"{path} ({name}): SQL statements", len(sent), "")


def _times(
    app: application.Application,
    name: str,
    path: str,
    who: str,
    count: int,
    budget: float | None = None,
) -> list[figures.Figure]:
    times = [_time(app, path, who) for _ in range(count)]
    return _figures(name, times, budget)


def _time(app: application.Application, path: str, who: str) -> float:
    """In milliseconds."""
    began = time.perf_counter()
    app.get(path, who)
    return 1000 * (time.perf_counter() - began)


def _figures(
    name: str, times: list[float], budget: float | None
) -> list[figures.Figure]:
    return [
        figures.Figure(
            f"{name}: p50 of {len(times)}", statistics.median(times), "ms"
        ),
        figures.Figure(
            f"{name}: p99", figures.percentile(times, 99), "ms", budget
        ),
    ]


# -- the API as a process ----------------------------------------------------


def served(
    cloud: clouds.Cloud, clients: int, seconds: float
) -> list[figures.Figure]:
    server = cloud.settings.database("gpubroker")
    member = cloud.connection("sandbox")
    with application.Database(server) as database:
        cards = estate.add_hosts(database.store, 50)
        estate.add_leases(
            database.store, LEASES, cards, member.current_project_id
        )
        with web_server.WebServer(cloud.settings, database.url) as api:
            _check(api.get(LIST, member.auth_token))
            done, times = api.load(LIST, member.auth_token, clients, seconds)
    times = [1000 * one for one in times]
    name = f"{LIST}, gunicorn, {clients} clients"
    return [
        figures.Figure(f"{name}: requests/s", done / seconds, "/s"),
        figures.Figure(f"{name}: p50", statistics.median(times), "ms"),
        figures.Figure(f"{name}: p99", figures.percentile(times, 99), "ms"),
    ]


def _check(body: bytes) -> None:
    count = len(json.loads(body)["leases"])
    if count != 100:
        raise RuntimeError(f"{count} leases instead of 100")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lists",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--state",
        type=pathlib.Path,
        help="folder of a running sandbox: also requests/s of gunicorn",
    )
    parser.add_argument(
        "--count", type=int, default=200, help="requests in process (200)"
    )
    parser.add_argument(
        "--hosts", type=int, default=1000, help="hosts for offers (1000)"
    )
    parser.add_argument(
        "--only", choices=("leases", "offers"), help="in process (both)"
    )
    parser.add_argument(
        "--clients", type=int, default=4, help="clients at a time (4)"
    )
    parser.add_argument(
        "--seconds", type=float, default=10, help="of load (10)"
    )
    options = parser.parse_args()
    return figures.report(lambda: measure(options))


if __name__ == "__main__":
    sys.exit(main())
