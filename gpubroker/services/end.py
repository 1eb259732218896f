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

"""End a lease: by its user, by time, or because it could not start.

The saga uses the broker's own identity only, so that it works when the
user's rights are gone (A 4.5).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import broker
from gpubroker.services import change
from gpubroker.services import delegate
from gpubroker.services import removal
from gpubroker.services import saga

LOG = logging.getLogger(__name__)

_ENDED = {
    leases.State.ENDED: ("lease.ended", "Ended; nothing of it is left."),
    leases.State.FAILED: ("lease.failed", "Failed; nothing of it is left."),
}

_ENDING = leases.State.ENDING

#: Times that an order to end is repeated when others write the lease.
_TRIALS = 5


def end(
    core: broker.Broker,
    lease_id: str,
    project_id: str | None = None,
    actor: events.Actor = events.BROKER,
) -> leases.Lease:
    """Somebody's wish; a lease that is ending or final stays as it is.

    :raises NotFound: no such lease in this project.
    """
    cause, why = leases.EndCause.USER, "by request"
    if actor.operator:
        cause, why = leases.EndCause.OPERATOR, "an operator asked for it"
    return _ask(core, lease_id, cause, why, project_id, actor)


def expire(core: broker.Broker, lease_id: str) -> leases.Lease:
    """End it unless it was extended meanwhile."""
    cause = leases.EndCause.EXPIRY
    return _ask(core, lease_id, cause, "its time is over", only_if=_over)


def server_gone(core: broker.Broker, lease_id: str) -> leases.Lease:
    """The server was deleted through Nova."""
    cause = leases.EndCause.SERVER_GONE
    return _ask(core, lease_id, cause, "its server was deleted")


def drive(core: broker.Broker, lease: leases.Lease) -> saga.Next:
    """Go on with an end as far as it goes now."""
    run = saga.Run(core, lease, steps.Saga.END)
    wait = removal.remove(run)
    if wait is not None:
        return wait
    revoke(core, lease.id)
    kind, message = _ENDED[lease.target]
    with run.change() as now:
        now.ring_hosts()
        for node in now.lease.nodes:
            now.tx.claims.release(node.id, node.planned)
            now.node(
                node.id,
                ticket=None,
                shape_id=None,
                server_status="DELETED" if node.server_id else None,
                addresses=(),
            )
        now.tx.leases.forget_user_data(lease.id)
        failed = lease.target is leases.State.FAILED
        now.move(
            lease.target,
            lease.target,
            ended_at=now.now,
            reason=now.lease.reason if failed else "",
        )
        now.say(kind, message)
        now.ring_pool()
    return None


def undo(core: broker.Broker, lease: leases.Lease) -> saga.Next:
    """Take back a failed start and put the lease into the queue again."""
    run = saga.Run(core, lease, steps.Saga.END)
    wait = removal.remove(run)
    if wait is not None:
        return wait
    with run.change() as now:
        now.ring_hosts()
        for node in now.lease.nodes:
            now.tx.claims.release(node.id, node.planned)
            now.node(node.id, **leases.UNPLACED)
        now.move(leases.State.QUEUED, leases.State.QUEUED, model=None)
        now.say("lease.requeued", "Back in the queue.")
        now.ring_pool()
    return None


def revoke(core: broker.Broker, lease_id: str) -> bool:
    """Give the user's delegated rights back, when there are any.

    A trust that can not be deleted, since its maker has no rights at
    present, is left to the sweep: the lease need not wait for that.

    :raises Unavailable: try again later.
    """
    with core.store.read() as tx:
        delegation = tx.leases.delegation(lease_id)
    if delegation is None:
        return False
    gone = core.identity.revoke(delegation)
    with core.store.write() as tx:
        if not gone:
            delegate.leave(core, tx, tx.leases.get(lease_id), delegation)
        tx.leases.forget_delegation(lease_id)
    LOG.info("Lease %s: the user's rights were given back", lease_id)
    return True


def _over(now: change.Change) -> bool:
    expires = now.lease.expires_at
    return expires is not None and expires <= now.now


def _ask(
    core: broker.Broker,
    lease_id: str,
    cause: leases.EndCause,
    why: str,
    project_id: str | None = None,
    actor: events.Actor = events.BROKER,
    only_if: Callable[[change.Change], bool] = lambda _now: True,
) -> leases.Lease:
    for trial in range(_TRIALS):
        try:
            with change.of(core, lease_id, project_id, actor) as now:
                settled = now.lease.final or now.lease.state is _ENDING
                if settled or not only_if(now):
                    return now.lease
                now.move(
                    leases.State.ENDING,
                    leases.State.ENDED,
                    end_cause=cause,
                    reason="",
                    request_id=actor.request_id,
                )
                now.say("lease.ending", f"Ending: {why}.")
                now.ring_lease()
            return now.lease
        except errors.ConcurrentUpdate:
            if trial == _TRIALS - 1:
                raise
    raise AssertionError("unreachable")
