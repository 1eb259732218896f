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

"""What a process counts of what it does."""

from __future__ import annotations

import enum
from typing import Protocol

from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.domain import steps


class Outcome(enum.StrEnum):
    """How a turn of a loop ended."""

    DONE = "done"
    OVERTAKEN = "overtaken"
    """Somebody else was first, or what it was about is gone: usual."""
    UNANSWERED = "unanswered"
    """A service outside, or the database, gave no answer."""
    FAILED = "failed"
    """Nobody had thought of it: the log has the traceback."""


class Trouble(enum.StrEnum):
    """What became of a transaction that came to nothing."""

    UNAVAILABLE = "unavailable"
    CONFLICT = "conflict"


class Meter(Protocol):
    """Called on hot paths: it does not wait, and never raises."""

    def moved(self, before: leases.State, after: leases.Lease) -> None:
        """A move of a lease is written."""
        ...

    def started(self, pool: str, waited: float, took: float) -> None:
        """A lease is active.

        :param waited: seconds from the order to the begin of the start.
        :param took: seconds from there on.
        """
        ...

    def step(self, step: steps.Step, result: steps.Result) -> None:
        """A step of a saga was tried."""
        ...

    def fenced(self, reason: fences.Reason, *, lifted: bool = False) -> None:
        """A fence was set, or lifted, and that is written."""
        ...

    def leaked(self) -> None:
        """A card that is fenced was found open in Placement."""
        ...

    def called(
        self, service: str, method: str, status: int | None, seconds: float
    ) -> None:
        """A service of the cloud was asked.

        :param status: none: no answer came.
        """
        ...

    def troubled(self, trouble: Trouble) -> None:
        """The database did not take or give what it was asked for."""
        ...

    def repeated(self) -> None:
        """A transaction that was lost is done again."""
        ...

    def passed(self, loop: str, outcome: Outcome, seconds: float) -> None:
        """A loop has made a pass, or given a job its turn."""
        ...

    def planned(self, pool: str, seconds: float) -> None: ...

    def swept(self, count: int) -> None:
        """Leftovers of no open lease were removed."""
        ...

    def answered(
        self, route: str, method: str, status: int, seconds: float
    ) -> None:
        """The API has answered a request.

        :param route: the template of its path; empty: there is nothing at
            the path, or nobody came to look.
        """
        ...


class Uncounted:
    """Counts nothing: for commands, which are gone before anybody asks."""

    def moved(self, before: leases.State, after: leases.Lease) -> None: ...

    def started(self, pool: str, waited: float, took: float) -> None: ...

    def step(self, step: steps.Step, result: steps.Result) -> None: ...

    def fenced(
        self, reason: fences.Reason, *, lifted: bool = False
    ) -> None: ...

    def leaked(self) -> None: ...

    def called(
        self, service: str, method: str, status: int | None, seconds: float
    ) -> None: ...

    def troubled(self, trouble: Trouble) -> None: ...

    def repeated(self) -> None: ...

    def passed(self, loop: str, outcome: Outcome, seconds: float) -> None: ...

    def planned(self, pool: str, seconds: float) -> None: ...

    def swept(self, count: int) -> None: ...

    def answered(
        self, route: str, method: str, status: int, seconds: float
    ) -> None: ...
