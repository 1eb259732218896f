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

"""Whether an order fits into a pool, now or once more of it is free."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence

from gpubroker.domain import matching
from gpubroker.domain import reasons
from gpubroker.domain.matching import Blocks
from gpubroker.domain.matching import HostState
from gpubroker.domain.matching import HostView
from gpubroker.domain.matching import Need
from gpubroker.domain.shapes import Question
from gpubroker.domain.shapes import Shape
from gpubroker.domain.snapshots import Order
from gpubroker.domain.snapshots import Snapshot


class Stage(enum.Enum):
    """Which of its own futures a host is asked about."""

    NOW = enum.auto()
    EMPTIED = enum.auto()
    IDEAL = enum.auto()


_AS = {
    Stage.NOW: lambda host: host,
    Stage.EMPTIED: HostView.emptied,
    Stage.IDEAL: HostView.ideal,
}


def fits(
    hosts: Iterable[tuple[HostView, Shape]],
    order: Order,
    blocks_of: Mapping[str, Blocks],
    stage: Stage,
) -> bool:
    """Whether there is a place for all nodes of an order, on one model.

    A node takes nothing from another host, so that each is filled by itself.
    """
    shapes = [shape for _host, shape in hosts]
    for model in order.models:
        blocks = frozen(blocks_of.get(model, ()))
        asked = Question(stage, model, blocks, order.need)
        left = order.nodes
        for shape in shapes:
            left -= shape.answer(
                asked,
                lambda host: _nodes(host, stage, model, blocks, order.need),
            )
            if left <= 0:
                return True
    return False


def _nodes(
    host: HostView, stage: Stage, model: str, blocks: Blocks, need: Need
) -> int:
    return fill(_AS[stage](host), [model], [blocks], need)[0]


def fill(
    host: HostView,
    models: Sequence[str],
    blocks: Sequence[Blocks],
    need: Need,
) -> tuple[int, HostView]:
    """Give out one node after the other until none fits.

    :param blocks: of each model.
    :returns: how many, and the host as it is then.
    """
    found = 0
    for model, its in zip(models, blocks, strict=True):
        while choice := matching.choose(host, model, its, need):
            host = matching.take(host, choice, need)
            found += 1
    return found, host


def frozen(blocks: Blocks) -> tuple[tuple[int, ...], ...]:
    """As a question to a shape needs them."""
    return tuple(map(tuple, blocks))


def ever_fits(snapshot: Snapshot, order: Order) -> str | None:
    """``None``, or the sentence that says why it never can start here."""
    if fits(snapshot.shaped(), order, snapshot.blocks, Stage.IDEAL):
        return None
    ideal = [host.ideal() for host in snapshot.hosts]
    models = " or ".join(order.models)
    cards = [
        (host, sum(1 for c in host.cards if c.model in order.models))
        for host in ideal
        if host.state is HostState.OPEN
        and matching.in_zone(host, order.need.zone)
    ]
    most = max((count for _host, count in cards), default=0)
    where = f"pool {snapshot.pool}"
    if order.need.zone:
        where += f" in zone {order.need.zone}"
    if most == 0:
        return f"No host of {where} offers {models}."
    if most < order.need.gpus:
        return (
            f"{order.need.gpus} x {models} on one host is more than any "
            f"host of {where} has ({most})."
        )
    enough = [host for host, count in cards if count >= order.need.gpus]
    if not any(matching.has_room(host, order.need) for host in enough):
        return reasons.no_room(enough, order.need)
    if order.nodes > 1:
        return (
            f"{order.nodes} nodes of {order.need.gpus} x {models} are more "
            f"than {where} has, even when empty."
        )
    return (
        f"No host of {where} has {order.need.gpus} x {models} "
        "in one block, which the flavor requires."
    )
