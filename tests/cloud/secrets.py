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

"""No token and no secret may stand in a log, at whatever level.

``python -m tests.cloud.secrets STATE ...`` looks through logs of sandboxes,
which have to run, for all that is secret there: the logs of gpubroker's
programs, and that of Horizon, in which its panels run. The cloud tests log at
debug level and end with it. It exits with 1 when it finds any, and when it
could not have found any: so it first orders a lease with user data in each.
"""

from __future__ import annotations

import argparse
import base64
import configparser
import contextlib
import json
import pathlib
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent import futures

from gpubroker.client import sdk
from sandbox import cloud as clouds
from sandbox import layout as layouts
from sandbox import tenants

#: In the user data of some orders, as it is and in base64.
USER_DATA = "gpubroker-test-user-data-0c5e8f"

FLAVOR = "vm.gpu.l40s.1"
#: Seconds for it to start, and to end.
_PATIENCE = 120.0

_LOGS = ("gpubroker-*.log", "horizon.log")

#: Who has to have talked at debug level.
_TALK = ("gpubroker-api", "gpubroker-worker")

#: What Horizon's log has of an order in its panel.
_ORDERED = '"POST /v1/leases '

#: A Fernet token of Keystone: version byte 0x80 and a 64 bit time, in base64
#: (https://github.com/fernet/spec).
_TOKEN = re.compile(r"gAAAAA[A-Za-z0-9_-]{60,}")

#: What services answer and only the user may know: the password that Nova
#: makes for a server's administrator, and the way to its console.
_ANSWERS = {
    "a password of a server": re.compile(r"adminPass"),
    "the address of a console": re.compile(r"[?&]token(=|%3D)", re.I),
}


def known(layout: layouts.Layout) -> dict[str, str]:
    """What it is -> the secret."""
    found = {
        f"password of {name}": value
        for name, value in json.loads(layout.passwords.read_text()).items()
    }
    for path in layout.data.glob("hosts/*/agent-identity.conf"):
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(path)
        for section in parser.sections():
            for option, value in parser[section].items():
                if "secret" in option or "password" in option:
                    found[f"{option} of {path.parent.name}"] = value
    for path in (layout.data / "gpubroker-keys").iterdir():
        found[f"key {path.name} of user data"] = path.read_text().strip()
    found["user data"] = USER_DATA
    found["user data in base64"] = encoded()
    return found


def encoded() -> str:
    """The user data as an order has it."""
    return base64.b64encode(USER_DATA.encode()).decode()


def order(state: pathlib.Path) -> str:
    """Have a lease with the user data start and end.

    :returns: its id.
    """
    cloud = clouds.Cloud(state)
    # A test may have left another one.
    cloud.set_quota("demo")
    with contextlib.closing(cloud.connection("sandbox")) as member:
        gpus = sdk.add_to(member)
        work = {**tenants.workload(member), "user_data": encoded()}
        lease = gpus.create_lease(name="secrets", flavor=FLAVOR, workload=work)
        try:
            gpus.wait_for_lease(lease.id, "active", timeout=_PATIENCE)
            gpus.get_lease(lease.id, console=True)
        finally:
            gpus.delete_lease(lease.id)
        gpus.wait_for_lease(lease.id, "ended", timeout=_PATIENCE)
    return str(lease.id)


def logs(layout: layouts.Layout) -> list[pathlib.Path]:
    """Those that are looked through."""
    return sorted(p for name in _LOGS for p in layout.log.glob(name))


def leaks(layout: layouts.Layout) -> Iterator[str]:
    """One line for each line of a log that tells too much."""
    secrets = known(layout)
    for path in logs(layout):
        with path.open(errors="replace") as log:
            for number, line in enumerate(log, 1):
                for what in _in(line, secrets):
                    yield f"{path.name}:{number}: {what}"


def unheard(
    layout: layouts.Layout, lease_id: str, horizon: bool
) -> Iterator[str]:
    """What the logs lack that they must have, or they prove nothing.

    :param lease_id: of an order with the user data.
    :param horizon: somebody has ordered in Horizon, too.
    """
    for name in _TALK:
        # A worker of several may have driven it, the API is one.
        found = [p for p in logs(layout) if p.stem.startswith(name)]
        if not any(_has(path, " DEBUG ") for path in found):
            yield f"{name} did not talk at debug level"
        if not any(_has(path, lease_id) for path in found):
            yield f"{name} says nothing of lease {lease_id}"
    if horizon and not _has(layout.log_of("horizon"), " DEBUG ", _ORDERED):
        yield "horizon says nothing of an order"


def _has(path: pathlib.Path, *words: str) -> bool:
    """Whether a line of the log has all of these words."""
    if not path.exists():
        return False
    with path.open(errors="replace") as log:
        return any(all(word in line for word in words) for line in log)


def _in(line: str, secrets: dict[str, str]) -> Iterator[str]:
    if _TOKEN.search(line):
        yield "a token"
    for what, words in _ANSWERS.items():
        if words.search(line):
            yield what
    for what, secret in secrets.items():
        if secret in line:
            yield what


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cloud.secrets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--horizon", action="store_true",
        help="where it runs, somebody has ordered in it",
    )  # fmt: skip
    parser.add_argument("state", nargs="+", type=pathlib.Path)
    options = parser.parse_args(argv)
    with futures.ThreadPoolExecutor() as threads:
        ordered = list(threads.map(order, options.state))
    return max(
        _told(layouts.Layout.at(state), lease_id, options.horizon)
        for state, lease_id in zip(options.state, ordered, strict=True)
    )


def _told(layout: layouts.Layout, lease_id: str, horizon: bool) -> int:
    """Say what is found in one sandbox; 1 when that is bad."""
    horizon = horizon and layout.log_of("horizon").exists()
    found = [*leaks(layout), *unheard(layout, lease_id, horizon)]
    print(
        f"secrets: {len(found)} in {len(logs(layout))} logs of "
        f"{layout.state.name}, with lease {lease_id}"
    )
    print("".join(f"  {line}\n" for line in found[:50]), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
