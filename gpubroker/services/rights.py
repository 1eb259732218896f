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

"""What becomes of a lease whose user Keystone lets nobody act for now.

A role was taken away, the user or the project is disabled: that may be for an
hour, and nobody should lose a place in the queue for it. Nor may it keep cards
from others for days. So the lease goes back into the queue, out of every plan,
until Keystone gives a token for its user again; and it fails when that takes
too long.
"""

from __future__ import annotations

import datetime
import logging

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.services import behalf
from gpubroker.services import broker
from gpubroker.services import change
from gpubroker.services import failing
from gpubroker.services import saga

LOG = logging.getLogger(__name__)

#: Seconds between looks, at least and at most: the longer the rights are
#: gone, the less it matters when it is noticed that they are back.
_SOON, _LATE = 15.0, 300.0


def hold(run: saga.Run, message: str) -> saga.Next:
    """Take the start back, and wait where nobody else has to wait, too."""
    LOG.warning("Lease %s waits: %s", run.lease.id, message)
    with run.change() as now:
        now.move(
            leases.State.STARTING,
            leases.State.QUEUED,
            reason=message,
            rights_gone_at=now.now,
            not_before=_next_look(now.now, now.now),
        )
        now.say("lease.held", message)
    return 0.0


def look(core: broker.Broker, lease: leases.Lease) -> saga.Next:
    """At a lease in the queue: whether the rights are back.

    :raises Unavailable: Keystone does not answer; try again later.
    """
    if lease.identity_mode is leases.IdentityMode.CALLER:
        return _in_time(core, lease)
    since = lease.rights_gone_at
    if since is None:
        return None
    now = core.clock.now()
    if lease.not_before is not None and now < lease.not_before:
        return (lease.not_before - now).total_seconds()
    with core.store.read() as tx:
        delegation = tx.leases.delegation(lease.id)
    try:
        if delegation is None:
            raise errors.IdentityLost(saga.NO_DELEGATION)
        behalf.cloud(core, lease, delegation).ready()
    except errors.RightsGone as error:
        if (now - since).total_seconds() > core.settings.rights_wait:
            return _fail(core, lease, _waited(core, error.message))
        return _wait_on(core, lease, since, error.message)
    except errors.IdentityLost as error:
        return _fail(core, lease, error.message)
    _let_go(core, lease)
    return 0.0


def _in_time(core: broker.Broker, lease: leases.Lease) -> saga.Next:
    """One that waits although it was to start at once."""
    with core.store.read() as tx:
        delegation = tx.leases.delegation(lease.id)
    left = 0.0 if delegation is None else behalf.time_left(core, delegation)
    if left > 0:
        return left
    message = behalf.LOST
    if lease.reason:
        message = f"{message} Until then: {lease.reason}"
    return _fail(core, lease, message)


def _wait_on(
    core: broker.Broker,
    lease: leases.Lease,
    since: datetime.datetime,
    message: str,
) -> saga.Next:
    with change.since(core, lease) as now:
        then = _next_look(since, now.now)
        now.set(reason=message, not_before=then)
    return (then - now.now).total_seconds()


def _let_go(core: broker.Broker, lease: leases.Lease) -> None:
    with change.since(core, lease) as now:
        now.set(reason="", rights_gone_at=None, not_before=None)
        now.say("lease.rights_back", "The user's rights work again.")
        now.ring_pool()


def _fail(core: broker.Broker, lease: leases.Lease, message: str) -> saga.Next:
    with change.since(core, lease) as now:
        failing.refuse(now, message)
        now.ring_lease()
    return 0.0


def _waited(core: broker.Broker, message: str) -> str:
    hours = core.settings.rights_wait / 3600
    return f"{message} The lease has waited {hours:.0f} hours for that."


def _next_look(
    since: datetime.datetime, now: datetime.datetime
) -> datetime.datetime:
    gone = (now - since).total_seconds()
    pause = min(max(gone / 8, _SOON), _LATE)
    return now + datetime.timedelta(seconds=pause)
