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

"""Make the servers of a lease with the token of its own order.

Done by the API process that took the order, and by it alone: the token is
nowhere else. The worker plans, makes ticket and shape, and goes on as soon as
the server is there; here is only the POST, written down like any other. When
the process dies the lease is left without a token, and the worker ends it when
its time is over; a server that was made all the same is found and kept.
"""

from __future__ import annotations

import logging

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import behalf
from gpubroker.services import broker
from gpubroker.services import failing
from gpubroker.services import ports
from gpubroker.services import post
from gpubroker.services import saga

LOG = logging.getLogger(__name__)

#: Seconds between looks whether a server can be made now.
_LOOK = 0.3
#: Seconds between looks at a service that is down: the token is not good for
#: long.
_LATER, _LATEST = 2.0, 10.0


def drive(
    core: broker.Broker, lease_id: str, cloud: ports.UserCloud
) -> saga.Next:
    """Make what can be made now.

    :param cloud: with the token of the order.
    :returns: seconds until the next look; ``None``: the token is not needed
        any more.
    """
    asking = f"caller of {lease_id}"
    try:
        lease = _needs_it(core, lease_id)
        if lease is None:
            core.patience.over(asking)
            return None
        if lease.state is leases.State.STARTING:
            if lease.target is leases.State.ACTIVE:
                return _start(saga.Run(core, lease, steps.Saga.START), cloud)
    except errors.NotFound as error:
        # Of something else than the lease: the token may still be needed.
        LOG.warning("Lease %s waits: %s", lease_id, error.message)
        return _LATER
    except errors.NotDone as error:
        LOG.warning("Lease %s waits: %s", lease_id, error.message)
        pause: float = error.fields["seconds"]
        return pause
    except errors.Unavailable as error:
        LOG.warning("Lease %s waits: %s", lease_id, error.message)
        return core.patience.pause(asking, error, _LATER, _LATEST)
    except errors.OutsideError as error:
        LOG.warning("Lease %s waits: %s", lease_id, error.message)
        return _LATER
    except errors.ConcurrentUpdate:
        pass
    return _LOOK


def _needs_it(core: broker.Broker, lease_id: str) -> leases.Lease | None:
    """The lease, while its servers can still be made with the token."""
    try:
        with core.store.read() as tx:
            lease = tx.leases.get(lease_id)
            found = tx.leases.delegation(lease_id)
    except errors.NotFound:
        return None
    if lease.state not in (leases.State.QUEUED, leases.State.STARTING):
        return None
    if found is None or behalf.time_left(core, found) <= 0:
        return None
    return lease


def _start(run: saga.Run, cloud: ports.UserCloud) -> saga.Next:
    user = post.Caller(run, cloud)
    for node in run.nodes:
        if node.server_id is not None:
            continue
        shape = run.found(node, "shape")
        if shape is None or shape.state is not steps.StepState.DONE:
            return _LOOK
        try:
            wait = post.server(run, node, user)
        except (
            errors.Rejected,
            errors.RightsGone,
            errors.IdentityLost,
        ) as error:
            failing.fail(run, error.message)
            wait = None
        except errors.Undecipherable as error:
            return failing.unread(run, error, _LATER)
        except (saga.Forgotten, saga.CloudFailure):
            # The worker finds the same, and does what follows from it.
            return _LATER
        run.core.bell.lease(run.lease.id)
        return _LOOK if wait is None else wait
    return _LOOK
