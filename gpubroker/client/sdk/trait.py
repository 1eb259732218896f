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

"""A trait is a Placement trait, with where it came from."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from openstack import resource

from gpubroker.client.sdk import base


class Trait(base.Resource):
    resources_key = "traits"
    base_path = "/traits"
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "trait", "host", "device_id", "sort_key", "sort_dir"
    )

    #: Such as ``COMPUTE_MANAGED_PCI_DEVICE``.
    trait: str = resource.Body("trait")
    #: Who put it there.
    source: str = resource.Body("source")
    host: str = resource.Body("host")
    #: The device whose provider has it; ``None`` for the host's own.
    device_id: str | None = resource.Body("device_id")


class Calls(base.Proxy):
    def traits(self, **query: Any) -> Generator[Trait, None, None]:
        """List traits; filters: trait, host, device_id."""
        return self._list(Trait, **query)
