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


"""How long the sandbox takes to be ready, and the memory it needs.

``python -m benchmarks.sandbox`` makes a sandbox in a folder of its own,
starts it (tables, identities and all), ends it, starts it again from the data
of the first start, and removes it. Packages have to be installed already:
``make sandbox`` does that. Memory is the proportional set size (PSS) of all
processes of a service: shared pages are counted once. Exits 1 when a budget
is exceeded.
"""

from __future__ import annotations

import argparse
import pathlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from types import FrameType

from benchmarks import figures
from sandbox import cloud as clouds
from sandbox import demo
from sandbox import processes
from sandbox import progress as reporting

FIRST_SECONDS = 150
LATER_SECONDS = 90
MEMORY_MIB = 4096


def measure(
    state: pathlib.Path, later: int, demonstrate: bool
) -> list[figures.Figure]:
    """Start and end a sandbox; nothing is left of it.

    :param later: starts after the first.
    :param demonstrate: also measure after the main job was done once.
    """
    cloud = clouds.Cloud(state, progress=reporting.Progress.silent())
    try:
        found = [figures.Figure("first start", _up(cloud), "s", FIRST_SECONDS)]
        for _ in range(later):
            cloud.down()
            found.append(
                figures.Figure("later start", _up(cloud), "s", LATER_SECONDS)
            )
        time.sleep(5)
        at_rest = cloud.status()
        found += _memory("memory when ready", at_rest)
        if demonstrate:
            demo.Demonstration(cloud).run()
            found += _memory("memory after a lease", cloud.status())[:1]
        return found
    finally:
        cloud.down()
        shutil.rmtree(state, ignore_errors=True)


def _up(cloud: clouds.Cloud) -> float:
    began = time.monotonic()
    cloud.up()
    return time.monotonic() - began


def _memory(
    name: str, services: Sequence[processes.Status]
) -> list[figures.Figure]:
    total = sum(one.memory_mib for one in services)
    found = [figures.Figure(name, total, "MiB", MEMORY_MIB)]
    for one in sorted(services, key=lambda one: -one.memory_mib):
        found.append(figures.Figure(f"  {one.name}", one.memory_mib, "MiB"))
    return found


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sandbox",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--state",
        type=pathlib.Path,
        help="a folder that is not there yet (default: a temporary one)",
    )
    parser.add_argument(
        "--later", type=int, default=1, help="starts after the first (1)"
    )
    parser.add_argument(
        "--no-demonstration",
        dest="demonstrate",
        action="store_false",
        help="do not order and end a lease for a second look at the memory",
    )
    options = parser.parse_args()
    state = options.state
    if state is None:
        state = pathlib.Path(tempfile.mkdtemp(prefix="gpubroker-sandbox-"))
    elif state.exists():
        parser.error(f"{state} is there already; it would be removed")
    signal.signal(signal.SIGTERM, _stop)
    return figures.report(
        lambda: measure(state, options.later, options.demonstrate)
    )


if __name__ == "__main__":
    sys.exit(main())
