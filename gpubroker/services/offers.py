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

"""What could start now, for a flavor or for N cards of a kind."""

from __future__ import annotations

from gpubroker import errors
from gpubroker.domain import flavors
from gpubroker.domain import models
from gpubroker.domain import offers
from gpubroker.domain import pools
from gpubroker.domain.matching import Need
from gpubroker.domain.snapshots import Snapshot
from gpubroker.services import broker
from gpubroker.services import ports


def of_flavors(
    core: broker.Broker,
    project_id: str,
    name: str | None = None,
    detail: bool = True,
) -> list[tuple[flavors.Flavor, offers.Offer]]:
    """One offer for each flavor, or for the one named, by name.

    :param detail: whether to name the hosts.
    :raises Invalid: when there is no such flavor.
    """
    with core.store.read() as tx:
        if name is None:
            chosen = sorted(tx.flavors.all(), key=lambda f: f.name)
        else:
            chosen = [_flavor(tx, name)]
        seen = _visible(tx, core, project_id)
    looks = [offers.look(pool) for pool in seen]
    return [
        (
            flavor,
            offers.offer(
                looks, flavor.models, need_of(flavor), project_id, detail
            ),
        )
        for flavor in chosen
    ]


def of_model(
    core: broker.Broker,
    project_id: str,
    name: str,
    gpus: int,
    detail: bool = True,
) -> list[offers.Offer]:
    """One offer for each model of that name or family.

    :param detail: whether to name the hosts.
    :raises Invalid: when there is none.
    """
    with core.store.read() as tx:
        named = [m for m in tx.models.all() if name in (m.name, m.family)]
        seen = _visible(tx, core, project_id)
    if not named:
        raise errors.Invalid(
            f"There is no model or family of models {name}.", field="model"
        )
    carried = [m for m in named if _carried(seen, m)] or named[:1]
    looks = [offers.look(pool) for pool in seen]
    return [
        offers.offer(looks, [model.name], Need(gpus=gpus), project_id, detail)
        for model in sorted(carried, key=lambda m: m.name)
    ]


def need_of(flavor: flavors.Flavor) -> Need:
    return Need(
        gpus=flavor.gpus,
        vcpus=flavor.vcpus,
        ram_mib=flavor.ram_mib,
        disk_gib=flavor.disk_gib,
        topology=flavor.topology,
        traits=frozenset(flavor.traits),
    )


def allowed(pool: pools.Pool, project_id: str) -> bool:
    """Whether a project may order in a pool."""
    return not pool.projects or project_id in pool.projects


def _visible(
    tx: ports.Transaction, core: broker.Broker, project_id: str
) -> list[Snapshot]:
    names = [p.name for p in tx.pools.all() if allowed(p, project_id)]
    return core.cache.snapshots(tx, names, core.clock.now())


def _flavor(tx: ports.Transaction, name: str) -> flavors.Flavor:
    try:
        return tx.flavors.get(name)
    except errors.NotFound:
        raise errors.Invalid(
            f"There is no flavor {name}.", field="flavor"
        ) from None


def _carried(seen: list[Snapshot], model: models.Model) -> bool:
    return any(
        card.model == model.name
        for found in seen
        for shape in set(found.shapes)
        for card in shape.host.cards
    )
