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

"""What ``db`` has to offer to forget what is over."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Protocol

from gpubroker.domain.purge import Over
from gpubroker.domain.purge import Purged
from gpubroker.domain.purge import Told


class Purge(Protocol):
    """What is asked for comes in the order of its keys, from behind
    ``after`` on: so that what stays is not asked for twice."""

    def over(
        self, before: datetime.datetime, after: int, limit: int
    ) -> list[Over]:
        """Leases that were over before, and what may be left of them."""
        ...

    def again(
        self, found: Collection[Over], before: datetime.datetime
    ) -> list[Over]:
        """The same leases as they stand now; without those that are gone."""
        ...

    def count(self, found: Collection[Over]) -> Purged:
        """What ``drop`` would delete."""
        ...

    def drop(self, found: Collection[Over]) -> Purged:
        """Delete leases with all that belongs to them."""
        ...

    def told(
        self, before: datetime.datetime, after: int, limit: int
    ) -> list[Told]:
        """Events that were told before."""
        ...

    def boots(self) -> frozenset[str]:
        """Those that the hosts' agents reported last."""
        ...

    def drop_events(self, ids: Collection[int]) -> int: ...
    def failures(self, before: datetime.datetime) -> int:
        """How many failed starts there are from before."""
        ...

    def drop_failures(self, before: datetime.datetime) -> int: ...
    def projects(
        self, before: datetime.datetime, after: str, limit: int
    ) -> list[str]:
        """Those that have no leases but such as were over before."""
        ...

    def drop_projects(self, ids: Collection[str]) -> int:
        """Those of them that have no lease at all."""
        ...
