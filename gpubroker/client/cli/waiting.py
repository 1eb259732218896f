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

"""Waiting for a lease in front of a person."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TextIO

from gpubroker.client.cli import progress

if TYPE_CHECKING:
    from osc_lib import shell

    from gpubroker.client import sdk
    from gpubroker.client.sdk import lease as lease_sdk

#: Seconds between two looks after a change; a person watches.
INTERVAL = 0.5


def wait(
    app: shell.OpenStackShell,
    broker: sdk.Proxy,
    lease: lease_sdk.Lease,
    state: str,
) -> lease_sdk.Lease:
    """Wait and show the progress on standard error, unless ``--quiet``.

    Giving up by Ctrl-C does not end the lease; a line says so.

    :param lease: as it was before what is waited for.
    :raises openstack.exceptions.SDKException: see ``Proxy.wait_for_lease``.
    """
    quiet = app.options.verbose_level == 0
    out: TextIO = io.StringIO() if quiet else app.stderr
    try:
        return broker.wait_for_lease(
            lease.id,
            state,
            progress=progress.Reporter(out, lease.progress or ()),
            interval=INTERVAL,
        )
    except KeyboardInterrupt:
        out.write(
            f"\nNo longer waiting. The lease goes on; see: "
            f"openstack gpu lease show {lease.id}\n"
        )
        raise
