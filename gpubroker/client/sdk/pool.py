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

"""A pool is a named group of hosts that are planned together."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from openstack import resource

from gpubroker.client.sdk import base


class Pool(base.Mutable):
    resources_key = "pools"
    base_path = "/pools"

    allow_create = True
    allow_fetch = True
    allow_commit = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "name", "admission", "sort_key", "sort_dir"
    )

    #: The key.
    name: str = resource.Body("name", alternate_id=True)
    description: str = resource.Body("description")
    #: ``manual``: an operator lifts the fence of a card never seen before;
    #: ``automatic``: it is given out as soon as it is there.
    admission: str = resource.Body("admission")
    #: Ids of the projects that own it; none = everybody. Operators only.
    projects: list[str] | None = resource.Body("projects", type=list)
    #: How many hosts are in it.
    hosts: int = resource.Body("hosts", type=int)
    #: How many of each availability; withheld: free ones on hosts that are
    #: down or only observed. Operators only.
    devices: dict[str, int] | None = resource.Body("devices", type=dict)


class Calls(base.Proxy):
    def pools(self, **query: Any) -> Generator[Pool, None, None]:
        """List pools; filters: name, admission."""
        return self._list(Pool, **query)

    def get_pool(self, pool: str | Pool) -> Pool:
        return self._get(Pool, pool)

    def find_pool(self, name: str, ignore_missing: bool = True) -> Pool | None:
        return self._lookup(Pool, name, ignore_missing)

    def create_pool(self, **attrs: Any) -> Pool:
        return self._create(Pool, **attrs)

    def update_pool(self, pool: str | Pool, **attrs: Any) -> Pool:
        return self._update(Pool, pool, **attrs)

    def delete_pool(
        self, pool: str | Pool, ignore_missing: bool = True
    ) -> Pool | None:
        """Delete; a conflict while hosts are in it."""
        return self._delete(Pool, pool, ignore_missing=ignore_missing)
