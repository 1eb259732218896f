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


"""What the broker asks of other services to start one lease, counted.

In place of the sandbox's API and worker this process does their work: the
whole WSGI application with keystonemiddleware takes the order with a
member's own token, and the plan and the saga go on with it, configured as
the sandbox's worker is. Every HTTP request that the process sends meanwhile
is counted. Loops that run whether or not there are leases are not running.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import webtest
from oslo_config import cfg

from benchmarks import requests_sent
from gpubroker import clock as system_clock
from gpubroker import clouds
from gpubroker import conf as configuration
from gpubroker.api import app
from gpubroker.conf import worker
from gpubroker.db import store
from gpubroker.domain import leases
from gpubroker.domain import pools
from gpubroker.services import broker
from gpubroker.services import drive
from gpubroker.services import plan
from gpubroker.services import reconcile
from gpubroker.worker import bells
from sandbox.config import gpubroker as sandbox_config
from sandbox.config import settings as s

PATIENCE = 180.0
_OWNER = "benchmark"


@dataclass(frozen=True, slots=True)
class Start:
    """The requests of one start, in their order.

    :param order: by the API, until it has answered the order.
    :param start: by the worker, until the lease is active.
    :param after: by the comparison of the host with Placement that a new
        lease asks for at once; it comes anyway every reconcile_interval.
    :param ended: when the last of them was over.
    """

    order: Sequence[requests_sent.Request]
    start: Sequence[requests_sent.Request]
    after: Sequence[requests_sent.Request]
    ended: float

    def lines(self) -> Iterator[str]:
        """Each kind of request, how often, and the milliseconds from it to
        the next request, its own work and all that follows included."""
        all_sent = [*self.order, *self.start, *self.after]
        ends = [request.at for request in all_sent[1:]] + [self.ended]
        seconds = {
            request: end - request.at
            for request, end in zip(all_sent, ends, strict=True)
        }
        for part in ("order", "start", "after"):
            kinds: dict[str, list[float]] = {}
            for request in getattr(self, part):
                kinds.setdefault(str(request), []).append(seconds[request])
            for kind, found in kinds.items():
                yield (
                    f"  {part:<6}{len(found):>3} x"
                    f"{1000 * sum(found):>7.0f} ms  {kind}"
                )

    @property
    def looks(self) -> int:
        """At the server until it is up: a person would look, too."""
        return sum(
            1
            for request in self.start
            if request.method == "GET" and "/servers/" in request.path
        )

    @property
    def beyond(self) -> int:
        """Without POST /servers and the looks, which a plain boot has."""
        return len(self.order) + len(self.start) - self.looks - 1


class Counting:
    """API and worker of a sandbox, in this process.

    Its own worker must not run meanwhile.
    """

    def __init__(self, settings: s.Settings) -> None:
        self._conf = configuration.load(
            [], files=[str(sandbox_config.main_file(settings))]
        )
        self._core = _core(self._conf)
        self._client = webtest.TestApp(app.build(self._conf, self._core, {}))
        self._recorder = requests_sent.Recorder(
            {
                port: name
                for name, port in dataclasses.asdict(settings.ports).items()
            }
        )

    def lease(
        self, token: str, flavor: str, workload: Mapping[str, Any]
    ) -> Start:
        """Order one, wait until it is active, end it again.

        :param token: a member's.
        """
        self._recorder.take()
        answer = self._client.post_json(
            "/v1/leases",
            {"name": "count", "flavor": flavor, "workload": dict(workload)},
            headers={"X-Auth-Token": token},
        )
        lease_id = answer.json["id"]
        order = self._recorder.take()
        self._until(lease_id, leases.State.ACTIVE)
        start = self._recorder.take()
        (host,) = (node.host for node in self._get(lease_id).nodes)
        reconcile.reconcile_host(self._core, host or "")
        ended = time.monotonic()
        after = self._recorder.take()
        self._client.delete(
            f"/v1/leases/{lease_id}", headers={"X-Auth-Token": token}
        )
        self._until(lease_id, leases.State.ENDED)
        # Lifts the fence, so that the cards are there for the next.
        reconcile.reconcile_host(self._core, host or "")
        return Start(order, start, after, ended)

    def close(self) -> None:
        self._core.store.close()  # type: ignore[attr-defined]

    def _until(self, lease_id: str, state: leases.State) -> None:
        give_up = time.monotonic() + PATIENCE
        while self._get(lease_id).state is not state:
            found = self._get(lease_id)
            if found.final or time.monotonic() > give_up:
                raise RuntimeError(
                    f"not {state}: {found.state} {found.reason}"
                )
            plan.plan_pool(self._core, pools.DEFAULT, _OWNER)
            wait = drive.drive(self._core, lease_id)
            time.sleep(0.2 if wait is None else wait)

    def _get(self, lease_id: str) -> leases.Lease:
        with self._core.store.read() as tx:
            return tx.leases.get(lease_id)


def _core(conf: cfg.ConfigOpts) -> broker.Broker:
    clock = system_clock.SystemClock()
    outside = clouds.build(conf, clock)
    return broker.Broker(
        store=store.Store(conf, clock),
        clock=clock,
        # Nobody to ring: this process does all there is to do.
        bell=bells.Bells(),
        ledger=outside.ledger,
        compute=outside.compute,
        identity=outside.identity,
        settings=worker.settings(conf),
    )
