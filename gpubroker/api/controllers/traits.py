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


"""``/v1/traits``: traits of hosts and devices, with their source."""

from __future__ import annotations

from typing import Any, ClassVar

from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.operation import operation
from gpubroker.api.schemas import traits as schemas


class Traits(routing.Collection):
    key: ClassVar[str] = ""

    @operation("trait:list", query=schemas.QUERY, answer=schemas.LIST)
    def list_all(self, call: Call) -> dict[str, Any]:
        """List the traits of providers."""
        with call.ports.store.read() as tx:
            found = tx.traits.page(call.page())
        items = [
            {
                "trait": trait.trait,
                "source": trait.source,
                "host": trait.host,
                "device_id": trait.device_id,
            }
            for trait in found.items
        ]
        return call.listing("traits", items, found, "key")
