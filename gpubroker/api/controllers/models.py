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


"""``/v1/models``: the kinds of GPUs."""

from __future__ import annotations

from typing import Any, ClassVar

from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import models as schemas
from gpubroker.api.views import models as view
from gpubroker.services import catalogue


class Models(routing.Collection):
    key: ClassVar[str] = "name"

    @operation("model:list", query=schemas.QUERY, answer=schemas.LIST)
    def list_all(self, call: Call) -> dict[str, Any]:
        """List the models."""
        with call.ports.store.read() as tx:
            found = tx.models.page(call.page())
        items = [view.show(call, model) for model in found.items]
        return call.listing("models", items, found, "name")

    @operation("model:show", answer=schemas.MODEL, statuses=(404,))
    def show(self, call: Call) -> dict[str, Any]:
        """Show a model."""
        with call.ports.store.read() as tx:
            return view.show(call, tx.models.get(call.args["name"]))

    @operation(
        "model:create",
        status=201,
        body=schemas.CREATE,
        answer=schemas.MODEL,
        statuses=(409,),
    )
    def create(self, call: Call) -> dict[str, Any]:
        """Make a model."""
        return view.show(call, catalogue.MODELS.add(call.ports, call.body))

    @operation(
        "model:update",
        body=schemas.UPDATE,
        answer=schemas.MODEL,
        statuses=(404, 409, 412),
    )
    def update(self, call: Call) -> dict[str, Any]:
        """Change a model."""
        changed = catalogue.MODELS.change(
            call.ports, call.args["name"], call.changes(), call.seen
        )
        return view.show(call, changed)

    @operation("model:delete", status=204, statuses=(404, 409, 412))
    def delete(self, call: Call) -> None:
        """Delete a model that no flavor and no device is of."""
        catalogue.MODELS.delete(call.ports, call.args["name"], call.seen)
