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

"""Pools as the list has them: with the names of who owns them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gpubroker.client.sdk import pool as pool_sdk

#: Where hosts go that are found, and orders that name no pool.
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Listed:
    """:param owners: names of the projects that own it."""

    pool: pool_sdk.Pool
    owners: tuple[str, ...]

    @property
    def name(self) -> str:
        """The key of the row."""
        return self.pool.name
