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

import datetime
import enum
from dataclasses import dataclass

DEFAULT = "default"


class Admission(enum.StrEnum):
    """What happens to a card seen for the first time.

    ``manual``: it stays fenced ``unadmitted`` until an operator lifts that.
    ``automatic``: admitted when its model is known and its health is not BAD
    or SUSPECT.
    """

    MANUAL = "manual"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """:param projects: the only projects that may order here; none = all."""

    name: str
    description: str = ""
    admission: Admission = Admission.MANUAL
    projects: tuple[str, ...] = ()
    generation: int = 0
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


def share(pools: int, workers: int) -> int:
    """The most pools that one of several workers looks after.

    Rounded up, so that all pools have an owner, however many do their part.

    >>> share(5, 2), share(4, 2), share(1, 3)
    (3, 2, 1)
    """
    return -(-pools // max(workers, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Which planner may plan a pool, until when.

    :param epoch: grows with every change of owner; a plan is written only
        while its epoch is the current one.
    """

    pool: str
    owner: str
    epoch: int
    expires_at: datetime.datetime
