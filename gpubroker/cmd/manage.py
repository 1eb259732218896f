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

"""gpubroker-manage: look after the database and the keys of gpubroker.

The schema is made and brought to the newest revision with::

    gpubroker-manage --config-file /etc/gpubroker/gpubroker.conf db upgrade

and made to know again, after it was restored or lost, with
``gpubroker-manage recover``.

The keys that encrypt user data there are made with::

    gpubroker-manage --config-file /etc/gpubroker/gpubroker.conf keys create

What is over for long enough is deleted with::

    gpubroker-manage purge --older-than 90d

Exit status: 0 done, 1 the schema is not the newest (db check) or the command
failed, 2 the command line is wrong, 3 the database can not be reached.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_log import log

from gpubroker import clock
from gpubroker import conf as options
from gpubroker import errors
from gpubroker.cmd import manage_keys
from gpubroker.cmd import recover
from gpubroker.db import builtin
from gpubroker.db import migration
from gpubroker.db import session
from gpubroker.db import store
from gpubroker.domain import catalogue
from gpubroker.domain import purge as domain
from gpubroker.services import purge as service

DONE, FAILED, UNREACHABLE = 0, 1, 3


def upgrade(database: store.Store, args: argparse.Namespace) -> int:
    """Stop the workers, and have a backup: there is no way back."""
    before = migration.version(database.engine)
    if before is not None and not migration.known(before):
        print(_NEWER.format(before=before), file=sys.stderr)
        return FAILED
    migration.upgrade(database.engine)
    after = migration.version(database.engine)
    print(
        f"The schema is at revision {after}, the newest."
        if before == after
        else f"The schema went from {before or 'nothing'} to {after}."
    )
    done = builtin.sync(database, catalogue.MODELS)
    print(
        f"Models of GPUs: {len(done.added)} added, "
        f"{len(done.updated)} updated, {len(done.kept)} left as an operator "
        "set them."
    )
    return DONE


def version(database: store.Store, args: argparse.Namespace) -> int:
    print(migration.version(database.engine) or "none")
    return DONE


def check(database: store.Store, args: argparse.Namespace) -> int:
    stands, newest = migration.version(database.engine), migration.head()
    if stands == newest:
        print(f"The schema is at revision {stands}, the newest.")
        return DONE
    if stands is not None and not migration.known(stands):
        print(_NEWER.format(before=stands), file=sys.stderr)
        return FAILED
    print(
        f"The schema is at revision {stands or 'none'}, this release needs "
        f"{newest}: run gpubroker-manage db upgrade.",
        file=sys.stderr,
    )
    return FAILED


def purge(database: store.Store, args: argparse.Namespace) -> int:
    """In small transactions: may be interrupted, and repeated."""
    before = service.cutoff(database, clock.SystemClock(), args.older_than)
    found = domain.Purged()
    for gone in service.batches(database, before, args.batch, args.dry_run):
        found += gone
    print(
        f"{'Would delete' if args.dry_run else 'Deleted'} what is from before "
        f"{before:%Y-%m-%d %H:%M:%S} UTC: {found.words}."
    )
    for lease in found.kept[:_KEPT_SHOWN]:
        print(f"Lease {lease.id} stays: {lease.left}.")
    if more := found.kept[_KEPT_SHOWN:]:
        print(f"So do {len(more)} more leases that are over.")
    return DONE


#: Leases that are told of one by one.
_KEPT_SHOWN = 20

_NEWER = (
    "The schema is at revision {before}, which this release does not know: "
    "it was made by a newer one."
)

_VERBS = {
    "upgrade": (
        upgrade,
        "make the tables or bring them to the newest revision, and add the "
        "models of GPUs that this release knows; harmless to repeat",
    ),
    "version": (version, "print the revision of the schema"),
    "check": (check, "succeed only if the schema is the newest"),
}

_NOUNS = {
    "db": ("the database", _VERBS),
    "keys": ("the keys that encrypt user data", manage_keys.VERBS),
}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="gpubroker-manage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--config-file",
        action="append",
        metavar="FILE",
        help="where [database] connection is set; may be repeated, later "
        "files win (default: /etc/gpubroker/gpubroker.conf if it is there)",
    )
    made.add_argument(
        "--debug", action="store_true", help="log everything, to stderr"
    )
    nouns = made.add_subparsers(
        title="commands", dest="noun", metavar="COMMAND", required=True
    )
    for noun, (title, found) in _NOUNS.items():
        words = f"{title}: {', '.join(found)}"
        verbs = nouns.add_parser(noun, help=words).add_subparsers(
            title="commands", dest="verb", metavar="COMMAND", required=True
        )
        for name, (act, text) in found.items():
            description = f"{text[0].upper()}{text[1:]}."
            verb = verbs.add_parser(name, help=text, description=description)
            verb.set_defaults(act=act)
    recover.add_to(nouns)
    _add_purge(nouns)
    return made


def _add_purge(nouns: Any) -> None:
    words = (
        "delete leases that are over, with their nodes, steps and events, and "
        "old events of devices and hosts; harmless to interrupt and to repeat"
    )
    noun = nouns.add_parser(
        "purge",
        help=words,
        description=f"{words.capitalize()}. Leases of which something may be "
        "left stay, as does what the health of a device rests on.",
    )
    noun.add_argument(
        "--older-than",
        required=True,
        type=_age,
        metavar="AGE",
        help="how long it must be over: 90d, 12w or 48h; a day at least",
    )
    noun.add_argument(
        "--dry-run", action="store_true", help="only count what would go"
    )
    noun.add_argument(
        "--batch",
        type=_size,
        default=service.BATCH,
        metavar="N",
        help="leases, or events, deleted in one transaction, 1 to 10000 "
        "(default: %(default)s)",
    )
    noun.set_defaults(act=purge)


def _age(text: str) -> datetime.timedelta:
    try:
        return domain.age(text)
    except errors.Invalid as error:
        raise argparse.ArgumentTypeError(error.message) from error


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10000:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1 to 10000")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        conf = options.load([], args.config_file)
    except cfg.Error as error:
        print(f"gpubroker-manage: {error}", file=sys.stderr)
        return FAILED
    conf.set_override("debug", args.debug)
    # The message below says it, to people.
    quiet = ["alembic=WARN", "gpubroker.db=ERROR", "oslo_db=ERROR"]
    log.set_defaults(default_log_levels=quiet)
    log.setup(conf, "gpubroker-manage")
    try:
        database = store.Store(conf, clock.SystemClock())
        args.conf = conf
        done: int = args.act(database, args)
    except errors.Misconfigured as error:
        words = error.fields.get("detail", error.message)
        print(f"gpubroker-manage: {words}", file=sys.stderr)
        return FAILED
    except errors.Unavailable as error:
        if session.of_another_schema(error.__cause__ or error):
            print(f"gpubroker-manage: {error.message}", file=sys.stderr)
            return FAILED
        why = session.reason(error.__cause__ or error)
        print(
            f"gpubroker-manage: the database can not be reached: {why}\n"
            "Look at [database] connection in the configuration file.",
            file=sys.stderr,
        )
        return UNREACHABLE
    except errors.Conflict as error:
        print(f"gpubroker-manage: {error.message}", file=sys.stderr)
        return FAILED
    return done


if __name__ == "__main__":
    sys.exit(main())
