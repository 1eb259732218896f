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

"""Plan a pool: read, decide, write, one planner at a time.

The decision is a pure function; here it is read for and written down. A
start is one transaction: the claims, the names of everything that the start
will make, and the lease's move. Its last act is to look whether what it was
planned with still stands: somebody may have fenced a card since it was read.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping, Sequence

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import planning
from gpubroker.domain import pools
from gpubroker.domain import reasons
from gpubroker.domain import withdrawal
from gpubroker.services import broker
from gpubroker.services import change
from gpubroker.services import names
from gpubroker.services import snapshot
from gpubroker.services import standing

LOG = logging.getLogger(__name__)

Blocks = Mapping[str, Sequence[Sequence[int]]]

#: Plans in a row when the pool changed under the plan.
_TRIALS = 3
#: Waiting reasons written in one pass; the rest is written in the next.
_REASONS = 200


class _Outdated(Exception):
    """The pool is not as the plan saw it."""


def own(core: broker.Broker, pool: str, owner: str) -> pools.Ownership | None:
    """Become or stay the one who plans a pool and drives its leases."""
    now = core.store.now()
    seconds = core.settings.ownership_seconds
    with core.store.write() as tx:
        return tx.pools.own(
            pool, owner, now, now + datetime.timedelta(seconds=seconds)
        )


def plan_pool(core: broker.Broker, pool: str, owner: str) -> list[str]:
    """Start what can start now.

    :returns: ids of the leases that were moved to ``starting``; nothing
        when another worker owns the pool.
    """
    started: list[str] = []
    for _trial in range(_TRIALS):
        ownership = own(core, pool, owner)
        if ownership is None:
            return started
        with core.store.read() as tx:
            [seen] = core.cache.snapshots(tx, [pool], core.clock.now())
        if not seen.orders:
            return started
        plan = planning.plan(seen)
        try:
            for planned in plan.starts:
                if _begin(core, ownership, planned, seen.blocks):
                    started.append(planned.lease_id)
        except _Outdated as reason:
            LOG.info("Pool %s is planned again: %s", pool, reason)
            continue
        _explain(core, pool, plan.waits)
        return started
    return started


def _begin(
    core: broker.Broker,
    ownership: pools.Ownership,
    planned: planning.Start,
    blocks: Blocks,
) -> bool:
    """:raises _Outdated: later starts of the plan must not overtake."""
    try:
        with change.of(core, planned.lease_id) as now:
            if not now.tx.pools.still_owned(ownership):
                raise _Outdated("another worker owns it now")
            if now.lease.state is not leases.State.QUEUED:
                return False
            _write(now, planned)
            now.ring_lease()
            # Before the hosts are held: who waits for them may be waited
            # for with the lease.
            now.save()
            _check(now, planned, blocks)
    except (errors.InUse, errors.ConcurrentUpdate, errors.NotFound) as error:
        raise _Outdated(error.message) from error
    return True


def _write(now: change.Change, planned: planning.Start) -> None:
    by_index = {node.index: node for node in now.lease.nodes}
    ours = now.tx.installation.name()
    for chosen in planned.nodes:
        node = by_index[chosen.index]
        attempt = node.attempt + 1
        now.tx.claims.add(node.id, chosen.device_ids)
        now.node(
            node.id,
            attempt=attempt,
            host=chosen.host,
            planned=chosen.device_ids,
            ticket=names.ticket(ours, node.id, attempt),
            shape_id=names.shape(ours, node.id, attempt),
            fault="",
        )
    used = sorted({chosen.model for chosen in planned.nodes})
    now.move(
        leases.State.STARTING,
        leases.State.ACTIVE,
        reason="",
        model=used[0],
        not_before=None,
    )
    count = now.lease.gpus * now.lease.node_count
    now.say(
        "lease.starting",
        f"Starting on {count} x {' and '.join(used)}.",
        hosts=",".join(chosen.host for chosen in planned.nodes),
        devices=",".join(d for n in planned.nodes for d in n.device_ids),
    )


def _check(
    now: change.Change, planned: planning.Start, blocks: Blocks
) -> None:
    """:raises _Outdated: a card or a host is not to be had any more."""
    lease = now.lease
    names = sorted({node.host for node in planned.nodes})
    hosts = standing.held(
        now.tx, lease.pool, names, now.now, [node.id for node in lease.nodes]
    )
    order = snapshot.order_of(lease)
    host = withdrawal.withdrawn(planned, order, hosts, blocks, now.now)
    if host is not None:
        raise _Outdated(f"host {host} changed meanwhile")


def _explain(
    core: broker.Broker, pool: str, waits: tuple[planning.Wait, ...]
) -> None:
    """Write down what keeps each order back, where that changed."""
    with core.store.read() as tx:
        known = tx.leases.reasons(pool)
    changed = [
        wait
        for wait in waits
        # What went wrong with the last start tells more than its delay.
        if wait.why is not reasons.Why.RETRY
        and known.get(wait.lease_id, wait.message) != wait.message
    ]
    for wait in changed[:_REASONS]:
        try:
            with change.of(core, wait.lease_id) as now:
                if now.lease.state is not leases.State.QUEUED:
                    continue
                if not now.lease.reason:
                    now.say("lease.waiting", wait.message, why=wait.why.value)
                now.set(reason=wait.message)
        except (errors.ConcurrentUpdate, errors.NotFound):
            continue
