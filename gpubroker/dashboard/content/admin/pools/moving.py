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

"""Hosts go to another pool, each by itself: one that can not stops no other.

Pure but for what it is given to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gpubroker.dashboard import errors

#: Web servers give a page about half a minute.
SECONDS = 15.0


@dataclass(slots=True)
class Outcome:
    """:ivar refused: host -> why it is where it was.
    :ivar untried: those for which there was no time.
    """

    moved: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)
    again: errors.SignInAgain | None = None

    @property
    def stay(self) -> frozenset[str]:
        return frozenset(self.refused) | frozenset(self.untried)


def move(
    names: Iterable[str],
    act: Callable[[str], object],
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Move as many as there is time for, and tell of every single one."""
    found, end = Outcome(), clock() + SECONDS
    for name in dict.fromkeys(names):
        if found.again or clock() >= end:
            found.untried.append(name)
            continue
        try:
            act(name)
            found.moved.append(name)
        except errors.SignInAgain as error:
            found.again = error
            found.untried.append(name)
        except errors.BrokerError as error:
            found.refused[name] = str(error)
    return found
