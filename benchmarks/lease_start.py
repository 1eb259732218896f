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


"""What the exact cards of a lease cost beside a plain boot.

``python -m benchmarks.lease_start --state DIR`` uses a running sandbox
(``make sandbox ARGS="--keep --state DIR"``). It measures, in pairs and
alternating which comes first, from ``POST /v1/leases`` to ``active``, and
from a plain ``POST /servers`` to ACTIVE with a public flavor of the same size
and Nova's alias for any card of the model. Both are looked at ten times a
second, and each has a token that no service has checked before. Then it counts
the HTTP requests of gpubroker's API and worker for one
start (see benchmarks/outside_calls.py). Exits 1 over budget, 2 without a
sandbox.
"""

from __future__ import annotations

import argparse
import functools
import logging
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import figures
from benchmarks import outside_calls
from sandbox import cloud as clouds
from sandbox import errors
from sandbox import gpubroker
from sandbox import hardware
from sandbox import layout as layouts
from sandbox import tenants

MODEL = hardware.A100
PATIENCE = 300.0
LOOK = 0.1

CALLS = 12
SECONDS_MORE = 1.0
#: From so many GPUs on a lease has to be faster than the plain alias.
FASTER_FROM = 4


class Bench:
    """A running sandbox, used as its member and its operator."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud
        self._operator = cloud.connection("sandbox-admin")
        self._cards = gpubroker.client(self._operator)
        self._sign_in()

    def _sign_in(self) -> None:
        """With a token that no service has checked yet, as each command of
        a command line has."""
        self.member = self._cloud.connection("sandbox")
        self._leases = gpubroker.client(self.member)

    def _prepare(self) -> None:
        self.wait_free()
        self._sign_in()
        # The endpoints are looked up before the clock runs.
        self.member.compute.get_endpoint_data()
        self._leases.get_endpoint_data()

    def pairs(self, gpus: int, runs: int) -> list[tuple[float, float]]:
        """Seconds of a lease and of a plain boot."""
        wanted = self._cards.find_flavor(_flavor(gpus), ignore_missing=False)
        plain = self._operator.compute.create_flavor(
            name=f"benchmark.{gpus}",
            vcpus=wanted.vcpus,
            ram=wanted.ram_mib,
            disk=wanted.disk_gib,
            is_public=True,
        )
        try:
            self._operator.compute.create_flavor_extra_specs(
                plain, {"pci_passthrough:alias": f"{MODEL.name}:{gpus}"}
            )
            return [
                self._pair(gpus, plain.id, bool(run % 2))
                for run in range(runs)
            ]
        finally:
            self._operator.compute.delete_flavor(plain)

    def _pair(
        self, gpus: int, plain: str, plain_first: bool
    ) -> tuple[float, float]:
        if plain_first:
            boot = self._plain(plain)
            lease = self._lease(gpus)
        else:
            lease = self._lease(gpus)
            boot = self._plain(plain)
        print(f"  {gpus} GPUs: lease {lease:.2f} s, plain {boot:.2f} s")
        sys.stdout.flush()
        return lease, boot

    def _lease(self, gpus: int) -> float:
        self._prepare()
        work = self.workload
        began = time.monotonic()
        lease = self._leases.create_lease(
            name="benchmark", flavor=_flavor(gpus), workload=work
        )
        try:
            _until(
                lambda: self._leases.get_lease(lease.id).state,
                "active",
                ("failed", "ended"),
            )
            return time.monotonic() - began
        finally:
            self._leases.delete_lease(lease.id)
            _until(lambda: self._leases.get_lease(lease.id).state, "ended")

    def _plain(self, flavor: str) -> float:
        self._prepare()
        work = self.workload
        compute = self.member.compute
        began = time.monotonic()
        server = compute.create_server(
            name="benchmark",
            flavor_id=flavor,
            image_id=work["image"],
            networks=[{"uuid": work["networks"][0]["network"]}],
            key_name=work["key_name"],
        )
        try:
            _until(
                lambda: compute.get_server(server.id).status,
                "ACTIVE",
                ("ERROR",),
            )
            return time.monotonic() - began
        finally:
            compute.delete_server(server.id)
            compute.wait_for_delete(server, interval=LOOK, wait=PATIENCE)

    def wait_free(self) -> None:
        """All cards can be given out, in the broker's eyes, too."""
        _until(self._free, "free")

    def _free(self) -> str:
        cards = list(self._cards.devices(model=MODEL.name))
        busy = [card for card in cards if not card.is_schedulable]
        return f"{len(busy)} in use" if busy else "free"

    @functools.cached_property
    def workload(self) -> dict[str, Any]:
        return tenants.workload(self.member)

    def calls(self, sizes: list[int]) -> Iterator[outside_calls.Start]:
        """Of a first lease of a process, then of one of each size."""
        self.wait_free()
        self._cloud.stop(gpubroker.WORKER)
        counting = outside_calls.Counting(self._cloud.settings)
        try:
            for gpus in (sizes[0], *sizes):
                self._sign_in()
                yield counting.lease(
                    self.member.auth_token, _flavor(gpus), self.workload
                )
        finally:
            counting.close()
            self._cloud.start(gpubroker.WORKER)
            self.wait_free()


