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


"""``/v1/offers``: what could start now."""

from __future__ import annotations

from typing import Any, ClassVar

from gpubroker import errors
from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import offers as schemas
from gpubroker.api.views import offers as view
from gpubroker.services import offers


class Offers(routing.Collection):
    key: ClassVar[str] = ""

    @operation("offer:list", query=schemas.QUERY, answer=schemas.LIST)
    def list_all(self, call: Call) -> dict[str, Any]:
        """Say how many orders of a flavor, or of cards, could start now."""
        detail = call.may("offer:list:detail")
        project = call.ctx.project_id or ""
        query = call.query
        if "model" in query:
            if "flavor" in query:
                raise errors.Invalid("Ask for a flavor or for a model.")
            found = offers.of_model(
                call.ports,
                project,
                query["model"],
                query.get("gpus", 1),
                detail,
            )
            return {"offers": [view.show(None, one, detail) for one in found]}
        if "gpus" in query:
            raise errors.Invalid(
                "gpus: says how many of a model; name one.", field="gpus"
            )
        pairs = offers.of_flavors(
            call.ports, project, query.get("flavor"), detail
        )
        return {
            "offers": [
                view.show(flavor.name, one, detail) for flavor, one in pairs
            ]
        }
