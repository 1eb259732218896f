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

"""The saga that turns claims into running servers (A 4).

ticket, shape, server, unshape, boot, verify for every node, all or none;
then fences and ``active`` in one transaction.
"""

from __future__ import annotations

import datetime
import functools
import logging
from collections.abc import Callable

from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import boot
from gpubroker.services import broker
from gpubroker.services import change
from gpubroker.services import failing
from gpubroker.services import held
from gpubroker.services import post
from gpubroker.services import reservation
from gpubroker.services import rights
from gpubroker.services import saga
from gpubroker.services import verify

LOG = logging.getLogger(__name__)

#: Seconds between looks at what is in the way.
_LATER = 5.0
_IN_THE_WAY = (
    "Something unexpected is in the way of the start; the broker's log tells "
    "its operators what."
)
#: What the user is told of a service that refuses for now.
_BUSY = (
    "A service of the cloud takes no further request at present; the start "
    "goes on by itself when it does."
)
_FORGOTTEN = (
    "The lease has a server already, which the broker does not remember; its "
    "operators are told."
)
#: Seconds between looks at what only an operator can mend.
_HELD = 30.0


def drive(core: broker.Broker, lease: leases.Lease) -> saga.Next:
    """Go on with a start as far as it goes now.

    :raises ConcurrentUpdate: the lease moved on; look again.
    """
    run = saga.Run(core, lease, steps.Saga.START)
    try:
        wait = _steps(run)
    except saga.CloudFailure as failure:
        return failing.retry(run, failure)
    except saga.ServerGone as gone:
        return failing.gone(run, gone.node)
    except saga.Forgotten as forgotten:
        return failing.stand_by(run, _forgotten(run, forgotten), _HELD)
    except (errors.Rejected, errors.IdentityLost) as error:
        return failing.fail(run, error.message)
    except errors.RightsGone as error:
        return rights.hold(run, error.message)
    except errors.ConcurrentUpdate:
        raise
    except errors.GpubrokerError as error:
        return _held(run, error)
    if wait is not None:
        return failing.bounded(run, wait)
    _activate(run)
    return 0.0


def _held(run: saga.Run, error: errors.GpubrokerError) -> saga.Next:
    """Nobody's order is to blame; it goes on when that is mended."""
    if isinstance(error, errors.Undecipherable):
        return failing.unread(run, error, _HELD)
    if isinstance(error, errors.Misconfigured):
        return failing.wait_for(run, error.message, _HELD)
    # Its own words may name inside addresses and hosts: for the log.
    LOG.warning("Lease %s: %s", run.lease.id, error.message)
    if isinstance(error, errors.NotDone):
        return failing.wait_for(run, _BUSY, error.fields["seconds"])
    if isinstance(error, errors.Unavailable):
        pause = run.core.patience.pause(run.lease.id, error)
        return failing.wait_for(run, failing.NO_ANSWER, pause)
    return failing.hold(run, _IN_THE_WAY, _LATER)


def _forgotten(run: saga.Run, found: saga.Forgotten) -> str:
    LOG.error(
        "Lease %s: %s is held by %s, which the database does not know: it is "
        "older than they are. See gpubroker-manage recover.",
        run.lease.id,
        found.node.ticket,
        ", ".join(found.holders),
    )
    return _FORGOTTEN


def _steps(run: saga.Run) -> saga.Next:
    user = _user(run)
    for node in run.nodes:
        if run.found(node, "shape") is None:
            # Keystone may take as long as all that comes before the POST.
            user.ahead()
        run.step(node, "ticket", functools.partial(_ticket, run, node))
        run.step(node, "shape", functools.partial(_shape, run, node))
        if run.lease.identity_mode is leases.IdentityMode.SERVICE:
            run.step(node, "key", functools.partial(_key, run, node))
        wait = post.server(run, node, user)
        if wait is not None:
            return wait
        run.step(node, "unshape", functools.partial(_unshape, run, node))
        if run.turn_over:
            return 0.0
    wait = _all(run, "boot", boot.look)
    if wait is not None:
        return wait
    return _all(run, "verify", verify.look)


def _all(
    run: saga.Run,
    name: str,
    look: Callable[[saga.Run, leases.Node], saga.Next],
) -> saga.Next:
    return saga.soonest(
        [
            run.step(node, name, functools.partial(look, run, run.node(node)))
            for node in run.nodes
        ]
    )


def _user(run: saga.Run) -> post.User:
    if run.lease.identity_mode is leases.IdentityMode.CALLER:
        return post.Caller(run)
    return post.User(run)


def _ticket(run: saga.Run, node: leases.Node) -> saga.Next:
    if reservation.put_ticket(run, node):
        run.fresh.add(node.id)
    return None


def _shape(run: saga.Run, node: leases.Node) -> saga.Next:
    run.core.compute.ensure_shape(reservation.shape(run, node))
    return None


def _key(run: saga.Run, node: leases.Node) -> saga.Next:
    """Let the broker's own user have the user's public key in Nova, which
    looks for key pairs with whoever makes the server."""
    key = saga.delegation(run).public_key
    if key is not None:
        run.core.compute.ensure_key(saga.placed(node).shape, key)
    return None


def _unshape(run: saga.Run, node: leases.Node) -> saga.Next:
    # Nova has embedded it in the server; while it exists, any member of the
    # project could boot from it (N 15.2).
    run.core.compute.drop_shape(saga.placed(node).shape)
    reservation.drop_key(run, node)
    return None


def _activate(run: saga.Run) -> None:
    # By the clock that all workers share: one that is off would end the
    # lease at once, or give hours for nothing.
    started_at = run.core.store.now()
    begun_at = run.begun_at()
    with run.change() as now:
        for node in now.lease.nodes:
            held.close(now, node)
            _given(now, node)
        # They work: what failed there before had another reason.
        now.tx.failures.excuse(
            sorted({n.host for n in now.lease.nodes if n.host})
        )
        _state(now, started_at)
        now.tx.leases.forget_user_data(now.lease.id)
        now.ring_hosts()
    waited = begun_at - run.lease.requested_at
    run.core.meter.started(
        run.lease.pool,
        waited.total_seconds(),
        (started_at - begun_at).total_seconds(),
    )


def _state(now: change.Change, started_at: datetime.datetime) -> None:
    duration = now.lease.duration
    ends = (
        started_at + datetime.timedelta(seconds=duration)
        if duration is not None
        else None
    )
    now.move(
        leases.State.ACTIVE,
        leases.State.ACTIVE,
        reason="",
        started_at=started_at,
        expires_at=ends,
    )
    until = f" until {ends:%Y-%m-%d %H:%M:%SZ}" if ends else ""
    now.say("lease.active", f"Active{until}.")


def _given(now: change.Change, node: leases.Node) -> None:
    for device_id in node.planned:
        now.tx.events.add(
            events.Event(
                at=now.now,
                kind="device.leased",
                message=f"Given to lease {now.lease.id}.",
                device_id=device_id,
                host=node.host,
            )
        )
