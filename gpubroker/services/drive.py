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

"""Go on with a lease, whatever it needs next."""

from __future__ import annotations

import logging

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import broker
from gpubroker.services import end
from gpubroker.services import patience
from gpubroker.services import rights
from gpubroker.services import saga
from gpubroker.services import start
from gpubroker.services import watch

LOG = logging.getLogger(__name__)

#: Seconds until it is looked again for what was not there.
_LATER = 5.0


def drive(core: broker.Broker, lease_id: str) -> saga.Next:
    """Safe to call at any time, any number of times, from any worker.

    :returns: seconds after which to call again; ``None`` when the lease is
        at rest and only its clock or its user can move it.
    """
    try:
        return step(core, lease_id)
    except errors.NotFound as error:
        LOG.warning("Lease %s: %s", lease_id, error.message)
        return _LATER
    except errors.ConcurrentUpdate:
        return 0.0


def step(core: broker.Broker, lease_id: str) -> saga.Next:
    """``drive`` for who counts what goes wrong, so that a lease that never
    comes through is noticed.

    :raises ConcurrentUpdate: somebody else wrote; to be tried again.
    :raises NotFound: something that it needs is gone.
    """
    lost = core.patience.lost(lease_id)
    active = False
    try:
        with core.store.read() as tx:
            lease = tx.leases.get(lease_id)
        active = lease.state is leases.State.ACTIVE
        wait = _next(core, lease)
    except errors.Unavailable as error:
        LOG.warning("Lease %s waits: %s", lease_id, error.message)
        # One that runs is looked at no more often than when all is well.
        first = core.settings.check_interval if active else patience.FIRST
        return core.patience.pause(lease_id, error, first)
    except (errors.ConcurrentUpdate, errors.IllegalMove):
        raise
    except (errors.OutsideError, errors.Conflict) as error:
        # A conflict is one of Nova's or Placement's: something is not yet in
        # a state for what is next.
        LOG.warning("Lease %s waits: %s", lease_id, error.message)
        return _LATER
    if core.patience.lost(lease_id) == lost:
        core.patience.over(lease_id)
    return wait


def _next(core: broker.Broker, lease: leases.Lease) -> saga.Next:
    match lease.state:
        case leases.State.QUEUED:
            return rights.look(core, lease)
        case leases.State.STARTING if lease.target is leases.State.QUEUED:
            return end.undo(core, lease)
        case leases.State.STARTING:
            return start.drive(core, lease)
        case leases.State.ENDING:
            return end.drive(core, lease)
        case leases.State.ACTIVE:
            return watch.look(core, lease)
    return None
