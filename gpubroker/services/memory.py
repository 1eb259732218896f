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

"""Whether the database remembers all that the broker has done.

One that was restored from a backup is a perfectly good database of
yesterday, and nothing in it says so. What it no longer knows would be done
again or undone: servers that run would be started a second time or ended for
a time that was extended since, and cards be opened that were found bad since.

So there is a count that Placement keeps, too, in the name of a resource class
of no other use. It goes up from time to time, in the database first. So a
database that is behind Placement has forgotten something; one that is ahead
has not: its broker was stopped between the two.

A worker that runs need not ask Placement to notice: it knows how far the
database had counted when it looked last, and no database counts back.
"""

from __future__ import annotations

import logging

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.services import broker
from gpubroker.services import names
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

_RESTORED = (
    "it was restored from a backup, and does not know what was done since. "
    "Nothing is started, ended or written before gpubroker-manage recover has "
    "read it from Nova and Placement."
)


def check(core: broker.Broker) -> None:
    """:raises Forgotten: the database is older than what was done with it.
    :raises Unavailable: it can not be told at present.
    """
    behind = lost(core.store, core.ledger)
    if behind is not None:
        raise errors.Forgotten(behind)


def recall(tx: ports.Transaction, known: int) -> int:
    """How far the database has counted.

    :param known: how far it had when it was looked at before.
    :raises Forgotten: it has counted less than that.
    """
    found = tx.installation.count()
    if found < known:
        raise errors.Forgotten(
            f"The database has counted to {found} and had counted to {known} "
            f"before: {_RESTORED}"
        )
    return found


def lost(store: ports.Store, ledger: ports.Ledger) -> str | None:
    """In words what is wrong, if the database has forgotten something."""
    with store.read() as tx:
        ours = tx.installation.name()
    # Placement before the database: what others count meanwhile is then in
    # the database, too.
    outside = max(marks(ledger, ours), default=0)
    with store.read() as tx:
        known = tx.installation.count()
    if outside <= known:
        return None
    return (
        f"The database has counted to {known} and Placement to {outside}: "
        f"{_RESTORED}"
    )


def live(core: broker.Broker) -> None:
    """Count on, unless nothing was ever written outside: where every host is
    only observed, there is nothing to forget, and Placement is left alone."""
    with core.store.read() as tx:
        idle = not tx.installation.count() and not any(
            host.mode is hosts.Mode.MANAGE for host in tx.hosts.all()
        )
    if not idle:
        count(core)


def count(core: broker.Broker, beyond: int = 0) -> None:
    """Count on, in the database and then in Placement.

    :param beyond: what has been counted elsewhere.
    """
    with core.store.write() as tx:
        ours = tx.installation.name()
        number = tx.installation.count_on(beyond)
    core.ledger.make_class(names.mark(ours, number))
    for older in marks(core.ledger, ours):
        if older < number:
            core.ledger.drop_class(names.mark(ours, older))


def marks(ledger: ports.Ledger, installation: str) -> list[int]:
    """How far it has counted, as Placement says; several while it does."""
    prefix = names.marks_of(installation)
    found = (name.removeprefix(prefix) for name in ledger.classes(prefix))
    return [int(number) for number in found if number.isdecimal()]
