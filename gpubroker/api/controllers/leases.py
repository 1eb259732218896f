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


"""``/v1/leases``: orders and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from gpubroker import errors
from gpubroker.api import console
from gpubroker.api import routing
from gpubroker.api import validation
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import events as event_schemas
from gpubroker.api.schemas import leases as schemas
from gpubroker.api.views import events as event_view
from gpubroker.api.views import leases as view
from gpubroker.domain import leases
from gpubroker.services import adopt
from gpubroker.services import end
from gpubroker.services import extend
from gpubroker.services import order

_DETAIL = "lease:show:detail"


class Extensions(routing.Collection):
    key: ClassVar[str] = ""

    @operation(
        "lease:extend",
        body=schemas.EXTEND,
        answer=schemas.LEASE,
        statuses=(404, 409),
        row=True,
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Let a lease end later, by seconds or at a time."""
        lease = _lease(call)
        until = call.body.get("until")
        extended = call.again(
            lambda: extend.extend(
                call.ports,
                lease.id,
                by=call.body.get("by"),
                until=validation.time(until) if until else None,
                project_id=lease.project_id,
                actor=call.actor(lease.project_id),
            )
        )
        return _show(call, extended)


class Events(routing.Collection):
    key: ClassVar[str] = ""

    @operation(
        "lease:event:list",
        query=event_schemas.QUERY,
        answer=event_schemas.LIST,
        statuses=(404,),
        row=True,
    )
    def list_all(self, call: Call) -> dict[str, Any]:
        """List the history of a lease."""
        lease = _lease(call)
        with call.ports.store.read() as tx:
            found = tx.events.page(call.page(lease_id=lease.id))
        detail = call.may(_DETAIL, view.target(lease))
        return event_view.listing(call, found, detail)


class Leases(routing.Collection):
    key: ClassVar[str] = "lease_id"
    members: ClassVar[Mapping[str, routing.Node]] = {
        "extensions": Extensions(),
        "events": Events(),
    }

    @operation(
        "lease:list", query=schemas.QUERY, answer=schemas.LIST, row=True
    )
    def list_all(self, call: Call) -> dict[str, Any]:
        """List leases, those of the own project unless asked otherwise."""
        projects = _projects(call)
        page = call.page(project_id=projects, all_projects=None)
        with call.ports.store.read() as tx:
            found = tx.leases.page(page)
            detail = _details(call, found.items)
            around = view.look_around(tx, found.items, any(detail.values()))
        items = [
            view.show(call, lease, around, detail[_whose(lease)])
            for lease in found.items
        ]
        return call.listing("leases", items, found, "id")

    @operation(
        "lease:show",
        query=schemas.SHOW_QUERY,
        answer=schemas.LEASE,
        statuses=(404,),
        row=True,
    )
    def show(self, call: Call) -> dict[str, Any]:
        """Show a lease."""
        lease = _lease(call)
        if not call.query.get("console"):
            return _show(call, lease)
        return _show(call, lease, console.urls(call, lease))

    @operation(
        "lease:create",
        status=202,
        body=schemas.CREATE,
        answer=schemas.LEASE,
        statuses=(409,),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Order GPUs; the lease waits in the queue until it can start."""
        take = call.site.callers.take
        lease = order.order(call.ports, call.ctx, call.body, take)
        return _show(call, lease)

    @operation(
        "lease:update",
        body=schemas.UPDATE,
        answer=schemas.LEASE,
        statuses=(404, 409, 412),
        row=True,
    )
    def update(self, call: Call) -> dict[str, Any]:
        """Rename a lease."""
        lease = _lease(call)
        call.seen(lease.generation)
        name = call.body.get("name", lease.name)
        renamed = call.again(
            lambda: extend.rename(
                call.ports,
                lease.id,
                name,
                generation=lease.generation if call.conditional else None,
                project_id=lease.project_id,
                actor=call.actor(lease.project_id),
            )
        )
        return _show(call, renamed)

    @operation(
        "lease:delete",
        status=202,
        answer=schemas.LEASE,
        statuses=(404, 409, 412),
        row=True,
    )
    def delete(self, call: Call) -> dict[str, Any]:
        """End a lease; the row stays and says when it is over."""
        lease = _lease(call)
        call.seen(lease.generation)
        ended = call.again(
            lambda: end.end(
                call.ports,
                lease.id,
                lease.project_id,
                call.actor(lease.project_id),
            )
        )
        return _show(call, ended)


class Adoptions(routing.Collection):
    """What comes of it is a lease, to be found as any other."""

    key: ClassVar[str] = ""

    @operation(
        "lease:adopt",
        status=201,
        body=schemas.ADOPT,
        answer=schemas.LEASE,
        statuses=(404, 409),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Make a running server that the broker did not start a lease."""
        return _show(call, adopt.adopt(call.ports, call.body, call.actor()))


def _lease(call: Call) -> leases.Lease:
    """The lease asked for, if the caller may do this with it."""
    lease_id = call.args["lease_id"]
    missing = errors.NotFound(f"There is no lease {lease_id}.")
    try:
        with call.ports.store.read() as tx:
            lease = tx.leases.get(lease_id)
    except errors.NotFound:
        call.asked = True
        raise missing from None
    call.authorize_row(view.target(lease), "lease:show", missing)
    return lease


def _show(
    call: Call,
    lease: leases.Lease,
    consoles: Mapping[str, str | None] = MappingProxyType({}),
) -> dict[str, Any]:
    """:param consoles: server -> address, where somebody asked for them."""
    detail = call.may(_DETAIL, view.target(lease))
    with call.ports.store.read() as tx:
        around = view.look_around(tx, [lease], detail)
        journal = tx.steps.of_lease(lease.id)
    seen = view.Around(around.places, around.cards, journal, consoles)
    return view.show(call, lease, seen, detail)


def _details(
    call: Call, found: list[leases.Lease]
) -> dict[tuple[str, str], bool]:
    """(project, user) -> whether the caller may see hosts and devices; the
    two are all that a policy knows of a lease."""
    targets = {_whose(lease): view.target(lease) for lease in found}
    return {
        whose: call.may(_DETAIL, target) for whose, target in targets.items()
    }


def _whose(lease: leases.Lease) -> tuple[str, str]:
    return lease.project_id, lease.user_id


def _projects(call: Call) -> tuple[str, ...] | None:
    """Whose leases to list; None = everyone's."""
    own = call.ctx.project_id or ""
    named = call.query.get("project_id")
    if call.query.get("all_projects") or (named and named != [own]):
        call.authorize("lease:list:all_projects")
        return tuple(named) if named else None
    call.authorize()
    return (own,)
