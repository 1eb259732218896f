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


"""The tree of everything that the API answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from gpubroker import versions
from gpubroker.api import openapi
from gpubroker.api import routing
from gpubroker.api.call import Call
from gpubroker.api.controllers import devices
from gpubroker.api.controllers import flavors
from gpubroker.api.controllers import hosts
from gpubroker.api.controllers import installation
from gpubroker.api.controllers import leases
from gpubroker.api.controllers import models
from gpubroker.api.controllers import offers
from gpubroker.api.controllers import pools
from gpubroker.api.controllers import traits
from gpubroker.api.operation import operation
from gpubroker.api.schemas import discovery


def _version(call: Call) -> dict[str, Any]:
    return {
        "id": "v1",
        "status": "CURRENT",
        "min_version": versions.MIN_VERSION,
        "max_version": versions.MAX_VERSION,
        "version": versions.MAX_VERSION,
        "links": [{"rel": "self", "href": f"{call.root}/v1/"}],
    }


class Description(routing.Node):
    @operation(None, answer=discovery.DESCRIPTION)
    def show(self, call: Call) -> dict[str, Any]:
        """Describe the API in OpenAPI 3.1."""
        return openapi.document(TREE, call.root)


class V1(routing.Node):
    children: ClassVar[Mapping[str, routing.Node]] = {
        "openapi.json": Description(),
        "models": models.Models(),
        "flavors": flavors.Flavors(),
        "pools": pools.Pools(),
        "hosts": hosts.Hosts(),
        "devices": devices.Devices(),
        "traits": traits.Traits(),
        "offers": offers.Offers(),
        "leases": leases.Leases(),
        "adoptions": leases.Adoptions(),
        "installation": installation.Installation(),
    }

    @operation(None, answer=discovery.VERSION)
    def show(self, call: Call) -> dict[str, Any]:
        """Show the versions of the API."""
        return {"version": _version(call)}


class Top(routing.Node):
    children: ClassVar[Mapping[str, routing.Node]] = {"v1": V1()}

    @operation(None, answer=discovery.VERSIONS)
    def show(self, call: Call) -> dict[str, Any]:
        """List the versions of the API."""
        return {"versions": [_version(call)]}


TREE = Top()
