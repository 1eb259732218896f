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


"""A flavor as the API shows it."""

from __future__ import annotations

from typing import Any

from gpubroker.api.call import Call
from gpubroker.api.views import times
from gpubroker.domain import flavors


def show(call: Call, flavor: flavors.Flavor) -> dict[str, Any]:
    return {
        "id": flavor.id,
        "name": flavor.name,
        "description": flavor.description,
        "kind": flavor.kind,
        "models": list(flavor.models),
        "gpus": flavor.gpus,
        "vcpus": flavor.vcpus,
        "ram_mib": flavor.ram_mib,
        "disk_gib": flavor.disk_gib,
        "topology": flavor.topology,
        "extra_specs": dict(flavor.extra_specs),
        "traits": list(flavor.traits),
        "generation": flavor.generation,
        **times.stamps(flavor),
        "links": call.link("flavors", flavor.id),
    }
