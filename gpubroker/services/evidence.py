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

"""Which servers are a lease node's own, provably.

A tag is a hint that any member of the project can forge. What proves: the
id that Nova answered to our POST, a hold on the node's ticket (only the
private flavor asks for it), or being made from that private flavor.
"""

from __future__ import annotations

import datetime

from gpubroker import errors
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import broker
from gpubroker.services import names
from gpubroker.services import ports
from gpubroker.services import saga

POST = "server"


def posts(run: saga.Run, node: leases.Node) -> list[steps.Step]:
    """The POSTs of this attempt, oldest first."""
    found: list[steps.Step] = []
    while True:
        name = post_name(len(found) + 1)
        step = run.found(node, name, steps.Saga.START)
        if step is None:
            return found
        found.append(step)


def asked_meanwhile(run: saga.Run, node: leases.Node) -> bool:
    """Whether the journal has a POST by now, whoever wrote it."""
    with run.core.store.read() as tx:
        known = tx.steps.of_lease(run.lease.id)
    return any(
        (step.node_id, step.attempt, step.saga, step.name)
        == (node.id, node.attempt, steps.Saga.START, POST)
        for step in known
    )


def post_name(number: int) -> str:
    return POST if number == 1 else f"{POST}.{number}"


def unanswered(made: list[steps.Step]) -> bool:
    return any(step.state is steps.StepState.BEGUN for step in made)


def doubt(run: saga.Run, node: leases.Node, made: list[steps.Step]) -> bool:
    """Whether the server of a POST without an answer may still turn up.

    To be asked before it is looked for: what is not found while its cell is
    down may be there all the same.
    """
    open_posts = [s for s in made if s.state is steps.StepState.BEGUN]
    if not open_posts:
        return False
    last = max(step.begun_at for step in open_posts)
    window = datetime.timedelta(seconds=run.core.settings.post_doubt_seconds)
    if run.core.clock.now() < last + window:
        return True
    return any(
        service.hidden and service.host == node.host
        for service in run.core.compute.services()
    )


def servers(
    run: saga.Run, node: leases.Node
) -> dict[str, ports.Server | None]:
    """By id those that are provably this node's, holders first, and what
    Nova shows of each: nothing of one that is gone."""
    found: dict[str, ports.Server | None] = {}
    for consumer in holders(run, node):
        server = look(run.core, consumer)
        if server and server.project_id == run.lease.project_id:
            found[consumer] = server
    if node.server_id and node.server_id not in found:
        found[node.server_id] = look(run.core, node.server_id)
    # Every POST that got its answer is covered by the stored id.
    if unanswered(posts(run, node)):
        for server in _tagged(run, node):
            found.setdefault(server.id, server)
    return found


def holders(run: saga.Run, node: leases.Node) -> list[str]:
    """Consumers of the node's ticket; with a migration under way these
    are not all servers."""
    if node.ticket is None or node.host is None:
        return []
    with run.core.store.read() as tx:
        provider = tx.hosts.get(node.host).ticket_provider_id
    if provider is None:
        # Stored before the first ticket of the host is ever put.
        return []
    try:
        return run.core.ledger.ticket_holders(node.ticket, provider)
    except errors.NotFound:
        return []


def look(core: broker.Broker, server_id: str) -> ports.Server | None:
    """The server; none only when there provably is none, in any project.

    A Nova whose policy file lost ``context_is_admin`` answers 404 for every
    server of others. It refuses such a broker the list of all projects'.

    :raises Misconfigured: Nova hides other projects' servers;
        Unavailable: it has the server and does not show it.
    """
    server = core.compute.server(server_id)
    if server is None and core.compute.listed(server_id):
        raise errors.Unavailable(f"Nova does not show server {server_id}.")
    return server


def gone(
    core: broker.Broker, server_id: str, server: ports.Server | None
) -> bool:
    """Whether somebody deleted the server.

    An empty ledger alone is no proof: that of a server which is shelved, or
    not placed yet, is always empty.

    :param server: what ``look`` found.
    """
    if server is None or server.status == "DELETED":
        return not core.ledger.allocations(server_id)
    # Nova keeps its allocation until it reclaims it; the user is done.
    return server.status == "SOFT_DELETED"


def _tagged(run: saga.Run, node: leases.Node) -> list[ports.Server]:
    return [
        server
        for server in run.core.compute.servers_tagged(names.tag(node))
        if _made_from_shape(run, node, server)
    ]


def _made_from_shape(
    run: saga.Run, node: leases.Node, server: ports.Server
) -> bool:
    maker = run.lease.user_id
    if run.lease.identity_mode is leases.IdentityMode.SERVICE:
        maker = run.core.identity.user_id()
    return (
        server.project_id == run.lease.project_id
        and server.user_id == maker
        and node.shape_id is not None
        and server.flavor == node.shape_id
    )
