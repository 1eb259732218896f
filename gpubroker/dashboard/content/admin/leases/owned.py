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

"""Leases with the names of whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gpubroker.client.sdk import lease as lease_sdk
from gpubroker.dashboard.content.admin import people
from gpubroker.dashboard.content.admin import projects


@dataclass(frozen=True, slots=True)
class Owned:
    """:param project: name, or the id where there is none; so for users."""

    lease: lease_sdk.Lease
    project: str
    user: str

    @property
    def id(self) -> str:
        return str(self.lease.id)

    @property
    def name(self) -> str:
        return self.lease.name

    @property
    def state(self) -> str:
        return self.lease.state

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where its servers are, or are to be."""
        found = (one.get("host") for one in self.lease.servers or ())
        return tuple(dict.fromkeys(filter(None, found)))


def owned(
    request: Any,
    leases: Iterable[lease_sdk.Lease],
    projects: projects.Projects | None = None,
) -> list[Owned]:
    """:param projects: where they are known already."""
    found = list(leases)
    if not found:
        return []
    known = people.names(request) if projects is None else projects
    names = people.users(request, (lease.user_id for lease in found))
    return [
        Owned(
            lease,
            known.name(lease.project_id),
            names.get(lease.user_id) or lease.user_id,
        )
        for lease in found
    ]
