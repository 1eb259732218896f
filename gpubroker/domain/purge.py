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

"""What the past is made of, and how much of it may be forgotten.

Only what is over goes, and only when nothing that holds today rests on it:
no lease of which something may be left outside, no line of a card's history
by which a report of today is judged.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Collection
from dataclasses import dataclass

from gpubroker import errors

#: Below this the last window of failed starts would be cut off.
LEAST = datetime.timedelta(days=1)

_AGE = re.compile(r"([0-9]{1,5})([dhw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """A lease that is over.

    :param key: by which the store goes through them in order.
    :param left: what may be left of it; empty = it may go.
    """

    key: int
    id: str
    left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event that is old enough.

    :param of_lease: of a lease that is there, and goes with it.
    :param last: nothing of its kind was told of the same card, or host,
        since.
    :param observations: ids of what was judged when it was told.
    """

    id: int
    of_lease: bool
    last: bool
    observations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """How many rows went, or would go; ``kept``: leases that are over, and
    stay."""

    leases: int = 0
    nodes: int = 0
    steps: int = 0
    lease_events: int = 0
    other_events: int = 0
    failures: int = 0
    projects: int = 0
    kept: tuple[Over, ...] = ()

    @property
    def words(self) -> str:
        return (
            f"{self.leases} leases with {self.nodes} nodes, {self.steps} "
            f"steps and {self.lease_events} events, {self.other_events} "
            f"events of devices and hosts, {self.failures} failed starts, "
            f"{self.projects} projects without leases"
        )

    def __add__(self, other: Purged) -> Purged:
        return Purged(
            **{
                field.name: getattr(self, field.name)
                + getattr(other, field.name)
                for field in dataclasses.fields(self)
            }
        )


def age(text: str) -> datetime.timedelta:
    """
    >>> age("90d").days
    90

    :raises Invalid: not a number with h, d or w; less than a day.
    """
    found = _AGE.fullmatch(text)
    if found is None:
        raise errors.Invalid(
            f"{text!r} is not an age such as 90d, 12w or 48h.",
            field="older_than",
        )
    wanted = datetime.timedelta(**{_UNITS[found[2]]: int(found[1])})
    if wanted < LEAST:
        raise errors.Invalid(
            f"{text} is less than a day: the broker still goes by what "
            "happened since.",
            field="older_than",
        )
    return wanted


def may_go(event: Told, boots: Collection[str]) -> bool:
    """Whether nothing rests on it any more.

    An observation is called ``<boot_id>:<number>``: as long as that boot of
    its host lasts the line stands in the kernel's log and in each report,
    and the event is what keeps it from being judged again after an operator
    lifted the fence.

    :param boots: those that the hosts' agents reported last.
    """
    if event.of_lease or event.last:
        return False
    return not any(
        seen.rpartition(":")[0] in boots for seen in event.observations
    )
