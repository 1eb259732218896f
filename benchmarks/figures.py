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


"""What a benchmark found, beside what it may be."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """:param budget: at most this much; None for what has no budget."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    note: str = ""

    @property
    def exceeded(self) -> bool:
        return self.budget is not None and self.value > self.budget

    def __str__(self) -> str:
        text = f"{self.name:<52} {self.value:>10.2f} {self.unit}"
        if self.budget is not None:
            text += f"   (budget {self.budget:g})"
        if self.note:
            text += f"   {self.note}"
        return text + ("   EXCEEDED" if self.exceeded else "")


def machine() -> str:
    """How busy the machine is: a figure without it means little."""
    cores = len(os.sched_getaffinity(0))
    one, five, _ = os.getloadavg()
    return f"{cores} cores, load average {one:.1f} (5 min: {five:.1f})"


def report(measure: Callable[[], Sequence[Figure]]) -> int:
    """Measure and print.

    :returns: exit status: 1 when a budget is exceeded.
    """
    print(f"before: {machine()}", flush=True)
    found = measure()
    print(f"after:  {machine()}\n")
    for figure in found:
        print(figure)
    return int(any(figure.exceeded for figure in found))


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Smallest and largest, and the quartiles where there are enough."""
    text = f"min {min(values):.{digits}f}, max {max(values):.{digits}f}"
    if len(values) >= 8:
        low, _, high = statistics.quantiles(values, n=4)
        text += f", quartiles {low:.{digits}f} and {high:.{digits}f}"
    return text


def percentile(values: Sequence[float], percent: int) -> float:
    """By nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
