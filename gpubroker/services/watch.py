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

"""Whether an active lease still is what was promised."""

from __future__ import annotations

from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import broker
from gpubroker.services import end
from gpubroker.services import evidence
from gpubroker.services import saga
from gpubroker.services import verify

#: Nova frees the cards of a server in these; it gets them back later.
_AWAY = frozenset({"SHELVED_OFFLOADED"})


def look(core: broker.Broker, lease: leases.Lease) -> saga.Next:
    """Compare servers and allocations with the plan, write what changed.

    A running server is never touched here; when all servers of a lease are
    gone, provably, the lease ends.
    """
    if end.revoke(core, lease.id):
        # The servers run; nothing is done in the user's name any more.
        return None
    run = saga.Run(core, lease, steps.Saga.START)
    if all([_gone(run, node) for node in run.nodes]):
        end.server_gone(core, lease.id)
        return 0.0
    for node in run.nodes:
        verify.drop_doubles(run, node)
    wrong = [_compare(run, node) for node in run.nodes]
    _tell(run, next((w for w in wrong if w), ""))
    return None


def _gone(run: saga.Run, node: leases.Node) -> bool:
    """Follow the server's status and addresses."""
    if node.server_id is None:
        return True
    server = run.core.compute.server(node.server_id)
    if evidence.gone(run.core, node.server_id, server):
        return True
    if server is None:
        return False
    seen = (server.status, server.addresses)
    if seen != (node.server_status, node.addresses):
        with run.change() as now:
            now.node(
                node.id,
                server_status=server.status,
                addresses=server.addresses,
            )
    return False


def _compare(run: saga.Run, node: leases.Node) -> str:
    if run.node(node).server_status in _AWAY:
        return "Its server is shelved and holds no cards."
    return verify.mismatch(run, node) or ""


def _tell(run: saga.Run, wrong: str) -> None:
    if wrong == run.lease.reason:
        return
    with run.change() as now:
        now.set(reason=wrong)
        if wrong:
            now.say("lease.degraded", wrong)
        else:
            now.say("lease.restored", "Holds the planned cards again.")
