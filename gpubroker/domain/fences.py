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

"""A fence is a reason why a device must not be given out.

Fences are a set of rows (device, reason). ``reserved`` in Placement is
derived from them: total while the set is not empty, 0 otherwise.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Collection
from dataclasses import dataclass


class Reason(enum.StrEnum):
    """Who keeps the device back, and why."""

    LEASE = "lease"
    """A lease holds it; stays until Placement shows the card unused."""
    HEALTH = "health"
    """A verdict of the health policy, or the card has vanished."""
    OPERATOR = "operator"
    """An operator said so."""
    DRAIN = "drain"
    """Its host is drained; lifted when the host is resumed."""
    UNADMITTED = "unadmitted"
    """Never seen before; nobody has admitted it yet."""
    EXTERNAL = "external"
    """``reserved`` was set in Placement by someone else; never lifted by
    the broker, gone when they lift it."""


#: Reasons that the broker writes to Placement as ``reserved``. EXTERNAL is
#: only a record of what somebody else wrote.
OURS = frozenset(Reason) - {Reason.EXTERNAL}

#: Reasons that an operator may set and lift by hand.
BY_OPERATOR = frozenset({Reason.OPERATOR, Reason.UNADMITTED, Reason.HEALTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """:param by: who set it, a user id or a part of the broker."""

    device_id: str
    reason: Reason
    detail: str = ""
    by: str = ""
    lease_id: str | None = None
    created_at: datetime.datetime | None = None


def reserved(reasons: Collection[Reason], total: int) -> int:
    """What Placement's ``reserved`` has to be for a card with these fences.

    >>> reserved([Reason.HEALTH], 1)
    1
    >>> reserved([], 1)
    0
    """
    return total if OURS.intersection(reasons) else 0
