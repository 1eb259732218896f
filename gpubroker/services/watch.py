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

import logging
from collections.abc import Mapping

from gpubroker import errors
from gpubroker.domain import hosts
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import broker
from gpubroker.services import end
from gpubroker.services import evidence
from gpubroker.services import ports
from gpubroker.services import saga
from gpubroker.services import unshelve
from gpubroker.services import verify

LOG = logging.getLogger(__name__)

_UNSEEN = (
    "Nova does not show the broker its server at present; operators have to "
    "mend that. The lease goes on."
)
_HIDDEN = (
    "Nova can not tell how its server is at present: the part of the cloud "
    "that it is in does not answer. The lease goes on."
)
_DELETED = (
    "A server of it was deleted. Nova keeps it, with its GPUs, until it is "
    "restored or its time is over."
)
_BLIND = frozenset({_UNSEEN, _HIDDEN})


def look(core: broker.Broker, lease: leases.Lease) -> saga.Next:
    """Compare servers and allocations with the plan, write what changed.

    A running server is never touched here; when all servers of a lease are
    gone, provably, the lease ends.
    """
    if end.revoke(core, lease.id):
        # The servers run; nothing is done in the user's name any more.
        return None
    run = saga.Run(core, lease, steps.Saga.START)
    try:
        seen = {node.id: _server(run, node) for node in run.nodes}
    except errors.Misconfigured as error:
        LOG.warning("Lease %s is not seen: %s", lease.id, error.message)
        _tell(run, _UNSEEN)
        return None
    if all(_gone(run, node, seen) for node in run.nodes):
        end.server_gone(core, lease.id)
        return 0.0
    for node in run.nodes:
        _follow(run, node, seen[node.id])
        verify.drop_doubles(run, node)
    found = [_compare(run, node, seen[node.id]) for node in run.nodes]
    wrong = next((words for words, _wait in found if words), "")
    _tell(run, wrong or _away(run))
    return saga.soonest([wait for _words, wait in found])


def _server(run: saga.Run, node: leases.Node) -> ports.Server | None:
    if node.server_id is None:
        return None
    return evidence.look(run.core, node.server_id)


def _gone(
    run: saga.Run,
    node: leases.Node,
    seen: Mapping[str, ports.Server | None],
) -> bool:
    if node.server_id is None:
        return True
    return evidence.gone(run.core, node.server_id, seen[node.id])


def _follow(
    run: saga.Run, node: leases.Node, server: ports.Server | None
) -> None:
    """Note the server's status and addresses."""
    if server is None or server.hidden:
        # What was known stands, above all that it is shelved.
        return
    seen = (server.status, server.addresses)
    if seen != (node.server_status, node.addresses):
        with run.change() as now:
            now.node(
                node.id,
                server_status=server.status,
                addresses=server.addresses,
            )


def _compare(
    run: saga.Run, node: leases.Node, server: ports.Server | None
) -> tuple[str, saga.Next]:
    """What is wrong with the node, if anything, and when to look again."""
    if server is not None and server.hidden:
        return _HIDDEN, None
    step = unshelve.under_way(run, node)
    if step is not None:
        return unshelve.go_on(run, node, server, step)
    if server is not None and server.status == "SOFT_DELETED":
        # With all of them so the lease would be over.
        return _DELETED, None
    if server is not None and server.status == unshelve.AWAY:
        return unshelve.begin(run, node, server)
    wrong = verify.mismatch(run, node) or verify.joined(run, node)
    return wrong or "", None


def _away(run: saga.Run) -> str:
    """What keeps a host from its server, if anything is known to.

    Nothing is done about it: the server comes back with its host, and its
    cards stay its own until then.
    """
    with run.core.store.read() as tx:
        found = tx.hosts.some({n.host for n in run.nodes if n.host})
    words = {host.name: hosts.away(host) for host in found}
    for node in run.nodes:
        if told := words.get(node.host or ""):
            alone = len(run.nodes) == 1
            return told if alone else f"Node {node.index}: {told}"
    return ""


def _tell(run: saga.Run, wrong: str) -> None:
    before = run.lease.reason
    if wrong == before:
        return
    with run.change() as now:
        now.set(reason=wrong)
        if wrong in _BLIND:
            now.say("lease.unseen", wrong)
        elif hosts.says_away(wrong):
            now.say("lease.host_away", wrong)
        elif wrong:
            now.say("lease.degraded", wrong)
        elif before in _BLIND:
            now.say("lease.seen", "Nova shows its server again.")
        elif hosts.says_away(before):
            now.say("lease.host_back", "The host of the server is back.")
        else:
            now.say("lease.restored", "Holds the planned cards again.")
