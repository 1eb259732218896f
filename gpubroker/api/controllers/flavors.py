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


"""``/v1/flavors``: what people order."""

from __future__ import annotations

from typing import Any, ClassVar

from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import flavors as schemas
from gpubroker.api.views import flavors as view
from gpubroker.services import catalogue


class Flavors(routing.Collection):
    key: ClassVar[str] = "flavor"

    @operation("flavor:list", query=schemas.QUERY, answer=schemas.LIST)
    def list_all(self, call: Call) -> dict[str, Any]:
        """List the flavors."""
        with call.ports.store.read() as tx:
            found = tx.flavors.page(call.page())
        items = [view.show(call, flavor) for flavor in found.items]
        return call.listing("flavors", items, found, "id")

    @operation("flavor:show", answer=schemas.FLAVOR, statuses=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a flavor."""
        with call.ports.store.read() as tx:
            return view.show(call, tx.flavors.get(call.args["flavor"]))

    @operation(
        "flavor:create",
        status=201,
        body=schemas.CREATE,
        answer=schemas.FLAVOR,
        statuses=(409,),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Make a flavor."""
        return view.show(call, catalogue.FLAVORS.add(call.ports, call.body))

    @operation(
        "flavor:update",
        body=schemas.UPDATE,
        answer=schemas.FLAVOR,
        statuses=(404, 409, 412),
    )
    def update(self, call: Call) -> dict[str, Any]:
        """Change a flavor."""
        changed = catalogue.FLAVORS.change(
            call.ports, call.args["flavor"], call.changes(), call.seen
        )
        return view.show(call, changed)

    @operation("flavor:delete", status=204, statuses=(404, 409, 412))
    def delete(self, call: Call) -> None:
        """Delete a flavor; leases keep what they were ordered with."""
        catalogue.FLAVORS.delete(call.ports, call.args["flavor"], call.seen)
