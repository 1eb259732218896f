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
from gpubroker.domain import leases
from gpubroker.domain import steps
from gpubroker.services import evidence
from gpubroker.services import saga

#: Seconds for the loser of a race to vanish from Placement (N 15.9).
_SETTLE = 30.0


def look(run: saga.Run, node: leases.Node) -> saga.Next:
    """:raises CloudFailure: it holds other cards, or not alone."""
    wrong = mismatch(run, node) or _shared(run, node)
    if wrong is None:
        drop_doubles(run, node)
        return None
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
    for card in run.cards(node):
        if card.provider_id is None or card.resource_class is None:
            return "A planned card is not in Placement."
        try:
            users = run.core.ledger.consumers(card.provider_id)
        except errors.NotFound:
            return "A planned card has left Placement."
        used = sum(u.get(card.resource_class, 0) for u in users.values())
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
