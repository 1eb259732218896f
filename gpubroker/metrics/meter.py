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

"""``ports.Meter`` in Prometheus' counters and histograms.

No label holds what a project, a lease or a card could be told from, nor what
a caller may choose.
"""

from __future__ import annotations

from typing import Final

import prometheus_client
from prometheus_client import registry as registries

from gpubroker.domain import fences
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import ports

#: Seconds: of requests and calls; of what takes its time; of waiting.
_QUICK: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SLOW: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
_LONG: Final = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800),
    *(3600, 7200, 14400, 28800, 86400, 259200, 604800),
)

#: A caller may send any word as a method.
_METHODS = frozenset(
    {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
)


class Meter:
    """:param registry: where its metrics are read; one meter a registry."""

    def __init__(self, registry: registries.CollectorRegistry) -> None:
        self._registry = registry
        self._of_leases()
        self._of_outside()
        self._of_loops()
        self._of_requests()

    def _counter(
        self, name: str, words: str, *labels: str
    ) -> prometheus_client.Counter:
        return prometheus_client.Counter(
            name, words, labels, registry=self._registry
        )

    def _histogram(
        self,
        name: str,
        words: str,
        buckets: tuple[float, ...],
        *labels: str,
    ) -> prometheus_client.Histogram:
        return prometheus_client.Histogram(
            name, words, labels, registry=self._registry, buckets=buckets
        )

    def _of_leases(self) -> None:
        self._moves = self._counter(
            "gpubroker_lease_moves_total",
            "Moves of leases from one state to another.",
            *("before", "after", "target"),
        )
        self._starts = self._histogram(
            "gpubroker_lease_start_duration_seconds",
            "Seconds from an order to its active lease, in all and by part.",
            _LONG,
            *("pool", "part"),
        )
        self._steps = self._counter(
            "gpubroker_saga_steps_total",
            "Tries of steps of sagas that came to something.",
            *("saga", "step", "result"),
        )
        self._step_times = self._histogram(
            "gpubroker_saga_step_duration_seconds",
            "Seconds from the begin of a step until it was done.",
            _SLOW,
            *("saga", "step"),
        )
        self._fences = self._counter(
            "gpubroker_fence_changes_total",
            "Fences that were set and lifted.",
            *("reason", "change"),
        )
        self._leaks = self._counter(
            "gpubroker_fence_leaks_total",
            "Times that a fenced card was found open in Placement.",
        )
        self._swept = self._counter(
            "gpubroker_leftovers_removed_total",
            "Flavors, key pairs and resource classes of no open lease that "
            "were removed.",
        )

    def _of_outside(self) -> None:
        self._calls = self._counter(
            "gpubroker_outside_calls_total",
            "Requests to services of the cloud; status none: no answer.",
            *("service", "method", "status"),
        )
        self._call_times = self._histogram(
            "gpubroker_outside_call_duration_seconds",
            "Seconds of requests to services of the cloud, with those for a "
            "token where one had to be got first.",
            _QUICK,
            *("service", "method"),
        )
        self._database = self._counter(
            "gpubroker_database_errors_total",
            "Transactions that came to nothing for a reason of the engine's.",
            "kind",
        )
        self._repeats = self._counter(
            "gpubroker_database_repeats_total",
            "Transactions that were lost and done again.",
        )

    def _of_loops(self) -> None:
        self._passes = self._counter(
            "gpubroker_worker_passes_total",
            "Passes of the loops of the worker, and turns of their jobs.",
            *("loop", "outcome"),
        )
        self._pass_times = self._histogram(
            "gpubroker_worker_pass_duration_seconds",
            "Seconds of the passes and turns.",
            _QUICK,
            "loop",
        )
        self._plans = self._histogram(
            "gpubroker_plan_duration_seconds",
            "Seconds of one plan of a pool, with what it reads and writes.",
            _QUICK,
            "pool",
        )

    def _of_requests(self) -> None:
        self._requests = self._counter(
            "gpubroker_api_requests_total",
            "Requests that the API has answered.",
            *("route", "method", "status"),
        )
        self._request_times = self._histogram(
            "gpubroker_api_request_duration_seconds",
            "Seconds from a request to the first word of its answer.",
            _QUICK,
            *("route", "method"),
        )

    # -- ports.Meter -------------------------------------------------------

    def moved(self, before: leases.State, after: leases.Lease) -> None:
        self._moves.labels(
            before.value, after.state.value, after.target.value
        ).inc()

    def started(self, pool: str, waited: float, took: float) -> None:
        # Several clocks had a part in it.
        waited, took = max(0.0, waited), max(0.0, took)
        self._starts.labels(pool, "queue").observe(waited)
        self._starts.labels(pool, "start").observe(took)
        self._starts.labels(pool, "total").observe(waited + took)

    def step(self, step: steps.Step, result: steps.Result) -> None:
        # The second POST of a server is called server.2.
        name = step.name.partition(".")[0]
        saga = step.saga.value
        self._steps.labels(saga, name, result.value).inc()
        if step.done_at is not None:
            took = (step.done_at - step.begun_at).total_seconds()
            self._step_times.labels(saga, name).observe(max(0.0, took))

    def fenced(self, reason: fences.Reason, *, lifted: bool = False) -> None:
        change = "lifted" if lifted else "set"
        self._fences.labels(reason.value, change).inc()

    def leaked(self) -> None:
        self._leaks.inc()

    def called(
        self, service: str, method: str, status: int | None, seconds: float
    ) -> None:
        words = "none" if status is None else str(status)
        self._calls.labels(service, method, words).inc()
        self._call_times.labels(service, method).observe(seconds)

    def troubled(self, trouble: ports.Trouble) -> None:
        self._database.labels(trouble.value).inc()

    def repeated(self) -> None:
        self._repeats.inc()

    def passed(
        self, loop: str, outcome: ports.Outcome, seconds: float
    ) -> None:
        self._passes.labels(loop, outcome.value).inc()
        self._pass_times.labels(loop).observe(seconds)

    def planned(self, pool: str, seconds: float) -> None:
        self._plans.labels(pool).observe(seconds)

    def swept(self, count: int) -> None:
        self._swept.inc(count)

    def answered(
        self, route: str, method: str, status: int, seconds: float
    ) -> None:
        verb = method if method in _METHODS else "other"
        self._requests.labels(route or "none", verb, str(status)).inc()
        self._request_times.labels(route or "none", verb).observe(seconds)
