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
"""Let Keystone make the trust of an order, and lose none.

What a trust will be known by is written down before Keystone is asked for
it. The row goes in the transaction that gives the lease its delegation; a
row that stays tells of a trust that nobody has. No age decides whether the
order behind it is dead, but who is first: the sweep takes the row before it
deletes the trust, and an order without its row is not written.
"""

from __future__ import annotations

import logging

from gpubroker import context
from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import trusts
from gpubroker.services import broker
from gpubroker.services import ports

LOG = logging.getLogger(__name__)

#: Times that another second is tried.
_TRIES = 5


class GivenUp(errors.Unavailable):
    """Nobody waits for the order any more, and nobody but its maker knows
    of its trust."""


def make(
    core: broker.Broker, ctx: context.RequestContext, lease: leases.Lease
) -> tuple[leases.Delegation, trusts.Trust]:
    """A trust for a lease that is not written yet.

    :raises Forbidden: no rights can be delegated with this token.
    :raises Unauthenticated: Keystone no longer knows it.
    :raises Unavailable: Keystone or the database does not answer.
    """
    for _attempt in range(_TRIES):
        trust = trusts.Trust(
            user_id=lease.user_id,
            project_id=lease.project_id,
            expires_at=core.identity.expiry(),
            begun_at=core.clock.now(),
        )
        try:
            with core.store.write() as tx:
                tx.trusts.add(trust)
        except errors.Duplicate:
            continue
        try:
            made = core.identity.delegate(
                ctx.auth_token or "",
                ctx.token_info,
                lease.id,
                trust.expires_at,
            )
        except errors.Duplicate as taken:
            # Another trust, which a lease may have: not ours to delete.
            _withdraw(core, trust)
            LOG.info("%s", taken.message)
            continue
        except (errors.Forbidden, errors.Unauthenticated):
            _withdraw(core, trust)
            raise
        return made, trust
    raise errors.Unavailable(
        "Keystone makes no trust for the lease at present; try again."
    )


def keep(tx: ports.Transaction, trust: trusts.Trust) -> None:
    """The lease, which is written in the same transaction, has it now.

    :raises GivenUp: the order took so long that the sweep took its row.
    """
    if not tx.trusts.remove(trust):
        raise GivenUp("The order took too long; try again.")


def give_back(
    core: broker.Broker, delegation: leases.Delegation, trust: trusts.Trust
) -> None:
    """The order came to nothing; what fails here the sweep does."""
    try:
        core.identity.revoke(delegation)
        _withdraw(core, trust)
    # The first error is the one to tell.
    except errors.OutsideError as error:
        LOG.warning(
            "Trust %s is deleted later: %s",
            delegation.trust_id,
            error.message,
        )
    except Exception:
        LOG.exception("Trust %s could not be deleted", delegation.trust_id)


def leave(
    core: broker.Broker,
    tx: ports.Transaction,
    lease: leases.Lease,
    delegation: leases.Delegation,
) -> None:
    """No lease has it any more, and it could not be deleted: the sweep tries
    again, until its maker has the rights or its time is over."""
    if delegation.expires_at is None:
        return
    now = core.clock.now()
    trust = trusts.Trust(
        user_id=lease.user_id,
        project_id=lease.project_id,
        expires_at=delegation.expires_at,
        begun_at=now,
        tries=1,
        tried_at=now,
    )
    if trust.key not in {known.key for known in tx.trusts.all()}:
        tx.trusts.add(trust)


def sweep(core: broker.Broker) -> int:
    """Delete the trusts that no lease got.

    :returns: how many are proven gone.
    :raises Unavailable: Keystone or the database does not answer.
    """
    now = core.clock.now()
    with core.store.read() as tx:
        found = [
            trust
            for trust in tx.trusts.all()
            if trust.due(now, core.settings.order_seconds)
        ]
    if not found:
        return 0
    standing = core.identity.trusts()
    with core.store.read() as tx:
        held = tx.leases.trust_ids()
    return sum(
        _delete(core, trust, standing.get(trust.key), held) for trust in found
    )


def _delete(
    core: broker.Broker,
    trust: trusts.Trust,
    trust_id: str | None,
    held: set[str],
) -> bool:
    now = core.clock.now()
    if trust_id is None or trust.expires_at <= now:
        _withdraw(core, trust)
        return True
    if trust_id in held:
        # A lease has it: it was there when Keystone was asked for the one
        # of this row, which it then did not make.
        _withdraw(core, trust)
        return False
    if trust.tries == 1:
        LOG.warning(
            "Trust %s, which no lease needs, can not be deleted: user %s has "
            "no rights in project %s at present. It ends on %s by itself.",
            trust_id,
            trust.user_id,
            trust.project_id,
            trust.expires_at,
        )
    with core.store.write() as tx:
        if not tx.trusts.tried(trust, now):
            return False
    core.identity.revoke(
        leases.Delegation(
            lease_id="",
            mode=leases.IdentityMode.TRUST,
            trust_id=trust_id,
            expires_at=trust.expires_at,
        )
    )
    return False


def _withdraw(core: broker.Broker, trust: trusts.Trust) -> None:
    with core.store.write() as tx:
        tx.trusts.remove(trust)
