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

"""Take away what a start made, proven gone thing by thing.

With the broker's own identity only. Shape first, so that nobody can boot
from it while the servers are looked for; then servers, their allocations,
the ticket. Done when Placement and Nova show nothing of it any more.

A server that was adopted has neither shape nor ticket. That it is the lease's
is proven by its uuid, which an operator named, and by the cards of the lease
that it holds; one that has come to run without them is left alone.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence

from gpubroker import errors
from gpubroker.domain import adoption
from gpubroker.domain import leases
from gpubroker.services import evidence
from gpubroker.services import ports
from gpubroker.services import reservation
from gpubroker.services import saga

LOG = logging.getLogger(__name__)

#: Seconds after which a DELETE under way is asked for again.
_PATIENCE = 30.0
#: Seconds between looks at what only an operator can mend.
_HELD = 30.0
#: Seconds after which the lease says what it waits for.
_LONG = 60.0
#: Seconds after which a consumer that no server stands for is taken for
#: somebody else's leftover; the mirror keeps the card out of every plan.
_STRANGE = 600.0

#: The step of an adopted server that Nova is asked to delete.
_DELETE = "delete"

_WAITS = {
    "server": "Waits until Nova has removed the server.",
    "allocation": "Waits until Placement shows the GPUs unused.",
    "ticket": "Waits until Placement lets go of the server's place.",
}


def remove(run: saga.Run) -> saga.Next:
    """Remove everything outside of all nodes; ``None`` when it is gone."""
    try:
        return _each(run)
    except errors.Misconfigured as error:
        # Never taken for gone: the broker may be blind for what is there.
        LOG.warning("Lease %s can not end: %s", run.lease.id, error.message)
        _say(run, error.message)
        return _HELD


def _each(run: saga.Run) -> saga.Next:
    """What can not be removed at present keeps nothing else.

    :raises OutsideError, Conflict: the first, when all have been tried.
    """
    waits: list[saga.Next] = []
    failed: list[errors.GpubrokerError] = []
    for node in run.nodes:
        if not _made(run, node):
            continue
        try:
            waits.append(_node(run, node))
        except (errors.Misconfigured, errors.ConcurrentUpdate):
            raise
        except (errors.OutsideError, errors.Conflict) as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return saga.soonest(waits)


def _made(run: saga.Run, node: leases.Node) -> bool:
    """Whether there may be something of the node outside."""
    return node.ticket is not None or (
        run.lease.adopted and node.server_id is not None
    )


def _node(run: saga.Run, node: leases.Node) -> saga.Next:
    steps: Sequence[
        tuple[str, Callable[[saga.Run, leases.Node], saga.Next]]
    ] = (
        ("shape", _shape),
        ("server", _servers),
        ("allocation", _allocation),
        ("ticket", _ticket),
    )
    if run.lease.adopted:
        steps = (("server", _adopted), ("allocation", _given_back))
    for name, act in steps:
        wait = run.step(node, name, functools.partial(act, run, node))
        if wait is not None:
            return wait
    return None


def _shape(run: saga.Run, node: leases.Node) -> saga.Next:
    run.core.compute.drop_shape(saga.placed(node).shape)
    reservation.drop_key(run, node)
    return None


def _servers(run: saga.Run, node: leases.Node) -> saga.Next:
    doubt = evidence.doubt(run, node, evidence.posts(run, node))
    wait = _all_there(run, node)
    if wait is not None:
        return wait
    if doubt:
        return 2.0
    return None


def _all_there(run: saga.Run, node: leases.Node) -> saga.Next:
    """Delete every server that is provably the node's."""
    found = evidence.servers(run, node).values()
    left = [s for s in found if s is not None and s.status != "DELETED"]
    return _delete(run, node, left)


def _late(run: saga.Run, node: leases.Node, name: str) -> float:
    """Something holds what is the node's although no server was left to
    delete: one of a POST that Nova took long for, of a member who booted the
    shape, or one that Nova called deleted before that failed."""
    wait = _all_there(run, node)
    return _pace(run, node, name) if wait is None else wait


