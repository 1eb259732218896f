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

"""gpubroker-audit: what is left over, lost, doubled, or disagrees.

Reads Nova, Placement, Keystone, Neutron, Glance and the broker's own API as an
administrator, and writes nothing. Exit status: 0 nothing wrong (warnings and
notes are no errors), 1 at least one error, 2 it could not look, or not at
everything.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import openstack
from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions

from gpubroker.audit import looking
from gpubroker.audit import report
from gpubroker.audit.checks.view import Patience
from gpubroker.audit.findings import Severity
from gpubroker.audit.reading import cloud as clouds
from gpubroker.audit.reading.service import CannotLook
from gpubroker.audit.snapshot import Snapshot

GRACE = 90
PATIENCE = 600
BROKER_USER = "gpubroker"

CLEAN, FOUND, BLIND = 0, 1, 2

_FORMATS: dict[str, Callable[[looking.Audit, float], str]] = {
    "text": report.text,
    "json": report.as_json,
}


def main(argv: Sequence[str] | None = None) -> int:
    """1 is also what Python ends with when nobody catches an error, so that
    each of them is caught."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _main(arguments)
    except (
        CannotLook,
        clouds.CannotLookAt,
        exceptions.SDKException,
        # Of a plugin that is not there, or an option that it misses.
        ksa_exceptions.ClientException,
    ) as error:
        print(f"Could not look. {error}", file=sys.stderr)
    except Exception as error:
        print(_failed(error, "--debug" in arguments), file=sys.stderr)
    return BLIND


def _main(arguments: list[str]) -> int:
    config = openstack.config.OpenStackConfig()
    parser = _parser()
    config.register_argparse_arguments(parser, arguments)
    options = parser.parse_args(arguments)
    began = time.monotonic()
    region = config.get_one(argparse=options)
    audit = run(
        region,
        broker_user=options.broker_user,
        grace=options.grace,
        patience=options.patience,
        tell=lambda words: print(words, file=sys.stderr, flush=True),
    )
    said = _FORMATS[options.format](audit, time.monotonic() - began)
    print(said, flush=True)
    if any(found.severity is Severity.ERROR for found in audit.found):
        return FOUND
    return CLEAN if audit.complete else BLIND


def _failed(error: Exception, debug: bool) -> str:
    """For people, of an error that nobody thought of."""
    if debug:
        return "".join(traceback.format_exception(error))
    words = " ".join(traceback.format_exception_only(error)).strip()
    return (
        f"Could not look. gpubroker-audit failed: {words}. It may be a fault "
        "of its own; --debug tells where it happened."
    )


def run(
    region: Any,
    broker_user: str = BROKER_USER,
    grace: float = GRACE,
    patience: float = PATIENCE,
    tell: Callable[[str], None] = lambda words: None,
) -> looking.Audit:
    """
    :param region: a cloud of openstacksdk, ``CloudRegion``.
    :param grace: seconds.
    :param patience: seconds.
    :raises CannotLookAt: naming the services that could not be read.
    """
    given = Patience(
        grace=datetime.timedelta(seconds=grace),
        lease=datetime.timedelta(seconds=patience),
    )
    services = clouds.services(region)
    look = functools.partial(_look, services, broker_user, given)
    return looking.audit(look, given, time.sleep, tell)


def _look(
    services: clouds.Services, broker_user: str, patience: Patience
) -> Snapshot:
    now = datetime.datetime.now(datetime.UTC)
    return clouds.read(services, broker_user, patience.lease, now)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gpubroker-audit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        *("-f", "--format"),
        choices=sorted(_FORMATS),
        default="text",
        help="how to print what was found (default: text)",
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=GRACE,
        metavar="SECONDS",
        help="how long a thing may be on its way before it is told; 0 when "
        f"nothing is going on (default: {GRACE})",
    )
    parser.add_argument(
        "--patience",
        type=_seconds,
        default=PATIENCE,
        metavar="SECONDS",
        help="how long a lease may start, end, or wait beside free cards "
        f"(default: {PATIENCE})",
    )
    parser.add_argument(
        "--broker-user",
        default=BROKER_USER,
        metavar="NAME",
        help="name or id of the broker's user in Keystone "
        f"(default: {BROKER_USER})",
    )
    told = "when it fails, tell where in its own code"
    parser.add_argument("--debug", action="store_true", help=told)
    return parser


def _seconds(text: str) -> float:
    found = float(text)
    if not 0 <= found < float("inf"):
        raise ValueError
    return found


if __name__ == "__main__":
    sys.exit(main())
