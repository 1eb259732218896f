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

"""The command line of the sandbox: ``python -m sandbox``."""

import argparse
import pathlib
import signal
import sys
import time
from types import FrameType

from sandbox import cloud as clouds
from sandbox import demo
from sandbox import errors
from sandbox import guide
from sandbox import layout as layouts
from sandbox import progress as reporting

#: What --with knows.
EXTRAS = ("horizon",)


class Stopped(BaseException):
    """The person, or the system, wants this to end."""


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _stop(number: int, frame: FrameType | None) -> None:
    # Once: a second Ctrl-C must not leave half of it running.
    for known in _SIGNALS:
        signal.signal(known, signal.SIG_IGN)
    raise Stopped


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    :returns: 0, or 1 with a message on stderr.
    """
    options = _parser().parse_args(arguments)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    cloud = clouds.Cloud(
        options.state,
        options.port_base,
        reporting.Progress(),
        options.faults,
        options.extras,
    )
    try:
        if options.status:
            return _status(cloud)
        if options.down:
            return _down(cloud)
        return _run(cloud, options)
    except errors.ServiceFailed as error:
        print(f"\n{error.report()}", file=sys.stderr)
    except errors.SandboxError as error:
        print(f"\nsandbox: {error}", file=sys.stderr)
    except Stopped:
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make sandbox", description="A small real cloud with GPUs."
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--once",
        action="store_true",
        help="end everything after the demonstration",
    )
    what.add_argument(
        "--keep",
        action="store_true",
        help="return after the demonstration and leave everything running",
    )
    what.add_argument(
        "--down", action="store_true", help="end everything that runs"
    )
    what.add_argument("--status", action="store_true", help="show what runs")
    _add_cloud_options(parser)
    return parser


def _add_cloud_options(parser: argparse.ArgumentParser) -> None:
    """Which cloud it is, and what is in it."""
    parser.add_argument(
        "--state",
        type=pathlib.Path,
        default=layouts.DEFAULT_STATE,
        metavar="DIR",
        help="folder of the sandbox (default: .sandbox)",
    )
    parser.add_argument(
        "--port-base",
        type=int,
        metavar="N",
        help="use ports from N on (default: free ones are found)",
    )
    parser.add_argument(
        "--faults",
        action="store_true",
        help="let the broker's calls to the cloud pass a proxy that can be "
        "told to break them (python -m sandbox.faults --help)",
    )
    parser.add_argument(
        "--with",
        dest="extras",
        action="append",
        default=[],
        choices=EXTRAS,
        help="start this, too: horizon, the dashboard with gpubroker's panels",
    )


def _run(cloud: clouds.Cloud, options: argparse.Namespace) -> int:
    progress = cloud.progress
    if cloud.attach():
        progress.line("The cloud that --keep has left running is used.")
    else:
        cloud.up()
    progress.line(f"\nReady after {progress.seconds():.0f} s.")
    try:
        demo.Demonstration(cloud).run()
    except BaseException:
        if not options.keep:
            with progress.step("Stop everything"):
                cloud.down()
        raise
    if not options.once:
        progress.line(guide.text(cloud.settings))
    if options.keep:
        cloud.detach()
        return 0
    try:
        if not options.once:
            _watch(cloud)
    except Stopped:
        pass
    finally:
        with progress.step("Stop everything"):
            cloud.down()
    return 0


def _watch(cloud: clouds.Cloud) -> None:
    """Stay until stopped; tell when a service ends by itself."""
    told: set[str] = set()
    while True:
        time.sleep(1)
        for one in cloud.status():
            if not one.running and one.name not in told:
                told.add(one.name)
                failure = cloud.processes.failure(
                    one.name, cloud.processes.end_of(one.name)
                )
                cloud.progress.line(failure.report())


def _down(cloud: clouds.Cloud) -> int:
    with cloud.progress.step("Stop everything"):
        cloud.down()
    return 0


def _status(cloud: clouds.Cloud) -> int:
    found = cloud.status()
    if not found:
        print(f"Nothing runs in {cloud.layout.state}.")
        return 0
    print(f"{'SERVICE':28} {'STATE':8} {'PID':>8} {'MEMORY':>9}  LOG")
    for one in found:
        state = "running" if one.running else "dead"
        pid = one.pid or "-"
        print(
            f"{one.name:28} {state:8} {pid:>8} "
            f"{one.memory_mib:5.0f} MiB  {one.log}"
        )
    total = sum(one.memory_mib for one in found)
    print(f"{'together':46} {total:5.0f} MiB")
    return 0 if all(one.running for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
