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
"""Share the pools among the workers that run.

Each says that it works, counts those that do, keeps its part and lets go of
the rest. No one hands pools out: who counts wrongly, because another has just
come or gone, has too many or too few until it counts again.
"""

from __future__ import annotations

import dataclasses
import datetime
from dataclasses import dataclass

from gpubroker import errors
from gpubroker.domain import pools
from gpubroker.services import broker
from gpubroker.services import memory
from gpubroker.services import ports


@dataclass(frozen=True, slots=True)
class Share:
    """:param pools: names, in order.
    :param chief: whether it does what is done once for all pools.
    :param count: how far the database has counted; see ``memory``.
    """

    pools: tuple[str, ...] = ()
    chief: bool = False
    count: int = 0


def take(core: broker.Broker, owner: str, known: int = 0) -> Share:
    """Work on, with no more than an equal part of the pools.

    :param known: how far the database had counted before.
    :raises Forgotten: it has counted less than that.
    :raises Unavailable: when the database does not answer.
    """
    # By the clock that all share: a worker that was ahead of the others and
    # then died would keep its pools from them for as long.
    now = core.store.now()
    seconds = datetime.timedelta(seconds=core.settings.ownership_seconds)

    def work(tx: ports.Transaction) -> Share:
        count = memory.recall(tx, known)
        mine = _take(tx, owner, now, now + seconds)
        return dataclasses.replace(mine, count=count)

    return core.store.run(work)


def leave(core: broker.Broker, owner: str) -> None:
    """Work no more: the others take its pools as soon as they look."""

    def work(tx: ports.Transaction) -> None:
        tx.workers.leave(owner)
        tx.pools.disown(owner)

    core.store.run(work)


def _take(
    tx: ports.Transaction,
    owner: str,
    now: datetime.datetime,
    until: datetime.datetime,
) -> Share:
    workers = tx.workers.announce(owner, now, until)
    owners = tx.pools.owners(now)
    most = pools.share(len(owners), workers)
    mine = [name for name, whose in owners.items() if whose == owner]
    kept, surplus = mine[:most], mine[most:]
    if surplus:
        tx.pools.disown(owner, surplus)
    if tx.pools.renew(owner, kept, now, until) != len(kept):
        # Another one was faster with some of them.
        owners = tx.pools.owners(now)
        kept = [name for name, whose in owners.items() if whose == owner]
    for name, whose in owners.items():
        if len(kept) >= most:
            break
        if whose is None and _own(tx, name, owner, now, until):
            kept.append(name)
    return Share(
        tuple(sorted(kept)), chief=bool(owners) and min(owners) in kept
    )


def _own(
    tx: ports.Transaction,
    name: str,
    owner: str,
    now: datetime.datetime,
    until: datetime.datetime,
) -> bool:
    try:
        return tx.pools.own(name, owner, now, until) is not None
    except errors.NotFound:
        # Deleted meanwhile.
        return False
