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

"""In whose name the servers of a lease are made, and with what.

By a trust wherever Keystone lets the caller's token make one. A token that was
itself handed on, as with an application credential, can make none: what can
start at once is then made with that very token, by the API process that has
it. What has to wait is made by the broker's own user, in the projects that an
operator made it a member of. No token is ever written down or sent.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass

from gpubroker import context
from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import trusts
from gpubroker.services import broker
from gpubroker.services import delegate
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

#: Seconds for which an API process tries to make the servers of a lease with
#: the token of its order.
AT_ONCE = 120.0
#: Servers of a lease that it makes in that time, one after the other, even
#: when Nova takes six seconds for each.
AT_ONCE_NODES = 16

_CAN_NOT_WAIT = (
    "This order can not start at once, and it can not wait: your token was "
    "made with an application credential or a trust, and Keystone lets such "
    "a token hand no rights to the broker. Order with a password or single "
    "sign-on, or try again when the cards are free; or ask an operator to "
    "let the broker make servers in your project in its own name."
)
_TOO_MANY = (
    "Your token was made with an application credential or a trust, and "
    "Keystone lets such a token hand no rights to the broker. With the token "
    f"itself the broker makes at most {AT_ONCE_NODES} servers of one order, "
    "since it can be used for a short time only. Order with a password or "
    "single sign-on, or in several orders; or ask an operator to let the "
    "broker make servers in your project in its own name."
)
_ANOTHERS = (
    "What the broker holds to act for the lease's user is not theirs; the "
    "log of the service tells its operators more. Order again."
)
LOST = (
    "Identity lost: an order with an application credential is started with "
    "the token of the order itself, and that did not come about within "
    f"{AT_ONCE:.0f} seconds. Order again."
)


@dataclass(frozen=True, slots=True)
class Behalf:
    """:param trust: what its trust is known by until the lease has it.
    :param token: the cloud with the token of the order, where the servers
        have to be made with that.
    """

    delegation: leases.Delegation
    trust: trusts.Trust | None = None
    token: ports.UserCloud | None = None


def find(
    core: broker.Broker,
    ctx: context.RequestContext,
    lease: leases.Lease,
    user: ports.UserCloud,
    at_once: Callable[[], bool],
) -> Behalf:
    """What the lease will be started with.

    :param user: the cloud with the caller's token.
    :param at_once: whether there is place for it now.
    :raises Forbidden: the token is good for no server, or Keystone lets the
        user hand on no rights.
    :raises Unauthenticated: Keystone no longer knows the token.
    :raises CanNotWait: only this token could start it, and only now, or not
        even now.
    :raises Unavailable: Keystone does not answer.
    """
    if core.identity.can_delegate(ctx.token_info):
        try:
            return Behalf(*delegate.make(core, ctx, lease))
        except errors.CanNotDelegate:
            # Somebody whose roles Keystone learns at each sign-on alone.
            if not core.identity.is_member(lease.project_id):
                raise
        return _service(lease, user)
    # Where the broker may make servers in its own name, too, those that can
    # be the user's own are: in Nova's usage, for its policies, and with the
    # user's own key pair.
    few = lease.node_count <= AT_ONCE_NODES
    if few and at_once():
        return _caller(core, lease, user)
    if core.identity.is_member(lease.project_id):
        return _service(lease, user)
    raise errors.CanNotWait(_CAN_NOT_WAIT if few else _TOO_MANY)


def give_back(core: broker.Broker, found: Behalf) -> None:
    """The order came to nothing."""
    if found.trust is not None:
        delegate.give_back(core, found.delegation, found.trust)


def keep(tx: ports.Transaction, found: Behalf) -> None:
    """The lease, which is written in the same transaction, has it now."""
    if found.trust is not None:
        delegate.keep(tx, found.trust)


def cloud(
    core: broker.Broker, lease: leases.Lease, found: leases.Delegation
) -> ports.UserCloud:
    """:raises IdentityLost: there is nothing to act for the user with."""
    if found.mode is leases.IdentityMode.SERVICE:
        return core.identity.as_member(lease.project_id)
    return core.identity.as_user(found)


def check_whose(lease: leases.Lease, cloud: ports.UserCloud) -> None:
    """Nothing of a lease gets into another's project, whatever somebody has
    written into the row of its delegation.

    :raises IdentityLost: the token is not of the lease's user and project.
    """
    user_id, project_id = cloud.whose()
    if lease.identity_mode is leases.IdentityMode.SERVICE:
        user_id = lease.user_id
    if (user_id, project_id) != (lease.user_id, lease.project_id):
        LOG.error(
            "Lease %s of user %s in project %s would be started by user %s "
            "in project %s: somebody has written to the database",
            lease.id,
            lease.user_id,
            lease.project_id,
            user_id,
            project_id,
        )
        raise errors.IdentityLost(_ANOTHERS)


def time_left(core: broker.Broker, found: leases.Delegation) -> float:
    """Seconds for which the token of the order may still be used."""
    if found.expires_at is None:
        return 0.0
    return (found.expires_at - core.clock.now()).total_seconds()


def check_in_time(core: broker.Broker, found: leases.Delegation) -> None:
    """:raises IdentityLost: the token of the order is not used any more."""
    if time_left(core, found) <= 0:
        raise errors.IdentityLost(LOST)


def _caller(
    core: broker.Broker, lease: leases.Lease, user: ports.UserCloud
) -> Behalf:
    until = core.clock.now() + datetime.timedelta(seconds=AT_ONCE)
    return Behalf(
        leases.Delegation(
            lease_id=lease.id,
            mode=leases.IdentityMode.CALLER,
            expires_at=until,
        ),
        token=user,
    )


def _service(lease: leases.Lease, user: ports.UserCloud) -> Behalf:
    name = lease.workload.get("key_name")
    return Behalf(
        leases.Delegation(
            lease_id=lease.id,
            mode=leases.IdentityMode.SERVICE,
            public_key=user.public_key(name) if name else None,
        )
    )
