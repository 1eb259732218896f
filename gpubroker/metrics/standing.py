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

"""How things stand, as Prometheus reads it.

Every worker tells of all that there is, since any of them may be the last
one: whoever adds up takes the maximum over workers first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import core
from prometheus_client import registry

from gpubroker.domain import census


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """:param census: none: none was taken yet.
    :param pools: that this worker looks after.
    :param behind: whether the database has forgotten something.
    :param compared: (pool, host) -> seconds since 1970; 0: not yet.
    :param heartbeat_timeout: seconds after which an agent counts as silent.
    """

    census: census.Census | None
    pools: tuple[str, ...]
    behind: bool
    compared: Mapping[tuple[str, str], float]
    heartbeat_timeout: float


#: Values of labels.
K = TypeVar("K", bound=tuple[str, ...])


class Collector(registry.Collector):
    """:param look: asks nobody and does not wait.
    :param rotated: when the keys of user data were last rotated, in seconds
        since 1970; none: it can not be read.
    """

    def __init__(
        self,
        look: Callable[[], Standing],
        rotated: Callable[[], float | None],
    ) -> None:
        self._look = look
        self._rotated = rotated

    def collect(self) -> Iterator[core.Metric]:
        seen = self._look()
        yield from _of_worker(seen)
        rotated = self._rotated()
        yield _gauge(
            "gpubroker_encryption_keys_rotated_timestamp_seconds",
            "When the keys of user data were last made or rotated.",
            (),
            {} if rotated is None else {(): rotated},
        )
        if seen.census is not None:
            yield from _of_census(seen.census)

    def describe(self) -> Iterator[core.Metric]:
        """Nothing to be asked for when it is registered."""
        return iter(())


def _gauge(
    name: str, words: str, labels: tuple[str, ...], samples: Mapping[K, float]
) -> core.Metric:
    made = core.GaugeMetricFamily(name, words, labels=labels)
    for values, number in samples.items():
        made.add_metric(values, number)
    return made


def _of_worker(seen: Standing) -> Iterator[core.Metric]:
    yield _gauge(
        "gpubroker_worker_pools",
        "Pools that this worker looks after.",
        (),
        {(): len(seen.pools)},
    )
    yield _gauge(
        "gpubroker_database_behind",
        "1: the database is older than what was done with it, and this "
        "worker does nothing.",
        (),
        {(): float(seen.behind)},
    )
    yield _gauge(
        "gpubroker_host_compared_timestamp_seconds",
        "When the host was last compared with Placement, told by the worker "
        "that looks after it; 0: not yet.",
        ("pool", "host"),
        seen.compared,
    )
    # So that whoever watches agents goes by the broker's own measure.
    yield _gauge(
        "gpubroker_agent_heartbeat_timeout_seconds",
        "How long an agent may say nothing before it counts as silent.",
        (),
        {(): seen.heartbeat_timeout},
    )


def _of_census(found: census.Census) -> Iterator[core.Metric]:
    yield _gauge(
        "gpubroker_census_timestamp_seconds",
        "When this worker last counted what there is.",
        (),
        {(): found.at.timestamp()},
    )
    yield _gauge(
        "gpubroker_workers",
        "Workers that are at work.",
        (),
        {(): found.workers},
    )
    yield _gauge(
        "gpubroker_pool_owned",
        "1: a worker looks after the pool; 0: nobody does.",
        ("pool",),
        {(pool.name,): float(pool.owned) for pool in found.pools},
    )
    yield from _of_cards(found)
    yield from _of_leases(found)
    yield from _of_hosts(found)


def _of_cards(found: census.Census) -> Iterator[core.Metric]:
    yield _gauge(
        "gpubroker_devices",
        "Cards, each in one state.",
        ("pool", "model", "state"),
        census.by_use(found.cards),
    )
    yield _gauge(
        "gpubroker_devices_fenced",
        "Cards that have a fence of this reason; a card may have several.",
        ("pool", "model", "reason"),
        census.by_fence(found.cards),
    )
    yield _gauge(
        "gpubroker_devices_health",
        "Cards that are there, by health.",
        ("pool", "model", "health"),
        census.by_health(found.cards),
    )


def _of_leases(found: census.Census) -> Iterator[core.Metric]:
    yield _gauge(
        "gpubroker_leases",
        "Leases that are not over.",
        ("pool", "state"),
        census.by_state(found),
    )
    queues = census.queues(found)
    yield _gauge(
        "gpubroker_queue_leases",
        "Leases that wait with a place in the queue.",
        ("pool",),
        {(p,): some.count if some else 0 for p, some in queues.items()},
    )
    yield _gauge(
        "gpubroker_queue_gpus",
        "GPUs that the leases in the queue wait for.",
        ("pool",),
        {(p,): some.gpus if some else 0 for p, some in queues.items()},
    )
    yield _gauge(
        "gpubroker_queue_oldest_order_timestamp_seconds",
        "When the lease that waits longest was ordered; none where none "
        "waits.",
        ("pool",),
        {(p,): s.oldest.timestamp() for p, s in queues.items() if s},
    )


def _of_hosts(found: census.Census) -> Iterator[core.Metric]:
    yield _gauge(
        "gpubroker_host_info",
        "1 for each host.",
        ("pool", "host", "mode", "compute_state"),
        {
            (h.pool, h.name, h.mode.value, h.compute_state.value): 1.0
            for h in found.hosts
        },
    )
    yield _gauge(
        "gpubroker_agent_heartbeat_timestamp_seconds",
        "When the agent of the host last reported; 0: it has an identity "
        "and never did.",
        ("pool", "host"),
        {
            (h.pool, h.name): h.heard_at.timestamp() if h.heard_at else 0.0
            for h in found.hosts
            if h.heard_at or h.enrolled
        },
    )
