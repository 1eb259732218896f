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

"""Forget what is over for long enough.

Small transactions, each of which may be the last: whatever is deleted was
whole, and what is left is found by the next purge. A lease goes with its
nodes, its journal and its history in one of them.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Collection, Iterator, Sequence

from gpubroker import errors
from gpubroker.domain import purge
from gpubroker.services import expire
from gpubroker.services import ports

#: Leases, or events, of one transaction.
BATCH = 200


def cutoff(
    store: ports.Store, clock: ports.Clock, age: datetime.timedelta
) -> datetime.datetime:
    """The moment before which a thing must have been over.

    :raises Conflict: the clocks here and of the database do not agree: what
        is deleted by a clock that is wrong does not come back.
    """
    here, there = clock.now(), store.now()
    if abs((here - there).total_seconds()) > expire.MAX_SKEW:
        raise errors.Conflict(
            f"The time here is {here:%Y-%m-%d %H:%M:%S}, that of the "
            f"database {there:%Y-%m-%d %H:%M:%S} UTC: nothing is purged "
            "until they agree."
        )
    return min(here, there) - age


def batches(
    store: ports.Store,
    before: datetime.datetime,
    size: int = BATCH,
    dry_run: bool = False,
) -> Iterator[purge.Purged]:
    """One transaction after the other, and what it deleted.

    :param dry_run: only count.
    """
    yield from _leases(store, before, size, dry_run)
    yield from _events(store, before, size, dry_run)
    if dry_run:
        with store.read() as tx:
            yield purge.Purged(failures=tx.purge.failures(before))
    else:
        yield purge.Purged(
            failures=store.run(lambda tx: tx.purge.drop_failures(before))
        )
    yield from _projects(store, before, size, dry_run)


def _leases(
    store: ports.Store, before: datetime.datetime, size: int, dry_run: bool
) -> Iterator[purge.Purged]:
    after = 0
    while True:
        with store.read() as tx:
            found = tx.purge.over(before, after, size)
            if not found:
                return
            if dry_run:
                gone = tx.purge.count(_going(found))
        if not dry_run:
            gone = store.run(functools.partial(_drop, found, before))
        kept = tuple(lease for lease in found if lease.left)
        yield gone + purge.Purged(kept=kept)
        after = found[-1].key


def _going(found: Collection[purge.Over]) -> list[purge.Over]:
    return [lease for lease in found if not lease.left]


def _drop(
    found: Sequence[purge.Over],
    before: datetime.datetime,
    tx: ports.Transaction,
) -> purge.Purged:
    # As they stand now: what was read may be a moment old.
    return tx.purge.drop(_going(tx.purge.again(_going(found), before)))


def _events(
    store: ports.Store, before: datetime.datetime, size: int, dry_run: bool
) -> Iterator[purge.Purged]:
    after = 0
    while True:
        with store.read() as tx:
            found = tx.purge.told(before, after, size)
            boots = tx.purge.boots()
        if not found:
            return
        ids = [event.id for event in found if purge.may_go(event, boots)]
        count = len(ids)
        if ids and not dry_run:
            count = store.run(_deleting(ids))
        yield purge.Purged(other_events=count)
        after = found[-1].id


def _deleting(ids: Sequence[int]) -> Callable[[ports.Transaction], int]:
    return lambda tx: tx.purge.drop_events(ids)


def _projects(
    store: ports.Store, before: datetime.datetime, size: int, dry_run: bool
) -> Iterator[purge.Purged]:
    after = ""
    while True:
        with store.read() as tx:
            found = tx.purge.projects(before, after, size)
        if not found:
            return
        count = len(found)
        if not dry_run:
            count = store.run(_forgetting(found))
        yield purge.Purged(projects=count)
        after = found[-1]


def _forgetting(ids: Sequence[str]) -> Callable[[ports.Transaction], int]:
    return lambda tx: tx.purge.drop_projects(ids)
