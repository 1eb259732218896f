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

"""A flavor is what a user orders."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from openstack import resource

from gpubroker.client.sdk import base


class Flavor(base.Mutable):
    resources_key = "flavors"
    base_path = "/flavors"

    allow_create = True
    allow_fetch = True
    allow_commit = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "name", "model", "kind", "sort_key", "sort_dir"
    )

    name: str = resource.Body("name")
    description: str = resource.Body("description")
    #: ``vm``.
    kind: str = resource.Body("kind")
    #: Acceptable models, the most preferred first.
    models: list[str] = resource.Body("models", type=list)
    #: GPUs of one server.
    gpus: int = resource.Body("gpus", type=int)
    vcpus: int = resource.Body("vcpus", type=int)
    ram_mib: int = resource.Body("ram_mib", type=int)
    disk_gib: int = resource.Body("disk_gib", type=int)
    #: ``any``, ``prefer`` or ``require`` one block of the baseboard.
    topology: str = resource.Body("topology")
    #: Properties of the Nova flavor; only ``hw:`` ones.
    extra_specs: dict[str, str] = resource.Body("extra_specs", type=dict)
    #: Placement traits that the host must have.
    traits: list[str] = resource.Body("traits", type=list)


class Calls(base.Proxy):
    def flavors(self, **query: Any) -> Generator[Flavor, None, None]:
        """List flavors; filters: name, model, kind."""
        return self._list(Flavor, **query)

    def get_flavor(self, flavor: str | Flavor) -> Flavor:
        """:param flavor: its name or id."""
        return self._get(Flavor, flavor)

    def find_flavor(
        self, name_or_id: str, ignore_missing: bool = True
    ) -> Flavor | None:
        return self._lookup(Flavor, name_or_id, ignore_missing)

    def create_flavor(self, **attrs: Any) -> Flavor:
        return self._create(Flavor, **attrs)

    def update_flavor(self, flavor: str | Flavor, **attrs: Any) -> Flavor:
        return self._update(Flavor, flavor, **attrs)

    def delete_flavor(
        self, flavor: str | Flavor, ignore_missing: bool = True
    ) -> Flavor | None:
        """Delete; leases that were ordered with it keep running."""
        return self._delete(Flavor, flavor, ignore_missing=ignore_missing)
