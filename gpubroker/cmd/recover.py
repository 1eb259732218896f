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
from collections.abc import Sequence
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
        help="write it; without, it is only shown what would be written, "
        "but for the hosts and cards of a database without any",
    )
    verb.add_argument(
        "--installation",
        metavar="NAME",
        help="of a database that was made anew: in the place of which "
        "installation's; never one that has its database still",
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
    with core.store.read() as tx:
        own = tx.installation.name()
    name = _installation(core, own, args)
    if name != own:
        print(
            f"The database, made anew as installation {own}, is taken for "
            f"that of installation {name}: --installation {name}"
        )
    found = recover.recover(
        core, name, datetime.timedelta(hours=args.keep), args.apply
    )
    _tell(found, args.apply)
    return 0


def _tell(found: Sequence[recover.Line], apply: bool) -> None:
    for line in found:
        mark = "" if line.done or line.act == "tell" else "would "
        print(f"{mark}{line.act}: {line.words}")
    written = sum(line.done for line in found)
    print(f"{written} written, {len(found) - written} only told.")
    if not apply:
        what = "else" if written else "of this"
        print(f"Nothing {what} was written; to write it: --apply")


def _installation(
    core: broker.Broker, own: str, args: argparse.Namespace
) -> str:
    """Whose things are ours. The name of another installation, which may be
    alive, is taken for nothing but a look unless somebody says so."""
    given: str | None = args.installation
    known = recover.installations(core)
    if given is not None:
        if given not in {own, *known}:
            raise errors.Invalid(
                f"There is nothing of an installation {given} in Placement; "
                f"there is of: {', '.join(known) or 'none'}."
            )
        return given
    if own in known or not known:
        return own
    if args.apply or len(known) > 1 or not recover.blank(core):
        raise errors.Conflict(
            f"Nothing on this cloud is of the database's own installation, "
            f"{own}; there is of: {', '.join(known)}. Where it was made anew "
            "in the place of the database of one of these, say of which: "
            "--installation NAME. Never name one that has its database "
            f"still; to go on with what there is: --installation {own}"
        )
    return known[0]
