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

"""The step that waits until Nova has started the server."""

from __future__ import annotations

import logging

from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import evidence
from gpubroker.services import saga

LOG = logging.getLogger(__name__)

#: Nova's words for a server that is not there yet.
_BUILDING = frozenset({"BUILD", "UNKNOWN"})
#: Seconds until a server is looked for whose id is not stored.
_UNKNOWN = 0.5
#: Seconds of building after which a compute that is down is believed.
_PATIENCE = 30.0
#: The words of Nova's NoValidHost (nova/exception.py).
_UNPLACED = "No valid host was found"
#: Those of MaxRetriesExceeded: the host failed to build it, and the ticket
#: lets it go to no other. Why it failed stays in the compute's log.
_EXHAUSTED = "Exceeded maximum number of retries"


def look(run: saga.Run, node: leases.Node) -> saga.Next:
    """Done when the server runs, or did and was stopped by its user.

    :raises CloudFailure: ERROR, or its compute is down; ServerGone.
    :raises Misconfigured: Nova hides the server from the broker.
    """
    placed = saga.placed(node)
    if node.server_id is None:
        # Not written down yet, which says nothing of the server: whoever
        # comes again looks for it first.
        return _UNKNOWN
    server = evidence.look(run.core, node.server_id)
    if evidence.gone(run.core, node.server_id, server):
        raise saga.ServerGone(node)
    if server is None:
        return 2.0
    if server.status == "ERROR":
        LOG.info(
            "Lease %s: server %s: %s", run.lease.id, server.id, server.fault
        )
        raise saga.CloudFailure(
            _words(server.fault),
            node,
            unplaced=server.fault.startswith(_UNPLACED),
        )
    if server.status in _BUILDING:
        return _wait(run, node)
    if server.host is not None and server.host != placed.host:
        raise saga.CloudFailure(
            "Nova started the server on another host than planned.",
            node,
            suspect=False,
        )
    with run.change() as now:
        now.node(
            node.id,
            server_status=server.status,
            addresses=server.addresses,
        )
    return None


def _words(fault: str) -> str:
    """Nova's own, unless they tell the user nothing."""
    if not fault:
        return "Nova could not start the server."
    if fault.startswith(_EXHAUSTED):
        return (
            "The server did not come up. If others do, its image may be "
            "the cause."
        )
    return fault


def _wait(run: saga.Run, node: leases.Node) -> saga.Next:
    step = run.found(node, "boot", steps.Saga.START)
    begun = step.begun_at if step else run.core.clock.now()
    age = (run.core.clock.now() - begun).total_seconds()
    if age > _PATIENCE:
        with run.core.store.read() as tx:
            host = tx.hosts.get(saga.placed(node).host)
        if host.compute_state is hosts.ComputeState.DOWN:
            raise saga.CloudFailure("The host went down.", node)
    # A plain boot takes about a second; a slow one needs no haste.
    return min(5.0, max(0.2, age / 8))