def _delete(
    run: saga.Run, node: leases.Node, left: Sequence[ports.Server]
) -> saga.Next:
    for server in left:
        stuck = _age(run, node, "server") > _PATIENCE
        if server.task_state != "deleting" or stuck:
            run.core.compute.delete_server(server.id)
    return _pace(run, node, "server") if left else None


def _adopted(run: saga.Run, node: leases.Node) -> saga.Next:
    server = evidence.look(run.core, node.server_id or "")
    asked = run.found(node, _DELETE)
    if server is None or server.status == "DELETED":
        if asked is not None:
            run.done(asked)
        return None
    if asked is None and _let_go(run, node, server):
        with run.change() as now:
            # It is free to be adopted anew.
            now.node(node.id, server_id=None, server_status=None)
            now.say(
                "lease.server_left",
                "The server holds none of the lease's GPUs any more; it is "
                "left as it is.",
                server=server.id,
            )
        return None
    if asked is None:
        # Before it is: Nova confirms a resize first, and for a moment shows
        # a server that runs without the cards, and no task.
        run.begin(node, _DELETE)
    return _delete(run, node, [server])


def _let_go(run: saga.Run, node: leases.Node, server: ports.Server) -> bool:
    """Whether the server runs without any card of the lease, so that nothing
    says any more that it is the lease's to delete.

    One that is shelved, moved or deleted at present may show none, too.
    """
    if server.project_id != run.lease.project_id:
        return True
    if server.task_state or server.status not in adoption.SETTLED:
        return False
    return not _holds(run, node, server.id)


def _holds(run: saga.Run, node: leases.Node, server_id: str) -> bool:
    cards = {card.provider_id for card in run.cards(node)}
    return bool(cards & set(run.core.ledger.allocations(server_id)))


def _given_back(run: saga.Run, node: leases.Node) -> saga.Next:
    if not _holds(run, node, node.server_id or ""):
        return _cards(run, node)
    server = evidence.look(run.core, node.server_id or "")
    wait = None
    if server and server.status != "DELETED" and run.found(node, _DELETE):
        # Nova called it deleted before that failed.
        wait = _delete(run, node, [server])
    return _pace(run, node, "allocation") if wait is None else wait


def _allocation(run: saga.Run, node: leases.Node) -> saga.Next:
    ledger = run.core.ledger
    kept = node.server_id and ledger.allocations(node.server_id)
    if kept or evidence.holders(run, node):
        return _late(run, node, "allocation")
    return _cards(run, node)


def _cards(run: saga.Run, node: leases.Node) -> saga.Next:
    """Wait as long as a card may be held by something of ours."""
    for card in run.cards(node):
        if card.provider_id and _ours(run, card.provider_id):
            if _age(run, node, "allocation") < _STRANGE:
                return _pace(run, node, "allocation")
            LOG.warning(
                "Lease %s leaves a card of %s that a consumer without a "
                "server holds in Placement",
                run.lease.id,
                node.host,
            )
    return None


def _ours(run: saga.Run, provider_id: str) -> bool:
    """Whether a consumer of the card may be ours.

    Only an existing server without our ticket is provably somebody else's;
    anything unknown, such as a migration, may belong to our server.
    """
    try:
        consumers = run.core.ledger.consumers(provider_id)
    except errors.NotFound:
        return False
    return any(run.core.compute.server(c) is None for c in consumers)


def _ticket(run: saga.Run, node: leases.Node) -> saga.Next:
    try:
        reservation.drop_ticket(run, node)
    except errors.InUse:
        return _late(run, node, "ticket")
    except errors.NotFound:
        return None
    return None


def _pace(run: saga.Run, node: leases.Node, name: str) -> float:
    """Look often at first, less when it takes long, and say so then."""
    age = _age(run, node, name)
    if age > _LONG:
        _say(run, _WAITS[name])
    return min(10.0, max(0.5, age / 8))


def _say(run: saga.Run, words: str) -> None:
    # A lease that failed keeps the words that say why.
    ended = run.lease.target is leases.State.ENDED
    if ended and run.lease.reason != words:
        with run.change() as now:
            now.set(reason=words)


def _age(run: saga.Run, node: leases.Node, name: str) -> float:
    step = run.found(node, name)
    if step is None:
        return 0.0
    return (run.core.clock.now() - step.begun_at).total_seconds()
