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

"""The addresses of a lease's consoles, as long as Nova is quick to tell."""

from __future__ import annotations

from concurrent import futures

from oslo_log import log as logging

from gpubroker import errors
from gpubroker.api.call import Call
from gpubroker.domain import leases

LOG = logging.getLogger(__name__)

#: Seconds that a reader waits for all of them together, Keystone included.
PATIENCE = 3.0


def urls(call: Call, lease: leases.Lease) -> dict[str, str | None]:
    """Server -> address, with the caller's own rights.

    A Nova that does not answer, or not within ``PATIENCE``, is no reason not
    to show the lease, nor to keep a thread of the API: what it has not told
    by then is left out.
    """
    if (
        not call.ports.settings.console
        or lease.state is not leases.State.ACTIVE
        or lease.project_id != call.ctx.project_id
    ):
        return {}
    user = call.ports.identity.with_token(
        call.ctx.auth_token or "", call.ctx.token_info
    )
    asked = {
        call.site.aside.submit(user.console_url, node.server_id): (
            node.server_id
        )
        for node in lease.nodes
        if node.server_id is not None
    }
    done, late = futures.wait(asked, PATIENCE)
    for question in late:
        # One that a thread has begun ends with the timeout of the client.
        question.cancel()
    if late:
        LOG.warning("No console of %s servers in time", len(late))
    found: dict[str, str | None] = {}
    for question in done:
        try:
            found[asked[question]] = question.result()
        except errors.GpubrokerError as error:
            LOG.warning("No console of %s: %s", asked[question], error)
    return found
