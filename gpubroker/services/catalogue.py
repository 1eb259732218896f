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


"""What operators keep: models, flavors and pools.

Each change names what it read: ``seen`` is called with the generation of the
row before anything is written, and raises when the caller has seen another.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gpubroker import errors
from gpubroker.domain import catalogue
from gpubroker.domain import extra_specs
from gpubroker.domain import flavors
from gpubroker.domain import models
from gpubroker.domain import pools
from gpubroker.services import broker
from gpubroker.services import ports

Seen = Callable[[int], None]


# -- models ------------------------------------------------------------------


def add_model(core: broker.Broker, body: Mapping[str, Any]) -> models.Model:
    """:raises Duplicate: when the name is taken, or another model claims
    the same cards; Invalid: for blocks that do not fit the board.
    """
    given = _tuples(body)
    name = given["name"]
    given.setdefault("resource_class", catalogue.resource_class(_word(name)))
    given.setdefault("alias", name)
    model = models.Model(**given)
    with core.store.write() as tx:
        _check_model(tx, model)
        return tx.models.add(model)


def change_model(
    core: broker.Broker, name: str, changes: Mapping[str, Any], seen: Seen
) -> models.Model:
    """A changed model is the operator's, no longer a built-in one."""
    with core.store.write() as tx:
        model = tx.models.get(name)
        seen(model.generation)
        changed = dataclasses.replace(model, **_tuples(changes), builtin=False)
        _check_model(tx, changed)
        return tx.models.update(changed)


def delete_model(core: broker.Broker, name: str, seen: Seen) -> None:
    """:raises InUse: while a flavor or a device is of this model."""
    with core.store.write() as tx:
        seen(tx.models.get(name).generation)
        tx.models.delete(name)


def _word(name: str) -> str:
    return name.replace(".", "_")


def _check_model(tx: ports.Transaction, model: models.Model) -> None:
    slots = [slot for block in model.blocks for slot in block]
    if any(slot >= model.board_slots for slot in slots):
        raise errors.Invalid(
            f"A block names slot {max(slots)}, the board has "
            f"{model.board_slots}, counted from 0.",
            field="blocks",
        )
    for other in tx.models.all():
        # An operator's model comes before a built-in one, so the two may
        # stand for the same cards; two of an operator's may not.
        if model.builtin or other.builtin or other.name == model.name:
            continue
        if _same_cards(model, other):
            raise errors.Duplicate(
                f"Model {other.name} already stands for such cards.",
                field="product_ids",
            )


def _same_cards(one: models.Model, other: models.Model) -> bool:
    """Whether a card could be of both.

    Models with one device id are told apart by subsystem; one without any
    stands for the cards that no other names, so there is one such at most.
    """
    if one.vendor_id != other.vendor_id:
        return False
    if not set(one.product_ids) & set(other.product_ids):
        return False
    if one.subsystem_ids and other.subsystem_ids:
        return bool(set(one.subsystem_ids) & set(other.subsystem_ids))
    return not one.subsystem_ids and not other.subsystem_ids


# -- flavors -----------------------------------------------------------------


def add_flavor(core: broker.Broker, body: Mapping[str, Any]) -> flavors.Flavor:
    """:raises Duplicate: when the name is taken; Invalid: for a model that
    does not exist, or a property that Nova would refuse.
    """
    flavor = flavors.Flavor(id=str(uuid.uuid4()), **_flavor_fields(body))
    with core.store.write() as tx:
        _check_models(tx, flavor.models)
        return tx.flavors.add(flavor)


def change_flavor(
    core: broker.Broker, ref: str, changes: Mapping[str, Any], seen: Seen
) -> flavors.Flavor:
    """Leases keep what they were ordered with."""
    with core.store.write() as tx:
        flavor = tx.flavors.get(ref)
        seen(flavor.generation)
        changed = dataclasses.replace(flavor, **_flavor_fields(changes))
        _check_models(tx, changed.models)
        return tx.flavors.update(changed)


def delete_flavor(core: broker.Broker, ref: str, seen: Seen) -> None:
    with core.store.write() as tx:
        seen(tx.flavors.get(ref).generation)
        tx.flavors.delete(ref)


def _flavor_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields = _tuples(body)
    if "kind" in fields:
        fields["kind"] = flavors.Kind(fields["kind"])
    if "topology" in fields:
        fields["topology"] = flavors.Topology(fields["topology"])
    wrong = extra_specs.faults(fields.get("extra_specs", {}))
    if wrong:
        raise errors.Invalid(" ".join(wrong), field="extra_specs")
    return fields


def _check_models(tx: ports.Transaction, names: Iterable[str]) -> None:
    known = {model.name for model in tx.models.all()}
    for name in names:
        if name not in known:
            raise errors.Invalid(f"There is no model {name}.", field="models")


# -- pools -------------------------------------------------------------------


def add_pool(core: broker.Broker, body: Mapping[str, Any]) -> pools.Pool:
    """:raises Duplicate: when the name is taken."""
    pool = pools.Pool(**_pool_fields(body))
    with core.store.write() as tx:
        return tx.pools.add(pool)


def change_pool(
    core: broker.Broker, name: str, changes: Mapping[str, Any], seen: Seen
) -> pools.Pool:
    with core.store.write() as tx:
        pool = tx.pools.get(name)
        seen(pool.generation)
        return tx.pools.update(
            dataclasses.replace(pool, **_pool_fields(changes))
        )


def delete_pool(core: broker.Broker, name: str, seen: Seen) -> None:
    """:raises InUse: while hosts or leases that are not final name it."""
    with core.store.write() as tx:
        seen(tx.pools.get(name).generation)
        tx.pools.delete(name)


def _pool_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields = _tuples(body)
    if "admission" in fields:
        fields["admission"] = pools.Admission(fields["admission"])
    return fields


def _tuples(body: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of a body as the domain has them: unchangeable."""
    return {name: _frozen(value) for name, value in body.items()}


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value
