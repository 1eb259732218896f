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


"""``/v1/pools``: hosts that are planned together."""

from __future__ import annotations

import collections
from typing import Any, ClassVar

from gpubroker import errors
from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import pools as schemas
from gpubroker.api.views import pools as view
from gpubroker.domain import pools
from gpubroker.services import catalogue
from gpubroker.services import offers

_DETAIL = "pool:show:detail"


class Pools(routing.Collection):
    key: ClassVar[str] = "name"

    @operation("pool:list", query=schemas.QUERY, answer=schemas.LIST)
    def list_all(self, call: Call) -> dict[str, Any]:
        """List the pools where the own project may order; operators: all."""
        detail = call.may(_DETAIL)
        fixed = {} if detail else {"project_id": (call.ctx.project_id,)}
        with call.ports.store.read() as tx:
            found = tx.pools.page(call.page(**fixed))
            hosts = collections.Counter(host.pool for host in tx.hosts.all())
            names = [pool.name for pool in found.items]
            cards = tx.devices.tally(names) if detail else {}
        items = [
            view.show(call, pool, hosts[pool.name], cards.get(pool.name))
            for pool in found.items
        ]
        return call.listing("pools", items, found, "name")

    @operation("pool:show", answer=schemas.POOL, statuses=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a pool; other projects' only to operators."""
        name = call.args["name"]
        with call.ports.store.read() as tx:
            pool = tx.pools.get(name)
        allowed = offers.allowed(pool, call.ctx.project_id or "")
        if not allowed and not call.may(_DETAIL):
            # The words for one that there is not.
            raise errors.NotFound(f"There is no pool {name}.")
        return _view(call, pool)

    @operation(
        "pool:create",
        status=201,
        body=schemas.CREATE,
        answer=schemas.POOL,
        statuses=(409,),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Make a pool."""
        return _view(call, catalogue.POOLS.add(call.ports, call.body))

    @operation(
        "pool:update",
        body=schemas.UPDATE,
        answer=schemas.POOL,
        statuses=(404, 409, 412),
    )
    def update(self, call: Call) -> dict[str, Any]:
        """Change a pool."""
        changed = catalogue.POOLS.change(
            call.ports, call.args["name"], call.changes(), call.seen
        )
        return _view(call, changed)

    @operation("pool:delete", status=204, statuses=(404, 409, 412))
    def delete(self, call: Call) -> None:
        """Delete a pool without hosts and without open leases."""
        catalogue.POOLS.delete(call.ports, call.args["name"], call.seen)


def _view(call: Call, pool: pools.Pool) -> dict[str, Any]:
    with call.ports.store.read() as tx:
        hosts = len(tx.hosts.all(pool.name))
        cards = tx.devices.tally([pool.name]) if call.may(_DETAIL) else {}
    return view.show(call, pool, hosts, cards.get(pool.name))
