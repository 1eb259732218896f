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


"""What a check finds: a fact, a mistake, or that it could not look."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gpubroker.services.checks.mistakes import Mistake


class Level(enum.IntEnum):
    """As oslo.upgradecheck and the exit status count."""

    OK = 0
    WARNING = 1
    FAILURE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """:param detail: what is wrong and how to mend it; may be a fact worth
    reading where nothing is wrong.
    :param mistake: its name in the guide; none for facts, and for what could
        not be looked at.
    """

    level: Level
    detail: str = ""
    mistake: Mistake | None = None

    def __str__(self) -> str:
        return (
            f"{self.mistake}: {self.detail}" if self.mistake else self.detail
        )


Findings = Iterator[Finding]


def fact(detail: str) -> Finding:
    """Something worth reading although nothing is wrong."""
    return Finding(Level.OK, detail)


def warning(mistake: Mistake, detail: str) -> Finding:
    return Finding(Level.WARNING, detail, mistake)


def failure(mistake: Mistake, detail: str) -> Finding:
    return Finding(Level.FAILURE, detail, mistake)


def unseen(why: str) -> Finding:
    """Nobody knows, which is never shown as success.

    :param why: follows "because".
    """
    return Finding(Level.WARNING, f"Not checked, because {why}")


#: As many names as a sentence bears.
MANY = 5


def words(names: Collection[str]) -> str:
    """Names in order; of many the first few, and how many more."""
    ordered = sorted(names)
    more = f" and {len(ordered) - MANY} more" if ordered[MANY:] else ""
    return ", ".join(ordered[:MANY]) + more
