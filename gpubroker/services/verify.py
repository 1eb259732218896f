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

"""The step that proves that the server holds exactly what was planned.

Neither a 204 of Placement nor an ACTIVE server is a proof of exclusive
ownership (N 0.11): the server's allocation names the planned cards and no
other, and each of them has this server as its only consumer, within total.
"""

from __future__ import annotations

from gpubroker import errors
from gpubroker.domain import devices
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import evidence
from gpubroker.services import saga

#: Seconds for the loser of a race to vanish from Placement (N 15.9).
_SETTLE = 30.0


def look(run: saga.Run, node: leases.Node) -> saga.Next:
    """:raises CloudFailure: it holds other cards, or not alone;
    ServerGone: it was deleted since it was up."""
    wrong = mismatch(run, node) or _shared(run, node)
    if wrong is None:
        drop_doubles(run, node)
        return None
    if node.server_id is not None:
        server = evidence.look(run.core, node.server_id)
        if evidence.gone(run.core, node.server_id, server):
            raise saga.ServerGone(node)
    step = run.found(node, "verify", steps.Saga.START)
    begun = step.begun_at if step else run.core.clock.now()
    if (run.core.clock.now() - begun).total_seconds() < _SETTLE:
        return 1.0
    raise saga.CloudFailure(wrong, node, suspect=False)


def mismatch(run: saga.Run, node: leases.Node) -> str | None:
    """What is wrong with the cards in the server's allocation, if any."""
    if node.server_id is None:
        return "The server is gone."
    held = run.core.ledger.allocations(node.server_id)
    with run.core.store.read() as tx:
        classes = {model.resource_class for model in tx.models.all()}
    cards = {p for p, by_class in held.items() if classes & set(by_class)}
    planned = {card.provider_id for card in run.cards(node)}
    if cards != planned:
        return "The server does not hold the cards that were planned for it."
    return None


def _shared(run: saga.Run, node: leases.Node) -> str | None:
    """Whether anybody else holds one of the cards; the server holds all."""
    with run.core.store.read() as tx:
        root = tx.hosts.get(saga.placed(node).host).provider_id
    now = {
        provider.id: provider.generation
        for provider in (run.core.ledger.tree(root) if root else ())
    }
    for card in run.cards(node):
        if card.provider_id is None or card.resource_class is None:
            return "A planned card is not in Placement."
        if not alone_since(card, node.server_id, now.get(card.provider_id)):
            wrong = _asked(run, node, card)
            if wrong is not None:
                return wrong
    return None


def joined(run: saga.Run, node: leases.Node) -> str | None:
    """Whether somebody came to the cards of a server that runs.

    A default Placement lets a claim in although the card is held and closed
    (N 0.11). The server that has the card keeps it: Nova's compute gives a
    device away once. The mirror, which costs nothing here, says where to
    ask.
    """
    for card in run.cards(node):
        if set(card.consumers) - {node.server_id}:
            wrong = _asked(run, node, card)
            if wrong is not None:
                return wrong
    return None


def alone_since(
    card: devices.Device, server_id: str | None, generation: int | None
) -> bool:
    """Whether the server is provably the only one on a card that it holds.

    The mirror notes who held a card after it noted the generation of its
    provider, and each new allocation moves that on by one (N 2.3). So nobody
    has come since if it stands where it stood, and only one has if it moved
    by one. One list of the host's providers then answers for all its cards.
    """
    if generation is None or card.provider_generation is None:
        return False
    came = generation - card.provider_generation
    return (card.consumers, came) in (((), 1), ((server_id,), 0))


def _asked(
    run: saga.Run, node: leases.Node, card: devices.Device
) -> str | None:
    try:
        users = run.core.ledger.consumers(card.provider_id or "")
    except errors.NotFound:
        return "A planned card has left Placement."
    used = sum(u.get(card.resource_class or "", 0) for u in users.values())
    if set(users) != {node.server_id} or used > (card.total or 0):
        return "Another server holds one of the planned cards, too."
    return None


def drop_doubles(run: saga.Run, node: leases.Node) -> None:
    """Remove what a POST without an answer may have left: a second server
    that could not get the ticket. It may turn up at any time; no user is to
    see it."""
    if evidence.unanswered(evidence.posts(run, node)):
        for server_id in evidence.servers(run, node):
            if server_id != node.server_id:
                run.core.compute.delete_server(server_id)
