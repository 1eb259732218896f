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

"""Run the DevStack plugin for real: ``python -m tests.devstack``.

Needs a checkout of openstack/devstack (``--devstack DIR`` or the variable
``GPUBROKER_DEVSTACK``), of which nothing is changed, root, and the Debian
packages that are named when they are missing. DevStack's own functions run
every phase of the plugin in a scratch root against the services of a small
cloud; then a GPU is ordered there. The documentation, "DevStack", says what
is real in it and what is not.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import shutil
import sys
from collections.abc import Callable

from sandbox import cloud as clouds
from sandbox import errors
from sandbox import layout as layouts
from sandbox import progress as reporting
from tests.devstack import bare
from tests.devstack import checks
from tests.devstack import scratch as scratches

VARIABLE = "GPUBROKER_DEVSTACK"
PHASES = str(scratches.HERE / "phases.sh")
#: (package of Debian, program): what DevStack installs itself, or finds.
PACKAGES = (
    ("apache2", "a2ensite"),
    ("curl", "curl"),
    ("lsb-release", "lsb_release"),
    ("mariadb-client", "mysql"),
    ("uuid-runtime", "uuidgen"),
    ("uwsgi", "uwsgi"),
    ("uwsgi-plugin-python3", "uwsgi_python3"),
)


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    trouble = _trouble(arguments.devstack)
    if trouble:
        print(f"tests.devstack: nothing was run: {trouble}", file=sys.stderr)
        return 2
    cloud = clouds.Cloud(
        arguments.state, arguments.port_base, reporting.Progress()
    )
    scratch = scratches.Scratch(
        cloud.layout.state / "scratch", arguments.devstack.absolute()
    )
    try:
        cloud.up()
        bare.make(cloud, scratches.PASSWORD)
        scratches.make(scratch, cloud)
        failed = _run(scratch, cloud)
    except errors.SandboxError as error:
        print(f"tests.devstack: {error}", file=sys.stderr)
        return 1
    finally:
        cloud.down()
    print(f"{failed} failed" if failed else "DevStack: all phases passed")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.devstack",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    named = os.environ.get(VARIABLE)
    parser.add_argument(
        "--devstack",
        type=pathlib.Path,
        default=pathlib.Path(named) if named else None,
        help=f"checkout of openstack/devstack (default: ${VARIABLE})",
    )
    parser.add_argument(
        "--state",
        type=pathlib.Path,
        default=layouts.ROOT / ".sandbox-devstack",
        help="folder of the small cloud (default: .sandbox-devstack)",
    )
    parser.add_argument("--port-base", type=int, help="its first port")
    return parser


def _trouble(devstack: pathlib.Path | None) -> str:
    """Why nothing can be run here; empty when it can."""
    if devstack is None:
        return (
            f"no checkout of openstack/devstack; name one by --devstack or "
            f"{VARIABLE}"
        )
    if not (devstack / "functions-common").is_file():
        return f"{devstack} is no checkout of openstack/devstack"
    if os.geteuid() != 0:
        return "it needs root, for a mount namespace of its own"
    if not layouts.CLOUD_ENVIRONMENT.exists():
        return "the small cloud is not installed: make sandbox ARGS=--once"
    missing = [name for name, file in PACKAGES if not shutil.which(file)]
    if missing:
        return (
            "packages are missing: apt-get install --no-install-recommends "
            + " ".join(missing)
        )
    return ""


def _run(scratch: scratches.Scratch, cloud: clouds.Cloud) -> int:
    """The phases with the checks of each; the number of failures."""
    failed = _check("checkout", checks.record, scratch)
    stacked = checks.Stacked(scratch, cloud)
    try:
        # Again, as a developer does: nothing of before may be in the way.
        for number in (1, 2):
            bare.forget_providers(cloud.connection("sandbox-admin"))
            _phase(scratch, "stack")
            for check in stacked.checks():
                failed += _check(f"stack {number}", check)
            failed += _twice(scratch, f"unstack {number}", checks.unstacked)
        failed += _twice(scratch, "clean", checks.cleaned)
    except AssertionError as error:
        print(f"FAILED {error}")
        failed += 1
    finally:
        scratch.end()
    return failed


def _twice(
    scratch: scratches.Scratch, title: str, check: Callable[..., None]
) -> int:
    """The second time finds nothing to take away, and does not mind."""
    failed = 0
    for when in (title, f"{title}, again"):
        _phase(scratch, title.split()[0])
        failed += _check(when, check, scratch)
    return failed


def _phase(scratch: scratches.Scratch, mode: str) -> None:
    print(f"----- {mode}", flush=True)
    done = scratch.run(["bash", PHASES, mode], log=f"{mode}.log")
    if done.returncode:
        text = (scratch.logs / f"{mode}.log").read_text(errors="replace")
        print("\n".join(text.splitlines()[-40:]))
        raise AssertionError(
            f"{mode} ended with {done.returncode}; see {scratch.logs}"
        )


def _check(when: str, check: Callable[..., None], *arguments: object) -> int:
    words = (check.__doc__ or check.__name__).splitlines()[0]
    try:
        check(*arguments)
    except AssertionError as error:
        print(f"FAILED {when}: {words}: {error}", flush=True)
        return 1
    print(f"ok     {when}: {words}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
