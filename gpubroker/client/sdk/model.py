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

"""A model is a kind of GPU."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from openstack import resource

from gpubroker.client.sdk import base


class Model(base.Mutable):
    resources_key = "models"
    base_path = "/models"

    allow_create = True
    allow_fetch = True
    allow_commit = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "family", "vendor", "sort_key", "sort_dir"
    )

    #: Such as ``a100-sxm4-80gb``; the key.
    name: str = resource.Body("name", alternate_id=True)
    #: What people say: ``a100``.
    family: str = resource.Body("family")
    #: Name of the vendor.
    vendor: str = resource.Body("vendor")
    #: PCI ids in lower-case hex without 0x; subsystems as ``10de:1463``.
    vendor_id: str = resource.Body("vendor_id")
    product_ids: list[str] = resource.Body("product_ids", type=list)
    subsystem_ids: list[str] = resource.Body("subsystem_ids", type=list)
    #: Memory of one GPU.
    memory_mib: int = resource.Body("memory_mib", type=int)
    #: Placement's resource class and Nova's alias for it.
    resource_class: str = resource.Body("resource_class")
    alias: str = resource.Body("alias")
    #: What Nova takes its cards for: type-PCI, type-PF or type-VF.
    device_type: str = resource.Body("device_type")
    #: GPUs on its baseboard, and the sets of them that belong together.
    board_slots: int = resource.Body("board_slots", type=int)
    blocks: list[list[int]] = resource.Body("blocks", type=list)
    #: Whether it came with the service.
    is_builtin: bool = resource.Body("builtin", type=bool)


class Calls(base.Proxy):
    def models(self, **query: Any) -> Generator[Model, None, None]:
        """List models; filters: family, vendor."""
        return self._list(Model, **query)

    def get_model(self, model: str | Model) -> Model:
        return self._get(Model, model)

    def find_model(
        self, name: str, ignore_missing: bool = True
    ) -> Model | None:
        return self._lookup(Model, name, ignore_missing)

    def create_model(self, **attrs: Any) -> Model:
        return self._create(Model, **attrs)

    def update_model(self, model: str | Model, **attrs: Any) -> Model:
        return self._update(Model, model, **attrs)

    def delete_model(
        self, model: str | Model, ignore_missing: bool = True
    ) -> Model | None:
        """Delete; a conflict while a flavor or a device uses it."""
        return self._delete(Model, model, ignore_missing=ignore_missing)
