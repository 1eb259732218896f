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

"""What of the fleet is looked at, as the address of the page says. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib import parse

from gpubroker.client.sdk import pool as pool_sdk
from gpubroker.dashboard.content.admin.pools import listed
from gpubroker.dashboard.words import fleet as words
from gpubroker.dashboard.words import states


@dataclass(frozen=True, slots=True)
class Asked:
    """:ivar states: only hosts that have a card in one of them; all of them
        where it is empty.
    :ivar host: only this one.
    """

    pool: str
    states: tuple[states.State, ...] = ()
    host: str = ""

    @property
    def only(self) -> dict[str, Any]:
        """Filters of the list of hosts."""
        found: dict[str, Any] = {}
        if self.states:
            found["device_availability"] = [one.value for one in self.states]
        if self.host:
            found["name"] = self.host
        return found

    @property
    def query(self) -> str:
        """What an address has to say to ask for the same."""
        pairs = [("pool", self.pool)]
        pairs += [("state", one.value) for one in self.states]
        if self.host:
            pairs.append(("host", self.host))
        return parse.urlencode(pairs)


def of(
    pools: Sequence[pool_sdk.Pool],
    pool: str | None,
    wanted: Sequence[str],
    host: str | None,
) -> Asked | None:
    """The pool that was asked for, else that of all new hosts, else any;
    none where there is no pool."""
    names = sorted(one.name for one in pools)
    for name in (pool, listed.DEFAULT, *names):
        if name in names:
            return Asked(str(name), states.asked(wanted), host or "")
    return None


def legend(
    asked: Asked, counts: Sequence[tuple[states.State, int]]
) -> list[dict[str, Any]]:
    """What each square means, how many there are, and the way to them."""
    return [
        {
            "state": state,
            "words": words.counted(state, count),
            "query": _query(asked, (state,)) if count else "",
            "current": asked.states == (state,),
        }
        for state, count in counts
    ]


def wrong(
    asked: Asked, counts: Sequence[tuple[states.State, int]]
) -> dict[str, Any]:
    """How many have to be looked at, and the way to them."""
    every = states.asked(["wrong"])
    return {
        "count": sum(count for state, count in counts if state in every),
        "query": _query(asked, every),
        "current": asked.states == every,
    }


def _query(asked: Asked, wanted: tuple[states.State, ...]) -> str:
    return dataclasses.replace(asked, states=wanted, host="").query
