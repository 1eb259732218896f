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

"""Give a lease more time, or another name."""

from __future__ import annotations

import datetime

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import leases
from gpubroker.services import broker
from gpubroker.services import change
from gpubroker.services import names
from gpubroker.services import order

_OPEN = frozenset(
    {leases.State.QUEUED, leases.State.STARTING, leases.State.ACTIVE}
)


def extend(
    core: broker.Broker,
    lease_id: str,
    by: int | None = None,
    until: datetime.datetime | None = None,
    project_id: str | None = None,
    actor: events.Actor = events.BROKER,
) -> leases.Lease:
    """Move the end of a lease to a later time.

    :param by: seconds more; also before the lease has started.
    :param until: the new end; of an active lease only.
    :raises Invalid: not later, in the past, or too long; Conflict: the lease
        is over, has no end, or would still be over; NotFound: no such lease
        in this project.
    """
    # As at the start: a worker whose clock is in doubt ends no lease.
    clock = core.store.now()
    with change.of(core, lease_id, project_id, actor) as now:
        lease = now.lease
        duration = _movable(lease)
        more = _seconds(lease, by, until)
        total = duration + more
        if total > order.MAX_DURATION:
            raise errors.Invalid(
                f"The lease would last {total} s; {order.MAX_DURATION} s is "
                "the longest.",
                field="by" if by is not None else "until",
            )
        ends = lease.expires_at
        if ends is not None:
            # The time that was asked for, not a fraction of a second less.
            ends = until or ends + datetime.timedelta(seconds=more)
            _check_to_come(lease, ends, clock, by)
        now.set(duration=total, expires_at=ends)
        shown = f", until {ends:%Y-%m-%d %H:%M:%SZ}" if ends else ""
        now.say("lease.extended", f"Extended by {more} s{shown}.")
    return now.lease


def rename(
    core: broker.Broker,
    lease_id: str,
    name: str,
    generation: int | None = None,
    project_id: str | None = None,
    actor: events.Actor = events.BROKER,
) -> leases.Lease:
    """Only the lease's own name: the servers in Nova keep theirs.

    :raises Invalid: too long for its servers; ConcurrentUpdate: its
        generation is another than the one given; NotFound: no such lease in
        this project.
    """
    with change.of(core, lease_id, project_id, actor) as now:
        if generation is not None and generation != now.lease.generation:
            raise errors.ConcurrentUpdate(
                f"Lease {now.lease.name} is at generation "
                f"{now.lease.generation}, not {generation}.",
                generation=now.lease.generation,
            )
        if name != now.lease.name:
            names.check_servers(name, now.lease.node_count)
            now.say("lease.renamed", f"Renamed from {now.lease.name}.")
            now.set(name=name)
    return now.lease


def _movable(lease: leases.Lease) -> int:
    """Its duration, as of a lease whose end can be moved."""
    if lease.state not in _OPEN:
        raise errors.Conflict(
            f"Lease {lease.name} is {lease.state}: its end can not be moved.",
            state=lease.state,
        )
    if lease.duration is None:
        raise errors.Conflict(
            f"Lease {lease.name} has no end of its own to move."
        )
    return lease.duration


def _check_to_come(
    lease: leases.Lease,
    ends: datetime.datetime,
    clock: datetime.datetime,
    by: int | None,
) -> None:
    """A lease may be active after its end, while no worker could end it."""
    if ends > clock:
        return
    if by is None:
        raise errors.Invalid("until: is in the past", field="until")
    raise errors.Conflict(
        f"The time of lease {lease.name} is over, and with {by} s more it "
        f"still is, since {ends:%Y-%m-%d %H:%M:%SZ}: give it more."
    )


def _seconds(
    lease: leases.Lease, by: int | None, until: datetime.datetime | None
) -> int:
    if by is not None:
        if by < 1:
            raise errors.Invalid(f"by: {by} is less than 1", field="by")
        return by
    if until is None:
        raise errors.Invalid("Give either by or until.")
    if lease.expires_at is None:
        raise errors.Conflict(
            f"Lease {lease.name} has not started, so its end is not known "
            "yet: extend it by seconds."
        )
    more = int((until - lease.expires_at).total_seconds())
    if more < 1:
        raise errors.Invalid(
            "until: not later than the end that the lease has",
            field="until",
        )
    return more