def _flavor(gpus: int) -> str:
    return f"vm.gpu.{MODEL.name.partition('-')[0]}.{gpus}"


def _until(
    look: Callable[[], str], wanted: str, never: tuple[str, ...] = ()
) -> None:
    give_up = time.monotonic() + PATIENCE
    while (found := look()) != wanted:
        if found in never or time.monotonic() > give_up:
            raise RuntimeError(f"{found} instead of {wanted}")
        time.sleep(LOOK)


def times(bench: Bench, gpus: int, runs: int) -> list[figures.Figure]:
    pairs = bench.pairs(gpus, runs)
    lease = [pair[0] for pair in pairs]
    plain = [pair[1] for pair in pairs]
    more = [pair[0] - pair[1] for pair in pairs]
    ratio = statistics.median(lease) / statistics.median(plain)
    return [
        figures.Figure(
            f"{gpus} GPUs, lease to active, median of {runs}",
            statistics.median(lease),
            "s",
            note=figures.spread(lease),
        ),
        figures.Figure(
            f"{gpus} GPUs, plain alias to ACTIVE, median of {runs}",
            statistics.median(plain),
            "s",
            note=figures.spread(plain),
        ),
        figures.Figure(
            f"{gpus} GPUs, lease over plain, median of the pairs",
            statistics.median(more),
            "s",
            budget=SECONDS_MORE,
            note=figures.spread(more),
        ),
        figures.Figure(
            f"{gpus} GPUs, lease / plain, of the medians",
            ratio,
            "",
            budget=1.0 if gpus >= FASTER_FROM else None,
        ),
    ]


def calls(bench: Bench, sizes: list[int]) -> list[figures.Figure]:
    names = ["first of a process"] + [f"{gpus} GPUs" for gpus in sizes]
    found = []
    for name, start in zip(names, bench.calls(sizes), strict=True):
        print(f"\nRequests of a start, {name}:")
        print("\n".join(start.lines()))
        found += [
            figures.Figure(
                f"outside calls beyond a plain boot, {name}",
                start.beyond,
                "",
                budget=CALLS if name != names[0] else None,
                note=f"API {len(start.order)}, worker {len(start.start)}"
                f" with POST /servers and {start.looks} looks at it",
            ),
            figures.Figure(
                f"  then, to see the host again, {name}",
                len(start.after),
                "",
            ),
        ]
    print()
    return found


def measure(
    cloud: clouds.Cloud, options: argparse.Namespace
) -> list[figures.Figure]:
    bench = Bench(cloud)
    found = []
    for gpus, runs in ((2, options.runs), (8, options.runs_of_8)):
        if runs:
            found += times(bench, gpus, runs)
    if options.calls:
        found += calls(bench, [2, 8])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lease_start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--state",
        type=pathlib.Path,
        default=layouts.DEFAULT_STATE,
        help="folder of the running sandbox (.sandbox)",
    )
    parser.add_argument(
        "--runs", type=int, default=20, help="pairs with 2 GPUs (20)"
    )
    parser.add_argument(
        "--runs-of-8", type=int, default=5, help="pairs with 8 GPUs (5)"
    )
    parser.add_argument(
        "--no-calls", dest="calls", action="store_false", help="only the time"
    )
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    cloud = clouds.Cloud(options.state)
    try:
        found = cloud.status()
        if not found or not all(one.running for one in found):
            raise errors.SandboxError(f"nothing runs in {options.state}")
        return figures.report(lambda: measure(cloud, options))
    except errors.SandboxError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
