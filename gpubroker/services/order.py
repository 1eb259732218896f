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

"""Take an order: check it, take over the user's rights, put it in the queue.

No lease is written before everything was checked; what was made outside is
taken back when its row could not be written.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any

from gpubroker import context
from gpubroker import errors
from gpubroker.domain import events
from gpubroker.domain import fitting
from gpubroker.domain import leases
from gpubroker.domain import planning
from gpubroker.domain import pools
from gpubroker.services import behalf
from gpubroker.services import broker
from gpubroker.services import catalogue
from gpubroker.services import delegate
from gpubroker.services import names
from gpubroker.services import offers
from gpubroker.services import ports
from gpubroker.services import repeated
from gpubroker.services import snapshot

LOG = logging.getLogger(__name__)

MIN_DURATION = 60
MAX_DURATION = 31_536_000
#: Nova's own limit for user data as it is sent, in base64. The API refuses
#: more before it gets here; who orders without the API meets this.
_USER_DATA = 65535


def _nobody(lease_id: str, cloud: ports.UserCloud) -> None:
    """Whoever orders without a process that makes servers."""


def order(
    core: broker.Broker,
    ctx: context.RequestContext,
    body: Mapping[str, Any],
    take: Callable[[str, ports.UserCloud], None] = _nobody,
) -> leases.Lease:
    """Put a new lease into the queue of its pool.

    With an ``id`` that is there already it is the same order once more, whose
    first answer was lost: the lease that was made of it is the answer.

    :param take: gets a lease whose servers have to be made with the token of
        its order; nothing that can fail is left to do then.
    :raises Unauthenticated: Keystone no longer knows the token.
    :raises Invalid: the order can never work, naming the field; Forbidden:
        no rights can be delegated with this token; CanNotWait: nor can it
        start at once; QuotaExceeded: too many open leases; Unavailable: a
        service that has to be asked is down; Duplicate: ``id`` is that of
        another order.
    """
    _check_body(core, body)
    _check_scope(ctx)
    with core.store.read() as tx:
        lease = _draft(core, tx, ctx, body)
        stands = _stored(tx, lease.id)
        if stands is not None:
            return repeated.same(stands, lease)
        _check_limit(core, tx, lease)
        _check_fits(core, tx, lease)
    drafted, found = _look_and_ask(core, ctx, lease)
    lease = _insert_or_give_back(core, drafted, found)
    if not repeated.one_write(lease, drafted):
        # The same order, sent twice, was quicker.
        behalf.give_back(core, found)
        return lease
    _tell(lease)
    if found.token is not None:
        take(lease.id, found.token)
    core.bell.pool(lease.pool)
    return lease


def _look_and_ask(
    core: broker.Broker,
    ctx: context.RequestContext,
    lease: leases.Lease,
) -> tuple[leases.Lease, behalf.Behalf]:
    """Side by side: most orders are right, and each of the two takes as long
    as Keystone does."""
    user = core.identity.with_token(ctx.auth_token or "", ctx.token_info)
    with futures.ThreadPoolExecutor(1) as threads:
        looking = threads.submit(
            user.check, lease.workload, lease.ram_mib, lease.disk_gib
        )
        try:
            found = behalf.find(
                core, ctx, lease, user, lambda: _starts_now(core, lease)
            )
        except errors.Unauthenticated:
            # Nobody else takes that token either.
            raise
        except errors.GpubrokerError:
            # What is wrong with the order itself comes first.
            looking.result()
            raise
    try:
        return _checked(lease, looking), found
    except BaseException:
        behalf.give_back(core, found)
        raise


def _starts_now(core: broker.Broker, lease: leases.Lease) -> bool:
    with core.store.read() as tx:
        [pool] = core.cache.snapshots(tx, [lease.pool], core.clock.now())
    return planning.starts_now(pool, snapshot.order_of(lease))


def _checked(
    lease: leases.Lease, looking: futures.Future[ports.Checked]
) -> leases.Lease:
    """The lease with what was learnt by looking."""
    login_user = looking.result().login_user
    if login_user is None:
        return lease
    workload = {**lease.workload, "login_user": login_user}
    return dataclasses.replace(lease, workload=workload)


def _stored(tx: ports.Transaction, lease_id: str) -> leases.Lease | None:
    try:
        return tx.leases.get(lease_id)
    except errors.NotFound:
        return None


def _tell(lease: leases.Lease) -> None:
    LOG.info(
        "Lease %s: ordered as %d x %s by user %s of project %s",
        lease.id,
        lease.node_count,
        lease.flavor,
        lease.user_id,
        lease.project_id,
    )


def _draft(
    core: broker.Broker,
    tx: ports.Transaction,
    ctx: context.RequestContext,
    body: Mapping[str, Any],
) -> leases.Lease:
    flavor = catalogue.named_flavor(tx, body["flavor"])
    project_id, user_id = ctx.project_id or "", ctx.user_id or ""
    pool = _pool(tx, project_id, body.get("pool"))
    workload = dict(body["workload"])
    user_data = workload.pop("user_data", None)
    lease_id = str(body.get("id") or uuid.uuid4()).lower()
    count = body.get("nodes", 1)
    return leases.Lease(
        id=lease_id,
        name=body["name"],
        project_id=project_id,
        user_id=user_id,
        flavor=flavor.name,
        kind=flavor.kind.value,
        models=flavor.models,
        gpus=flavor.gpus,
        vcpus=flavor.vcpus,
        ram_mib=flavor.ram_mib,
        disk_gib=flavor.disk_gib,
        topology=flavor.topology.value,
        extra_specs=dict(flavor.extra_specs),
        traits=flavor.traits,
        pool=pool.name,
        node_count=count,
        workload=workload,
        user_data=user_data,
        duration=body.get("duration"),
        requested_at=core.clock.now(),
        request_id=ctx.request_id or "",
        nodes=tuple(
            leases.Node(id=str(uuid.uuid4()), lease_id=lease_id, index=index)
            for index in range(count)
        ),
    )


def _insert_or_give_back(
    core: broker.Broker,
    lease: leases.Lease,
    found: behalf.Behalf,
) -> leases.Lease:
    try:
        return _insert(core, lease, found)
    except BaseException as error:
        # Where the database does not answer, only it knows whether the lease
        # was written: if so, that needs its trust; if not, the sweep finds it.
        # Keys are missing: nothing was sent to the database.
        known = isinstance(error, delegate.GivenUp | errors.Misconfigured)
        if known or not isinstance(error, errors.Unavailable):
            behalf.give_back(core, found)
        raise


def _insert(
    core: broker.Broker,
    lease: leases.Lease,
    found: behalf.Behalf,
) -> leases.Lease:
    def work(tx: ports.Transaction) -> leases.Lease:
        stands = _stored(tx, lease.id)
        if stands is not None:
            # Of a first run, the answer to whose commit was lost; or of the
            # same order, sent twice.
            return repeated.same(stands, lease)
        behalf.keep(tx, found)
        tx.leases.wait_turn(lease.project_id)
        # Again, since other orders may have come meanwhile.
        _check_limit(core, tx, lease)
        made = tx.leases.add(
            dataclasses.replace(lease, identity_mode=found.delegation.mode),
            found.delegation,
        )
        tx.events.add(
            events.Event(
                at=lease.requested_at,
                kind="lease.ordered",
                message=f"Ordered: {lease.node_count} x {lease.flavor}.",
                lease_id=lease.id,
                request_id=lease.request_id,
                by=lease.user_id,
            )
        )
        return made

    return core.store.run(work)


# -- checks ------------------------------------------------------------------


def _check_body(core: broker.Broker, body: Mapping[str, Any]) -> None:
    """What makes no sense, whatever the cloud looks like."""
    count = body.get("nodes", 1)
    if not 1 <= count <= core.settings.max_nodes:
        raise errors.Invalid(
            f"nodes: {count} is not between 1 and {core.settings.max_nodes}",
            field="nodes",
        )
    duration = body.get("duration")
    if duration is not None and not MIN_DURATION <= duration <= MAX_DURATION:
        raise errors.Invalid(
            f"duration: {duration} is not between {MIN_DURATION} and "
            f"{MAX_DURATION} seconds",
            field="duration",
        )
    names.check_servers(body["name"], count)
    _check_user_data(body["workload"].get("user_data"))
    if count > 1:
        _check_shared(body["workload"].get("networks"))


def _check_scope(ctx: context.RequestContext) -> None:
    if not (ctx.auth_token and ctx.project_id and ctx.user_id):
        raise errors.Forbidden("A lease needs a token scoped to a project.")


def _check_user_data(text: str | None) -> None:
    if text is None:
        return
    field = "workload.user_data"
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise errors.Invalid(f"{field}: not base64", field=field) from None
    if len(text) > _USER_DATA:
        raise errors.Invalid(
            f"{field}: {len(text)} characters are more than {_USER_DATA}",
            field=field,
        )


def _check_shared(networks: Any) -> None:
    """A port or an address can serve one server only."""
    if isinstance(networks, str) or not networks:
        return
    for index, network in enumerate(networks):
        for key in ("port", "fixed_ip"):
            if key in network:
                field = f"workload.networks[{index}].{key}"
                raise errors.Invalid(
                    f"{field}: one {key} can not serve several nodes",
                    field=field,
                )


def _pool(
    tx: ports.Transaction, project_id: str, name: str | None
) -> pools.Pool:
    """The pool named, else the default one, else the only one there is."""
    known = {
        p.name: p for p in tx.pools.all() if offers.allowed(p, project_id)
    }
    if name is not None:
        if name not in known:
            raise errors.Invalid(
                f"pool: there is no pool {name}", field="pool"
            )
        return known[name]
    if pools.DEFAULT in known:
        return known[pools.DEFAULT]
    if len(known) == 1:
        return next(iter(known.values()))
    choices = ", ".join(sorted(known)) or "none is open to your project"
    raise errors.Invalid(f"pool: name one of: {choices}", field="pool")


def _check_limit(
    core: broker.Broker, tx: ports.Transaction, lease: leases.Lease
) -> None:
    limit = core.settings.max_leases_per_project
    count = tx.leases.count_open(lease.project_id)
    if count >= limit:
        raise errors.QuotaExceeded(
            f"Your project has {count} leases that are not over; it may have "
            f"{limit} ([api] max_leases_per_project)."
        )


def _check_fits(
    core: broker.Broker, tx: ports.Transaction, lease: leases.Lease
) -> None:
    [pool] = core.cache.snapshots(
        tx, [lease.pool], core.clock.now(), leases=False
    )
    why = fitting.ever_fits(pool, snapshot.order_of(lease))
    if why is not None:
        raise errors.Invalid(f"This order can never start: {why}")
