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

"""Waiting for a lease, patiently and never blindly."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol, TypeVar

from keystoneauth1 import exceptions as ksa_exceptions

from gpubroker.client import errors

#: An order may wait for days; asking every second would be a nuisance.
SLOWEST = 10

#: The status of an answer to somebody who asks too often.
_TOO_OFTEN = 429


class Waited(Protocol):
    """What is waited for: anything with a state and a reason."""

    id: str
    name: str
    state: str
    reason: str


W = TypeVar("W", bound=Waited)


@dataclass(kw_only=True)
class Wait:
    """How to wait; the clock and the sleep can be replaced.

    :param timeout: seconds until :class:`WaitTimeout`; ``None`` = never.
    :param interval: seconds between two looks after something has changed;
        while nothing does, the pauses grow to :data:`SLOWEST` times that.
    :param patience: seconds for which a service that does not answer, or
        answers 5xx, is waited out: a restart must not end a wait of hours.
    """

    timeout: float | None = None
    interval: float = 2.0
    patience: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def until(
        self,
        fetch: Callable[[], W],
        state: str,
        final: Collection[str],
        progress: Callable[[W], None] | None = None,
    ) -> W:
        """:raises LeaseFailed, WaitTimeout: see ``Calls.wait_for_lease``."""
        begun = self.clock()
        pause = self.interval
        shown: W | None = None
        while True:
            found = self._patiently(fetch)
            if found != shown:
                pause = self.interval
                if progress is not None:
                    progress(found)
            shown = found
            if found.state == state:
                return found
            if found.state in final:
                raise errors.LeaseFailed(_why(found), found)
            if (
                self.timeout is not None
                and self.clock() - begun + pause > self.timeout
            ):
                raise errors.WaitTimeout(
                    f"Lease {found.name} is still {found.state} after "
                    f"{self.timeout:g} seconds.",
                    found,
                )
            self.sleep(pause)
            pause = min(pause * 1.5, self.interval * SLOWEST)

    def _patiently(self, fetch: Callable[[], W]) -> W:
        begun = self.clock()
        while True:
            try:
                return fetch()
            except ksa_exceptions.ConnectFailure:
                if self.clock() - begun >= self.patience:
                    raise
            except errors.ServiceError as error:
                status = error.status_code or 0
                if status < 500 and status != _TOO_OFTEN:
                    raise
                if self.clock() - begun >= self.patience:
                    raise
            self.sleep(self.interval)


def _why(found: Waited) -> str:
    words = f"Lease {found.name} {found.state}"
    return f"{words}: {found.reason}" if found.reason else f"{words}."
