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


"""What the orders that wait keep from those behind them.

First come, first served: no order gets a card that an earlier one, which
waits, could use. Orders that can never meet on a host, since they want other
models, other zones or hosts with other traits, do not wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gpubroker.domain import matching
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need


@dataclass(frozen=True, slots=True)
class Reach:
    """The hosts that an order can ever use, whatever is free there now.

    :param avoids: hosts that it keeps away from at present.
    """

    zone: str | None
    traits: frozenset[str]
    avoids: frozenset[str] = frozenset()

    def covers(self, host: HostView) -> bool:
        return (
            host.name not in self.avoids
            and matching.in_zone(host, self.zone)
            and self.traits <= host.traits
        )

    def contains(self, other: Reach) -> bool:
        """Whether it covers every host that the other one covers."""
        return (
            self.zone in (None, other.zone)
            and self.traits <= other.traits
            and self.avoids <= other.avoids
        )

    def meets(self, other: Reach) -> bool:
        """Whether both may cover the same host."""
        return None in (self.zone, other.zone) or self.zone == other.zone


def reach(need: Need, avoids: frozenset[str] = frozenset()) -> Reach:
    return Reach(need.zone or None, need.traits, avoids)


class Held:
    """Which cards are spoken for by orders that wait.

    Many orders of a long queue have the same reach: each is kept once, with
    the number of its orders.
    """

    def __init__(self) -> None:
        self._by_model: dict[str, dict[Reach, int]] = {}

    def hold(self, models: Sequence[str], its: Reach) -> None:
        for model in models:
            held = self._by_model.setdefault(model, {})
            held[its] = held.get(its, 0) + 1

    def keeps(self, model: str, host: HostView) -> bool:
        """Whether the host's cards of this model are for an earlier order."""
        return any(held.covers(host) for held in self._by_model.get(model, ()))

    def keeps_all(self, models: Sequence[str], its: Reach) -> bool:
        """Whether nothing within reach is left for an order."""
        return all(
            any(held.contains(its) for held in self._by_model.get(model, ()))
            for model in models
        )

    def ahead(self, models: Sequence[str], its: Reach) -> int:
        """How many earlier orders wait for cards within reach."""
        return max(
            (
                sum(
                    count
                    for held, count in self._by_model.get(model, {}).items()
                    if held.meets(its)
                )
                for model in models
            ),
            default=0,
        )
