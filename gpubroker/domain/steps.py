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

"""The journal of sagas: what was begun, and what was found done."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from dataclasses import dataclass


class Saga(enum.StrEnum):
    START = "start"
    END = "end"
    UNSHELVE = "unshelve"


class StepState(enum.StrEnum):
    BEGUN = "begun"
    DONE = "done"


class Result(enum.StrEnum):
    """What became of one try of a step; not stored."""

    DONE = "done"
    REPEATED = "repeated"
    """Something gave no answer, or was in the way: the same once more."""
    FAILED = "failed"
    """For a reason of the cloud's: the start is undone."""
    REFUSED = "refused"
    """For a reason that lies with the order: it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of one saga of one lease node (or of the lease: no node)."""

    lease_id: str
    node_id: str | None
    attempt: int
    saga: Saga
    name: str
    state: StepState
    begun_at: datetime.datetime
    done_at: datetime.datetime | None = None
    detail: str = ""


def finished(step: Step, done_at: datetime.datetime, detail: str = "") -> Step:
    return dataclasses.replace(
        step, state=StepState.DONE, done_at=done_at, detail=detail
    )
