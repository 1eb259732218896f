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

"""What a person sees while a lease starts or ends, line by line.

Only ever appended, so that it reads the same on a terminal, in a log and
through a pipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from gpubroker.client.cli import durations

if TYPE_CHECKING:
    from gpubroker.client.sdk import lease as lease_sdk


def waiting_text(lease: lease_sdk.Lease) -> str:
    """Its place in the queue and what keeps it back."""
    queue = lease.queue or {}
    place = queue.get("place")
    words = f"place {place} in pool {lease.pool}" if place else ""
    why = queue.get("waiting_for") or lease.reason
    return ". ".join(filter(None, (words, why)))


def state_text(lease: lease_sdk.Lease) -> str:
    """One line on where a lease stands."""
    words = f"{lease.name}: {lease.state}"
    if lease.state == "queued":
        why = waiting_text(lease)
    elif lease.state == "starting" and lease.target == "queued":
        why = f"undoing a start that failed: {lease.reason}"
    elif lease.state == "starting":
        why = f"on {lease.model}" if lease.model else ""
    elif lease.state == "active":
        seconds = durations.seconds_between(
            lease.requested_at, lease.started_at
        )
        why = "" if seconds is None else f"{took(seconds)} after the order"
    else:
        why = lease.reason
    return f"{words}, {why}" if why else words


def step_text(step: dict[str, Any], nodes: int) -> str:
    """One line on a step; the node is named where there are several."""
    name = step.get("step")
    if nodes > 1 and step.get("node") is not None:
        name = f"node {step['node']}: {name}"
    if step.get("state") != "done":
        return f"  {name} ..."
    seconds = durations.seconds_between(
        step.get("begun_at"), step.get("done_at")
    )
    # Less than can be shown is no news.
    known = seconds is not None and seconds >= 0.05
    return f"  {name} done" + (f", {took(seconds or 0)}" if known else "")


def took(seconds: float) -> str:
    """Seconds, with a tenth only where there is one.

    >>> took(14.23), took(3.0)
    ('14.2 s', '3 s')
    """
    return f"{round(seconds, 1):g} s"


def new_steps(
    before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The steps that were not there, or not as far, at the look before."""
    seen = {_key(step): step.get("state") for step in before}
    return [step for step in now if seen.get(_key(step)) != step.get("state")]


def _key(step: dict[str, Any]) -> tuple[Any, ...]:
    # A second attempt repeats the names; when it began tells it apart.
    return step.get("node"), step.get("step"), step.get("begun_at")


class Reporter:
    """Writes what has changed since it was called last.

    :param known: steps that are of no interest, having been taken before.
    """

    def __init__(
        self, out: TextIO, known: Iterable[dict[str, Any]] = ()
    ) -> None:
        self._out = out
        self._state = ""
        self._steps: list[dict[str, Any]] = list(known)

    def __call__(self, lease: lease_sdk.Lease) -> None:
        lines = []
        steps = list(lease.progress or ())
        line = state_text(lease)
        at_rest = lease.state in ("active", "ended", "failed")
        if line != self._state and not at_rest:
            lines.append(line)
        lines.extend(
            step_text(step, lease.nodes or 1)
            for step in new_steps(self._steps, steps)
        )
        if line != self._state and at_rest:
            # The last steps belong before the word that all is done.
            lines.append(line)
        self._state, self._steps = line, steps
        for text in lines:
            self._out.write(f"{text}\n")
        self._out.flush()
