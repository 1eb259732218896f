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

"""``gpubroker-manage recover``: after the database was lost or restored."""

from __future__ import annotations

import argparse
import datetime
import sys
from typing import Any

from oslo_config import cfg

from gpubroker import clock
from gpubroker import clouds
from gpubroker import errors
from gpubroker.conf import worker as options
from gpubroker.db import store
from gpubroker.services import broker
from gpubroker.services import recover

EXPLANATION = (
    "after the database was restored from a backup, or lost and made anew: "
    "read from Nova and Placement which leases run, and write that into the "
    "database; stop the workers first"
)


class _Silent:
    """Nobody works, so that nobody has to be woken."""

    def pool(self, name: str) -> None: ...
    def lease(self, lease_id: str) -> None: ...
    def host(self, name: str) -> None: ...


def add_to(parsers: Any) -> None:
    """:param parsers: the subparsers of the whole command."""
    verb = parsers.add_parser(
        "recover",
        help=EXPLANATION,
        description=EXPLANATION.capitalize() + ".",
    )
    verb.add_argument(
        "--apply",
        action="store_true",
        help="write it; without, it is only shown what would be written",
    )
    verb.add_argument(
        "--installation",
        metavar="NAME",
        help="of a database that was made anew: which installation it was; "
        "needed only where there are several on this cloud",
    )
    verb.add_argument(
        "--keep",
        type=float,
        default=24.0,
        metavar="HOURS",
        help="for how long at least each lease runs on that is found, or "
        "that is nearly over and may have been extended (default: 24)",
    )
    verb.set_defaults(act=run)


def run(database: store.Store, args: argparse.Namespace) -> int:
    """:returns: the exit status.

    :raises Unavailable: when the database does not answer.
    """
    database.ping()
    try:
        return work(assemble(args.conf, database), args)
    except errors.GpubrokerError as error:
        print(f"gpubroker-manage: {error.message}", file=sys.stderr)
        return 1


def assemble(conf: cfg.ConfigOpts, database: store.Store) -> broker.Broker:
    system = clock.SystemClock()
    found = clouds.build(conf, system)
    return broker.Broker(
        store=database,
        clock=system,
        bell=_Silent(),
        ledger=found.ledger,
        compute=found.compute,
        identity=found.identity,
        settings=options.settings(conf),
    )


def work(core: broker.Broker, args: argparse.Namespace) -> int:
    """
    :raises Conflict: it is not clear what to do.
    :raises Invalid: an argument is wrong.
    :raises Unavailable: Nova or Placement does not answer.
    """
    busy = recover.working(core)
    if args.apply and busy:
        raise errors.Conflict(
            f"A worker looks after the pools {', '.join(busy)}: stop all "
            "workers, and wait some seconds."
        )
    installation = _installation(core, args.installation)
    found = recover.recover(
        core, installation, datetime.timedelta(hours=args.keep), args.apply
    )
    for line in found:
        mark = "" if line.done or line.act == "tell" else "would "
        print(f"{mark}{line.act}: {line.words}")
    print(
        f"{sum(line.done for line in found)} written, "
        f"{sum(not line.done for line in found)} only told."
    )
    if not args.apply:
        print("Nothing of this was written; to write it: --apply")
    return 0


def _installation(core: broker.Broker, given: str | None) -> str:
    with core.store.read() as tx:
        own = tx.installation.name()
    known = recover.installations(core)
    if given is not None:
        if given not in known:
            raise errors.Invalid(
                f"There is nothing of an installation {given} in Placement; "
                f"there is of: {', '.join(known) or 'none'}."
            )
        return given
    if own in known or not known:
        return own
    if len(known) > 1:
        raise errors.Conflict(
            "The database was made anew, and there were several "
            f"installations on this cloud: {', '.join(known)}. Say which "
            "one it was: --installation NAME"
        )
    return known[0]
